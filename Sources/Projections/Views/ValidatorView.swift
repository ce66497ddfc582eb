// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// A validator with what it did in the rounds that pinned it.
package struct ValidatorView: Codable, Equatable, Sendable {
    /// The validator's number, from 0.
    package var validator: UInt64
    /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
    package var name: String
    /// Its key: 64 hexadecimal digits.
    package var key: String
    /// Its stake now.
    package var stake: UInt64
    /// Its reputation now, in thousandths of a point.
    package var reputation: UInt64
    /// Whether it is a member now.
    package var isMember: Bool
    /// Closed rounds in which it was asked.
    package var asked: UInt64 = 0
    /// Of these, those in which it voted to approve.
    package var approved: UInt64 = 0
    /// To reject.
    package var rejected: UInt64 = 0
    /// To abstain.
    package var abstained: UInt64 = 0
    /// And those that closed without a vote of its own.
    package var missed: UInt64 = 0
    /// Likewise, but closed early, since another request had spent a nullifier: nobody's fault.
    package var cutShort: UInt64 = 0
    /// Votes that an outcome proved wrong.
    package var contradicted: UInt64 = 0
    /// Pairs of signed messages that convict it.
    package var convicted: UInt64 = 0
    /// Requests that it leads.
    package var leads: UInt64 = 0

    init(_ cells: Cells) throws(ViewError) {
        validator = try cells.number("number")
        name = try cells.text("name")
        key = try cells.hex("key")
        stake = try cells.number("stake")
        reputation = try cells.number("reputation")
        isMember = try cells.isTrue("is_member")
    }
}

/// When a validator was a member: after one entry, and up to another.
struct MemberSpan {
    let validator: UInt64
    let joined: UInt64
    let left: UInt64?

    /// Whether a request of this entry pins the validator.
    func holds(_ entry: UInt64) -> Bool { joined < entry && (left.map { entry < $0 } ?? true) }
}

extension LedgerViews {
    /// The validators by number, with what they did in the rounds of the requests in a range.
    ///
    /// Costs one pass over the votes in the range; of the whole ledger as it is now, one over the
    /// open rounds.
    /// - Parameter moment: Of an earlier time the last entry: everything is as it was then.
    package func validators(
        _ range: EntryRange = EntryRange(), at moment: UInt64? = nil
    ) throws(ViewError) -> [ValidatorView] {
        guard let moment else {
            return try validators(range, until: .max, try parties(), areTallied: range.isWhole)
        }
        let until = Int64(clamping: moment)
        let range = EntryRange(from: range.from, to: min(range.to, moment))
        return try validators(range, until: until, try parties(at: until), areTallied: false)
    }

    private func validators(
        _ range: EntryRange, until: Int64, _ parties: [ValidatorView], areTallied: Bool
    ) throws(ViewError) -> [ValidatorView] {
        var found = parties
        var places: [UInt64: Int] = [:]
        for (place, row) in found.enumerated() { places[row.validator] = place }
        if areTallied {
            try addTallies(places, &found)
        } else {
            for (validator, asked) in try askedCounts(range, "closed <= \(until)") {
                if let place = places[validator] { found[place].asked = asked }
            }
            try addVotes(range, until, places, &found)
        }
        let isCutShort = "request.close_cause = 'nullifierSpent' AND request.closed <= \(until)"
        for (validator, asked) in try askedCounts(range, isCutShort) {
            if let place = places[validator] { found[place].cutShort = asked }
        }
        for vote in try voteCounts(range, isCutShort) {
            guard let place = places[vote.validator] else { continue }
            found[place].cutShort -= min(vote.count, found[place].cutShort)
        }
        for place in found.indices {
            let row = found[place]
            let done = row.approved + row.rejected + row.abstained + row.cutShort
            found[place].missed = row.asked - min(row.asked, done)
        }
        try addMarks(range, until, places, areTallied: areTallied, &found)
        return found
    }

    /// A validator by its number, with what it did in all rounds; nil where there is none.
    package func validator(_ number: UInt64) throws(ViewError) -> ValidatorView? {
        try validators().first { $0.validator == number }
    }

