// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import Ledger

/// What one validator did in one round.
package struct AnswerView: Codable, Equatable, Sendable {
    /// The validator's number, from 0.
    package var validator: UInt64
    /// Its name.
    package var name: String?
    /// `approve`, `reject` or `abstain`; else `missed`, or `waiting` while the round is open, or
    /// `cutShort` where it closed early, since another request had spent a nullifier.
    package var answer: String
    /// Whether the outcome proved it wrong.
    package var isContradicted: Bool
    /// Whether two signed votes on the request convict it.
    package var isConvicted: Bool
}

/// A round with the answers of those who were asked.
package struct RoundView: Codable, Equatable, Sendable {
    /// The entry that introduced the request.
    package var request: UInt64
    /// Its identity: 64 hexadecimal digits.
    package var requestID: String
    /// `open`, or how it was decided.
    package var outcome: String
    /// Whether votes are still taken.
    package var isOpen: Bool
    /// Why the round closed.
    package var closeCause: String?
    /// The answers by the numbers of the validators.
    package var answers: [AnswerView]
}

extension LedgerViews {
    /// The newest `limit` rounds of the requests in a range, the newest last.
    package func rounds(
        _ range: EntryRange = EntryRange(), newest limit: UInt64
    ) throws(ViewError) -> [RoundView] {
        let (from, to) = range.bounds
        var found = try rows(
            """
            SELECT entry, id, outcome, closed, close_cause FROM request WHERE entry BETWEEN ? AND ?
            ORDER BY entry DESC LIMIT ?
            """, [from, to, Int64(clamping: limit)]
        ) { cells throws(ViewError) in
            RoundView(
                request: try cells.number("entry"), requestID: try cells.hex("id"),
                outcome: try cells.textIfAny("outcome") ?? "open",
                isOpen: try cells.numberIfAny("closed") == nil,
                closeCause: try cells.textIfAny("close_cause"), answers: [])
        }
        found.reverse()
        guard let first = found.first?.request, let last = found.last?.request else { return [] }
        let spans = try memberSpans()
        let marks = try marks(EntryRange(from: first, to: last), spans)
        let names = try validatorNames()
        for place in found.indices {
            found[place].answers = try answers(in: found[place], spans, marks, names)
        }
        return found
    }

    private struct Mark: Hashable {
        let request: UInt64
        let validator: UInt64
    }

    private struct Marks {
        var contradicted: Set<Mark> = []
        var convicted: Set<Mark> = []
    }

    private func answers(
        in round: RoundView, _ spans: [MemberSpan], _ marks: Marks, _ names: [UInt64: String]
    ) throws(ViewError) -> [AnswerView] {
        let votes = try rows(
            "SELECT validator, vote FROM vote WHERE request = ? ORDER BY validator",
            [Int64(clamping: round.request)]
        ) { cells throws(ViewError) in (try cells.number("validator"), try cells.text("vote")) }
        var said: [UInt64: String] = [:]
        for (validator, vote) in votes { said[validator] = vote }
        let silence =
            round.isOpen
            ? "waiting"
            : round.closeCause == CloseCause.nullifierSpent.jsonName ? "cutShort" : "missed"
        return spans.filter { $0.holds(round.request) }.map { span in
            let mark = Mark(request: round.request, validator: span.validator)
            return AnswerView(
                validator: span.validator, name: names[span.validator],
                answer: said[span.validator] ?? silence,
                isContradicted: marks.contradicted.contains(mark),
                isConvicted: marks.convicted.contains(mark))
        }
    }

    /// Who was proved wrong or convicted in the rounds of a range.
    ///
    /// Changes of reputation are kept by validator, so each is asked for those after the range
    /// begins: a round changes reputations only after it opened.
    private func marks(_ range: EntryRange, _ spans: [MemberSpan]) throws(ViewError) -> Marks {
        let (from, to) = range.bounds
        var marks = Marks()
        var validators = spans.map(\.validator)
        validators = Array(Set(validators)).sorted()
        for validator in validators {
            try forEach(
                """
                SELECT about FROM reputation_change
                WHERE validator = ? AND entry > ? AND cause = 'incorrect' AND about BETWEEN ? AND ?
                """, [Int64(validator), from, from, to]
            ) { cells throws(ViewError) in
                marks.contradicted.insert(
                    Mark(request: try cells.number("about"), validator: validator))
            }
        }
        try forEach(
            """
            SELECT request, validator FROM evidence WHERE slot = 'vote' AND request BETWEEN ? AND ?
            """, [from, to]
        ) { cells throws(ViewError) in
            marks.convicted.insert(
                Mark(
                    request: try cells.number("request"),
                    validator: try cells.number("validator")))
        }
        return marks
    }
}
