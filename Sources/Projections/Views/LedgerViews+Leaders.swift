// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB
internal import Ledger

/// The ranking for one request or batch.
package struct RankingView: Sendable {
    /// What it is for.
    package var kind: LeadingKind
    /// The entry of the request, or the height of the batch.
    package var number: UInt64
    /// The identity of the request.
    package var requestID: String?
    /// Who led it, and how many in rank were passed over; nil where it is still to come.
    package var led: Leadership?
    /// The candidates in rank, the first leads round 0.
    package var ranked: [WeighedCandidate]
}

extension LedgerViews {
    /// Hands what was led in a range of entries to `body`, in order, with the candidates by number
    /// as their weights were.
    ///
    /// `isSame` says that the candidates are those of the call before. Batch 0 has no leader. One
    /// pass over the changes of reputations; memory stays flat.
    package func forEachLeadership(
        _ kind: LeadingKind, _ range: EntryRange = EntryRange(),
        _ body: (_ led: Leadership, _ candidates: [WeighedCandidate], _ isSame: Bool)
            throws(ViewError) -> Void
    ) throws(ViewError) {
        var standing = try standing()
        var reputations = try ReputationCursor(self)
        var version = -1
        var candidates: [WeighedCandidate] = []
        try forEachMatter(kind, range) { matter throws(ViewError) in
            standing.advance(to: matter.stakesBefore)
            try reputations.advance(&standing, to: matter.reputationsBefore)
            let isSame = version == standing.version
            if !isSame {
                candidates = try standing.weighed()
                version = standing.version
            }
            try body(matter.led, candidates, isSame)
        }
    }

    /// Something that was led, with the entries before which stakes and reputations count.
    private struct Matter {
        let led: Leadership
        let stakesBefore: UInt64
        let reputationsBefore: UInt64
    }

    private func forEachMatter(
        _ kind: LeadingKind, _ range: EntryRange, _ body: (Matter) throws(ViewError) -> Void
    ) throws(ViewError) {
        let (from, to) = range.bounds
        switch kind {
        case .requests:
            try forEach(
                "SELECT entry, leader FROM request WHERE entry BETWEEN ? AND ? ORDER BY entry",
                [from, to]
            ) { cells throws(ViewError) in
                let entry = try cells.number("entry")
                let led = Leadership(number: entry, leader: try cells.number("leader"), round: 0)
                try body(Matter(led: led, stakesBefore: entry, reputationsBefore: entry))
            }
        case .batches:
            // Batch h ranks the stakes sealed by h - 2; batch 1 those of batch 0.
            try forEach(
                """
                SELECT batch.height, batch.entry, batch.proposer, batch.round, older.sealed
                FROM batch JOIN batch AS older ON older.height = max(batch.height - 2, 0)
                WHERE batch.proposer IS NOT NULL AND batch.entry BETWEEN ? AND ?
                ORDER BY batch.height
                """, [from, to]
            ) { cells throws(ViewError) in
                let led = Leadership(
                    number: try cells.number("height"), leader: try cells.number("proposer"),
                    round: try cells.number("round"))
                try body(
                    Matter(
                        led: led, stakesBefore: try cells.number("sealed") + 1,
                        reputationsBefore: try cells.number("entry")))
            }
        }
    }

    /// The newest `limit` requests or batches with their leaders, the newest last.
    package func leaderships(
        _ kind: LeadingKind, _ range: EntryRange = EntryRange(), newest limit: UInt64
    ) throws(ViewError) -> [Leadership] {
        let (from, to) = range.bounds
        let sql =
            switch kind {
            case .requests:
                """
                SELECT entry AS number, leader, 0 AS round FROM request
                WHERE entry BETWEEN ? AND ? ORDER BY entry DESC LIMIT ?
                """
            case .batches:
                """
                SELECT height AS number, proposer AS leader, round FROM batch
                WHERE proposer IS NOT NULL AND entry BETWEEN ? AND ? ORDER BY height DESC LIMIT ?
                """
            }
        return try rows(sql, [from, to, Int64(clamping: limit)]) { cells throws(ViewError) in
            Leadership(
                number: try cells.number("number"), leader: try cells.number("leader"),
                round: try cells.number("round"))
        }.reversed()
    }

    /// The ranking of the candidates of a request; nil where there is none.
    package func ranking(ofRequest entry: UInt64) throws(ViewError) -> RankingView? {
        let found = try first(
            "SELECT id, leader FROM request WHERE entry = ?", [Int64(clamping: entry)]
        ) { cells throws(ViewError) in (try cells.bytes("id"), try cells.number("leader")) }
        guard let (id, leader) = found, let bytes = Bytes32(id) else { return nil }
        return try ranking(
            .request(RequestID(Digest(bytes))), stakesBefore: entry, reputationsBefore: entry,
            RankingView(
                kind: .requests, number: entry, requestID: id.hex,
                led: Leadership(number: entry, leader: leader, round: 0), ranked: []))
    }

    /// The ranking of the proposers of a batch, also of the one that is to come; nil of others and
    /// of batch 0, which nobody proposes.
    package func ranking(ofBatch height: UInt64) throws(ViewError) -> RankingView? {
        guard height > 0, let last = try lastHeight(), height <= last + 1 else { return nil }
        func sealed(_ height: UInt64) throws(ViewError) -> UInt64 {
            try count("SELECT sealed AS count FROM batch WHERE height = ?", [Int64(height)])
        }
        let led = try leadership(ofBatch: height)
        return try ranking(
            .height(Height(height)), stakesBefore: try sealed(height > 2 ? height - 2 : 0) + 1,
            reputationsBefore: try sealed(height - 1) + 1,
            RankingView(kind: .batches, number: height, requestID: nil, led: led, ranked: []))
    }