    /// A validator by its number, with nothing counted; nil where there is none.
    package func party(_ number: UInt64) throws(ViewError) -> ValidatorView? {
        try first(Self.validatorSQL + " WHERE number = ?", [Int64(clamping: number)]) {
            cells throws(ViewError) in try ValidatorView(cells)
        }
    }

    /// The validators by number, with nothing counted.
    package func parties() throws(ViewError) -> [ValidatorView] {
        try rows(Self.validatorSQL + " ORDER BY number") { cells throws(ViewError) in
            try ValidatorView(cells)
        }
    }

    /// The validators by number as they were at an entry, with nothing counted; those who joined
    /// later are left out.
    private func parties(at moment: Int64) throws(ViewError) -> [ValidatorView] {
        try rows(
            """
            SELECT number, key, name,
                (SELECT stake FROM stake_change AS change
                    WHERE change.validator = number AND change.entry <= ?1
                    ORDER BY change.entry DESC LIMIT 1) AS stake,
                (SELECT after FROM reputation_change AS change
                    WHERE change.validator = number AND change.entry <= ?1
                    ORDER BY change.entry DESC LIMIT 1) AS reputation,
                EXISTS (SELECT 1 FROM membership WHERE membership.validator = number
                    AND membership.joined <= ?1
                    AND (membership.left IS NULL OR membership.left > ?1)) AS is_member
            FROM validator
            WHERE EXISTS (SELECT 1 FROM membership
                WHERE membership.validator = number AND membership.joined <= ?1)
            ORDER BY number
            """, [moment]
        ) { cells throws(ViewError) in try ValidatorView(cells) }
    }

    /// The names of the validators by number.
    package func validatorNames() throws(ViewError) -> [UInt64: String] {
        var names: [UInt64: String] = [:]
        for party in try parties() { names[party.validator] = party.name }
        return names
    }

    private struct VoteCount {
        let validator: UInt64
        let vote: String
        let count: UInt64
    }

    /// Takes what was counted as the log was folded; of rounds that are not closed yet, what was is
    /// taken off again.
    private func addTallies(
        _ places: [UInt64: Int], _ found: inout [ValidatorView]
    ) throws(ViewError) {
        for (validator, tally) in try tallies() {
            guard let place = places[validator] else { continue }
            found[place].asked = tally.pinned
            found[place].approved = tally.approved
            found[place].rejected = tally.rejected
            found[place].abstained = tally.abstained
            found[place].contradicted = tally.contradicted
            found[place].leads = tally.requests.led
        }
        for (validator, asked) in try askedCounts(EntryRange(), "closed IS NULL") {
            guard let place = places[validator] else { continue }
            found[place].asked -= min(asked, found[place].asked)
        }
        try takeOffOpenVotes(EntryRange(), .max, places, &found)
    }

    private static func part(_ vote: String) -> WritableKeyPath<ValidatorView, UInt64> {
        vote == "approve" ? \.approved : vote == "reject" ? \.rejected : \.abstained
    }

    /// Counts votes; those of rounds that are not closed yet are taken off again.
    private func addVotes(
        _ range: EntryRange, _ until: Int64, _ places: [UInt64: Int],
        _ found: inout [ValidatorView]
    ) throws(ViewError) {
        for vote in try voteCounts(range, nil) {
            guard let place = places[vote.validator] else { continue }
            found[place][keyPath: Self.part(vote.vote)] += vote.count
        }
        try takeOffOpenVotes(range, until, places, &found)
    }

    private func takeOffOpenVotes(
        _ range: EntryRange, _ until: Int64, _ places: [UInt64: Int],
        _ found: inout [ValidatorView]
    ) throws(ViewError) {
        let isOpen = "(request.closed IS NULL OR request.closed > \(until))"
        for vote in try voteCounts(range, isOpen) {
            guard let place = places[vote.validator] else { continue }
            let counted = found[place][keyPath: Self.part(vote.vote)]
            found[place][keyPath: Self.part(vote.vote)] = counted - min(vote.count, counted)
        }
    }

