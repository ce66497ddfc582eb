// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import Ledger

/// A request with what became of it.
package struct RequestView: Codable, Equatable, Sendable {
    /// The entry that introduced it.
    package var entry: UInt64
    /// Its identity: 64 hexadecimal digits.
    package var requestID: String
    /// The batch of that entry.
    package var batch: UInt64
    /// The time of the batch.
    package var time: UInt64
    /// The name of the circuit.
    package var circuit: String
    /// The number of the submitter.
    package var submitter: UInt64
    /// Its name.
    package var submitterName: String
    /// How much.
    package var amount: UInt64
    /// To whom.
    package var recipient: String
    /// When, by the submitter's own time.
    package var timestamp: UInt64
    /// The number of the validator that settles it.
    package var leader: UInt64
    /// Its name.
    package var leaderName: String
    /// Approvals that approve.
    package var threshold: UInt64
    /// When votes end.
    package var deadline: UInt64
    /// `open`, or how it was decided.
    package var outcome: String
    /// Why it was decided so.
    package var reason: String?
    /// Votes to approve at the decision; of an open request, those so far.
    package var approvals: UInt64
    /// Votes to reject, likewise.
    package var rejections: UInt64
    /// Abstentions, likewise.
    package var abstentions: UInt64
    /// Approvals less the threshold, at the decision.
    package var margin: Int64?
    /// Votes to approve when the round closed, also those after the decision; nil until then.
    package var closingApprovals: UInt64?
    /// How many of those who made the decision could have failed without another outcome, by all
    /// votes of the closed round; nil where no votes made it.
    package var spare: Int64?
    /// The entry that decided it.
    package var deciding: UInt64?
    /// The entry that says so.
    package var decided: UInt64?
    /// The time of the batch that decided it.
    package var decidedTime: UInt64?
    /// The entry that closed the round.
    package var closed: UInt64?
    /// Why the round closed.
    package var closeCause: String?
    /// `ordered`, `settled` or `failed`, where a settlement was ordered.
    package var settlement: String?

    init(_ cells: Cells) throws(ViewError) {
        entry = try cells.number("entry")
        requestID = try cells.hex("id")
        batch = try cells.number("height")
        time = try cells.number("time")
        circuit = try cells.text("circuit_name")
        submitter = try cells.number("submitter")
        submitterName = try cells.text("submitter_name")
        amount = try cells.number("amount")
        recipient = try cells.hex("recipient")
        timestamp = try cells.number("timestamp")
        leader = try cells.number("leader")
        leaderName = try cells.text("leader_name")
        threshold = try cells.number("threshold")
        deadline = try cells.number("deadline")
        outcome = try cells.textIfAny("outcome") ?? "open"
        let word = try cells.textIfAny("reason")
        reason = word
        approvals = try cells.number("approvals")
        rejections = try cells.number("rejections")
        abstentions = try cells.number("abstentions")
        margin = try cells.signedIfAny("margin")
        closingApprovals = try cells.numberIfAny("closing_approvals")
        spare = try Self.closing(cells, threshold: threshold)?.spare(
            OutcomeReason.allCases.first { $0.jsonName == word })
        deciding = try cells.numberIfAny("deciding")
        decided = try cells.numberIfAny("decided")
        decidedTime = try cells.numberIfAny("decided_time")
        closed = try cells.numberIfAny("closed")
        closeCause = try cells.textIfAny("close_cause")
        settlement = try cells.textIfAny("settlement")
    }

    /// All votes of the round; nil while it is open.
    private static func closing(
        _ cells: Cells, threshold: UInt64
    ) throws(ViewError) -> ClosingTally? {
        guard let approvals = try cells.numberIfAny("closing_approvals"),
            let others = try cells.numberIfAny("closing_others"),
            let members = try cells.numberIfAny("members")
        else { return nil }
        return ClosingTally(
            approvals: UInt32(clamping: approvals), others: UInt32(clamping: others),
            members: UInt32(clamping: members), threshold: UInt32(clamping: threshold))
    }
}

/// Which requests are asked for.
package struct RequestFilter: Sendable {
    /// What `outcome` may be.
    package static let outcomes = Outcome.allCases.map(\.jsonName) + ["open"]

    /// One of `outcomes`, or nil for all.
    package var outcome: String?
    /// The entries that introduced them.
    package var range: EntryRange
    /// The newest so many; nil for all.
    package var limit: UInt64?
    /// Of an earlier time the last entry: everything is as it was then.
    package var moment: UInt64?

    /// Asks for all, as they are now, unless told otherwise.
    package init(
        outcome: String? = nil, range: EntryRange = EntryRange(), limit: UInt64? = nil,
        at moment: UInt64? = nil
    ) {
        self.outcome = outcome
        self.range = EntryRange(from: range.from, to: min(range.to, moment ?? .max))
        self.limit = limit
        self.moment = moment
    }
}

extension LedgerViews {
    /// Hands the requests to `body`, the newest last; memory stays flat.
    package func forEachRequest(
        _ filter: RequestFilter, _ body: (RequestView) throws(ViewError) -> Void
    ) throws(ViewError) {
        var filter = filter
        if let limit = filter.limit {
            guard limit > 0, let first = try firstOfNewest(limit, filter) else { return }
            filter.range.from = max(filter.range.from, first)
        }
        let (condition, arguments) = Self.condition(filter)
        try forEach(Self.requestSQL + condition + " ORDER BY request.entry", arguments) {
            cells throws(ViewError) in
            let row = try RequestView(cells)
            try body(
                try filter.moment.map { moment throws(ViewError) in
                    try self.row(row, at: moment)
                } ?? row)
        }
    }