    private func leadership(ofBatch height: UInt64) throws(ViewError) -> Leadership? {
        try first("SELECT proposer, round FROM batch WHERE height = ?", [Int64(height)]) {
            cells throws(ViewError) in
            Leadership(
                number: height, leader: try cells.number("proposer"),
                round: try cells.number("round"))
        }
    }

    private func ranking(
        _ matter: LeaderMatter, stakesBefore: UInt64, reputationsBefore: UInt64, _ row: RankingView
    ) throws(ViewError) -> RankingView {
        var standing = try standing()
        standing.advance(to: stakesBefore)
        for number in standing.validators.indices {
            let reputation = try first(
                """
                SELECT after FROM reputation_change WHERE validator = ? AND entry < ?
                ORDER BY entry DESC LIMIT 1
                """, [number, Int64(clamping: reputationsBefore)]
            ) { cells throws(ViewError) in try cells.number("after") }
            if let reputation { standing.set(reputation: reputation, of: UInt64(number)) }
        }
        let ledger = try first("SELECT ledger FROM position") { cells throws(ViewError) in
            try cells.bytes("ledger")
        }
        guard let ledger, let id = Bytes32(ledger) else {
            throw .unreadable(column: "position.ledger")
        }
        let order = standing.parameters.ranking(
            standing.candidates, seed: matter.seed(in: LedgerID(Digest(id))))
        var weighed: [UInt64: WeighedCandidate] = [:]
        for candidate in try standing.weighed() { weighed[candidate.validator] = candidate }
        var row = row
        row.ranked = order.compactMap { weighed[UInt64($0.rawValue)] }
        return row
    }
}

/// Reads the changes of all reputations in the order of the log, once.
private struct ReputationCursor {
    private struct Change {
        let entry: UInt64
        let validator: UInt64
        let after: UInt64
    }

    private let views: LedgerViews
    private let cursor: RowCursor
    private var pending: Change?

    init(_ views: LedgerViews) throws(ViewError) {
        self.views = views
        cursor = try views.onFile {
            try Row.fetchCursor(
                views.db,
                sql: "SELECT entry, validator, after FROM reputation_change ORDER BY entry")
        }
        pending = try read()
    }

    mutating func advance(_ standing: inout Standing, to entry: UInt64) throws(ViewError) {
        while let change = pending, change.entry < entry {
            standing.set(reputation: change.after, of: change.validator)
            pending = try read()
        }
    }

    private func read() throws(ViewError) -> Change? {
        guard let row = try views.onFile({ try cursor.next() }) else { return nil }
        let cells = Cells(row)
        return Change(
            entry: try cells.number("entry"), validator: try cells.number("validator"),
            after: try cells.number("after"))
    }
}

extension LedgerViews {
    /// The validators with every change but those of reputations.
    fileprivate func standing() throws(ViewError) -> Standing {
        let keys = try rows("SELECT number, key FROM validator ORDER BY number") {
            cells throws(ViewError) in (try cells.number("number"), try cells.bytes("key"))
        }
        guard keys.enumerated().allSatisfy({ UInt64($0.offset) == $0.element.0 }) else {
            throw .unreadable(column: "validator.number")
        }
        var changes: [(entry: UInt64, change: Standing.Change)] = []
        for span in try memberSpans() {
            changes.append((span.joined, .joined(span.validator)))
            if let left = span.left { changes.append((left, .left(span.validator))) }
        }
        changes += try rows("SELECT validator, entry, stake FROM stake_change") {
            cells throws(ViewError) in
            (
                try cells.number("entry"),
                .stake(try cells.number("validator"), try cells.number("stake"))
            )
        }
        changes += try rows("SELECT * FROM parameters ORDER BY entry") {
            cells throws(ViewError) in
            (try cells.number("entry"), .parameters(try Self.parameters(cells)))
        }
        // Changes of one entry are about different things, so that their order means nothing.
        changes.sort { $0.entry < $1.entry }
        return Standing(
            validators: keys.map { Standing.Validator(key: $0.1) }, changes: changes)
    }

    private static func parameters(_ cells: Cells) throws(ViewError) -> Parameters {
        func small(_ column: String) throws(ViewError) -> UInt32 {
            guard let value = UInt32(exactly: try cells.number(column)) else {
                throw .unreadable(column: "parameters.\(column)")
            }
            return value
        }
        return Parameters(
            threshold: try small("threshold"),
            verificationMilliseconds: try cells.number("verification_milliseconds"),
            jobMilliseconds: try cells.number("job_milliseconds"),
            settlementMilliseconds: try cells.number("settlement_milliseconds"),
            reputationMin: Reputation(try cells.number("reputation_min")),
            reputationMax: Reputation(try cells.number("reputation_max")),
            stakeWeight: try small("stake_weight"),
            reputationWeight: try small("reputation_weight"),
            normalisation: try cells.text("normalisation") == "raw" ? .raw : .share,
            unclosedMax: try small("unclosed_max"),
            refusalsPerMinute: try small("refusals_per_minute"),
            jobFuelMax: try cells.number("job_fuel_max"),
            jobMemoryBytesMax: try cells.number("job_memory_bytes_max"),
            jobInputBytesMax: try cells.number("job_input_bytes_max"),
            jobModuleBytesMax: try cells.number("job_module_bytes_max"),
            jobMillisecondsMin: try cells.number("job_milliseconds_min"))
    }
}