    /// The votes on the requests of a range, or on those of which a condition holds, which are few.
    private func voteCounts(
        _ range: EntryRange, _ condition: String?
    ) throws(ViewError) -> [VoteCount] {
        let (from, to) = range.bounds
        let sql =
            if let condition {
                """
                SELECT vote.validator, vote.vote, count(*) AS count
                FROM request CROSS JOIN vote ON vote.request = request.entry
                WHERE \(condition) AND request.entry BETWEEN ? AND ?
                GROUP BY vote.validator, vote.vote
                """
            } else {
                """
                SELECT validator, vote, count(*) AS count FROM vote
                WHERE request BETWEEN ? AND ? GROUP BY validator, vote
                """
            }
        return try rows(sql, [from, to]) { cells throws(ViewError) in
            VoteCount(
                validator: try cells.number("validator"), vote: try cells.text("vote"),
                count: try cells.number("count"))
        }
    }

    private func addMarks(
        _ range: EntryRange, _ until: Int64, _ places: [UInt64: Int], areTallied: Bool,
        _ found: inout [ValidatorView]
    ) throws(ViewError) {
        let (from, to) = range.bounds
        var marks: [(WritableKeyPath<ValidatorView, UInt64>, String)] = [
            (
                \.convicted,
                """
                SELECT validator, count(*) AS count FROM evidence
                WHERE validator IS NOT NULL AND coalesce(request, entry) BETWEEN ? AND ?
                    AND entry <= \(until)
                GROUP BY validator
                """
            )
        ]
        // Of the whole ledger these are tallied.
        if !areTallied {
            marks += [
                (
                    \.contradicted,
                    """
                    SELECT validator, count(*) AS count FROM reputation_change
                    WHERE cause = 'incorrect' AND about BETWEEN ? AND ? AND entry <= \(until)
                        AND EXISTS (SELECT 1 FROM request WHERE request.entry = about)
                    GROUP BY validator
                    """
                ),
                (
                    \.leads,
                    """
                    SELECT leader AS validator, count(*) AS count FROM request
                    WHERE entry BETWEEN ? AND ? GROUP BY leader
                    """
                ),
            ]
        }
        for (part, sql) in marks {
            let counts = try rows(sql, [from, to]) { cells throws(ViewError) in
                (try cells.number("validator"), try cells.number("count"))
            }
            for (validator, count) in counts {
                if let place = places[validator] { found[place][keyPath: part] = count }
            }
        }
    }

    /// In how many rounds of which a condition holds each validator was pinned, by one pass over
    /// the requests.
    private func askedCounts(
        _ range: EntryRange, _ condition: String
    ) throws(ViewError) -> [(UInt64, UInt64)] {
        let spans = try memberSpans()
        // The number of such rounds before each entry at which somebody joined or left.
        var marks = Array(Set(spans.flatMap { [$0.joined, $0.left].compactMap(\.self) })).sorted()
        marks.append(.max)
        var before: [UInt64: UInt64] = [:]
        var next = 0
        var closed: UInt64 = 0
        let (from, to) = range.bounds
        try forEach(
            """
            SELECT entry FROM request WHERE \(condition) AND entry BETWEEN ? AND ?
            ORDER BY entry
            """, [from, to]
        ) { cells throws(ViewError) in
            let entry = try cells.number("entry")
            while next < marks.count, marks[next] <= entry {
                before[marks[next]] = closed
                next += 1
            }
            closed += 1
        }
        for mark in marks[next...] { before[mark] = closed }
        var counts: [(UInt64, UInt64)] = []
        for span in spans {
            let end = before[span.left ?? .max] ?? closed
            let rounds = end - min(end, before[span.joined] ?? 0)
            if let last = counts.last, last.0 == span.validator {
                counts[counts.count - 1].1 += rounds
            } else {
                counts.append((span.validator, rounds))
            }
        }
        return counts
    }

    /// The memberships by validator and time.
    func memberSpans() throws(ViewError) -> [MemberSpan] {
        try rows(
            #"SELECT validator, joined, "left" FROM membership ORDER BY validator, joined"#
        ) { cells throws(ViewError) in
            MemberSpan(
                validator: try cells.number("validator"), joined: try cells.number("joined"),
                left: try cells.numberIfAny("left"))
        }
    }

    private static let validatorSQL = """
        SELECT number, name, key, stake, reputation, is_member FROM validator
        """
}