    /// The number of requests that pass the filter, its limit aside.
    package func requestCount(_ filter: RequestFilter) throws(ViewError) -> UInt64 {
        let (condition, arguments) = Self.condition(filter)
        return try count("SELECT count(*) AS count FROM request" + condition, arguments)
    }

    /// A request as it was at an entry, by what has become of it since.
    private func row(_ row: RequestView, at moment: UInt64) throws(ViewError) -> RequestView {
        var row = row
        let place: StatementArguments = [Int64(clamping: row.entry), Int64(clamping: moment)]
        if row.closed.map({ $0 > moment }) ?? false {
            (row.closed, row.closeCause) = (nil, nil)
            (row.closingApprovals, row.spare) = (nil, nil)
        }
        if row.decided.map({ $0 > moment }) ?? true {
            (row.outcome, row.reason, row.margin) = ("open", nil, nil)
            (row.deciding, row.decided, row.decidedTime) = (nil, nil, nil)
            (row.approvals, row.rejections, row.abstentions) = (0, 0, 0)
            try forEach(
                """
                SELECT vote, count(*) AS count FROM vote WHERE request = ? AND entry <= ?
                GROUP BY vote
                """, place
            ) { cells throws(ViewError) in
                let count = try cells.number("count")
                switch try cells.text("vote") {
                case "approve": row.approvals = count
                case "reject": row.rejections = count
                default: row.abstentions = count
                }
            }
        }
        row.settlement =
            try first(
                """
                SELECT iif(reported <= ?2, result, 'ordered') AS settlement FROM settlement
                WHERE request = ?1 AND ordered <= ?2
                """, place
            ) { cells throws(ViewError) in try cells.textIfAny("settlement") } ?? nil
        return row
    }

    /// A request by its entry.
    package func request(at entry: UInt64) throws(ViewError) -> RequestView? {
        try first(Self.requestSQL + " WHERE request.entry = ?", [Int64(clamping: entry)]) {
            cells throws(ViewError) in try RequestView(cells)
        }
    }

    private func firstOfNewest(
        _ limit: UInt64, _ filter: RequestFilter
    ) throws(ViewError) -> UInt64? {
        let (condition, arguments) = Self.condition(filter)
        // Fewer than the limit are all of them.
        let found = try first(
            "SELECT entry FROM request" + condition + " ORDER BY entry DESC LIMIT 1 OFFSET ?",
            arguments + [Int64(clamping: limit - 1)]
        ) { cells throws(ViewError) in try cells.number("entry") }
        return found ?? 0
    }

    private static func condition(_ filter: RequestFilter) -> (String, StatementArguments) {
        let (from, to) = filter.range.bounds
        var text = " WHERE request.entry BETWEEN ? AND ?"
        var arguments: StatementArguments = [from, to]
        switch filter.outcome {
        case nil: break
        case "open":
            text += " AND (request.outcome IS NULL OR request.decided > ?)"
            arguments += [Int64(clamping: filter.moment ?? .max)]
        case let outcome?:
            text += " AND request.outcome = ? AND request.decided <= ?"
            arguments += [outcome, Int64(clamping: filter.moment ?? .max)]
        }
        return (text, arguments)
    }

    private static let requestSQL = """
        SELECT request.entry, request.id, request.height, batch.time, circuit.name AS circuit_name,
            request.submitter, submitter.name AS submitter_name, request.amount,
            request.recipient, request.timestamp, request.leader,
            validator.name AS leader_name, request.threshold, request.deadline, request.outcome,
            request.reason,
            coalesce(request.approvals, (SELECT count(*) FROM vote
                WHERE vote.request = request.entry AND vote.vote = 'approve')) AS approvals,
            coalesce(request.rejections, (SELECT count(*) FROM vote
                WHERE vote.request = request.entry AND vote.vote = 'reject')) AS rejections,
            coalesce(request.abstentions, (SELECT count(*) FROM vote
                WHERE vote.request = request.entry AND vote.vote = 'abstain')) AS abstentions,
            request.margin,
            CASE WHEN request.closed IS NOT NULL THEN (SELECT count(*) FROM vote
                WHERE vote.request = request.entry AND vote.vote = 'approve')
            END AS closing_approvals,
            CASE WHEN request.closed IS NOT NULL THEN (SELECT count(*) FROM vote
                WHERE vote.request = request.entry AND vote.vote <> 'approve')
            END AS closing_others,
            CASE WHEN request.closed IS NOT NULL THEN (SELECT count(*) FROM membership
                WHERE membership.joined < request.entry
                AND (membership.left IS NULL OR membership.left > request.entry))
            END AS members,
            request.deciding, request.decided, request.decided_time,
            request.closed, request.close_cause,
            CASE WHEN settlement.request IS NULL THEN NULL
                ELSE coalesce(settlement.result, 'ordered') END AS settlement
        FROM request
        JOIN batch ON batch.height = request.height
        JOIN circuit ON circuit.number = request.circuit
        JOIN submitter ON submitter.number = request.submitter
        JOIN validator ON validator.number = request.leader
        LEFT JOIN settlement ON settlement.request = request.entry
        """
}
