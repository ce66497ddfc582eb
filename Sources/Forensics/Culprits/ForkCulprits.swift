// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication

/// Whoever contradicts itself: in votes, results and reports, and in the order of batches.
extension CulpritSearch {
    mutating func findContradictions() {
        let found = book.contradictions.filter { !toldMatters.contains($0.key) }
            .map { (matter: $0.key, evidence: $0.value, bytes: $0.value.encoded) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        for (matter, evidence, _) in found {
            toldMatters.insert(matter)
            // The book has checked its signatures.
            if report.isFull(evidence.validator, of: "contradiction") {
                report.leftOut += 1
            } else {
                charge(.contradiction(evidence))
            }
        }
    }

    /// Traces each height of which anything was said, by whoever ordered it in any of the ledgers.
    mutating func findForks() {
        for height in book.spoken {
            let statements = Array(book.ordering[height] ?? [])
            var orderings: [Witness.Ordering] = []
            let told = witnesses.compactMap { $0.orderings[height] } + (caseOrderings[height] ?? [])
            for ordering in told where !orderings.contains(ordering) {
                orderings.append(ordering)
            }
            if orderings.isEmpty {
                report.unread.append(
                    "height \(height.rawValue): the inputs speak of it, and no ledger tells who"
                        + " ordered it")
            }
            for ordering in orderings { trace(statements, height, ordering) }
        }
    }

    private mutating func trace(
        _ statements: [TracedStatement], _ height: Height, _ ordering: Witness.Ordering
    ) {
        let authentic = statements.filter { statement in
            ordering.keys[statement.validator].map { statement.isSigned(by: $0, in: ledger) }
                ?? false
        }
        // Each was verified just now.
        let trace = ForkTrace(
            of: authentic, height: height, threshold: ordering.threshold, where: { _ in true })
        for evidence in trace.evidence(keys: ordering.keys) { charge(.contradiction(evidence)) }
        if trace.isFork { isForkShown = true }
        guard trace.isFork || !trace.guilty.isEmpty else { return }
        accuse(authentic, trace, ordering)
        tell(trace, height, ordering)
    }

    /// Whoever claimed to hold prevotes that nobody has shown, and is not convicted.
    private mutating func accuse(
        _ statements: [TracedStatement], _ trace: ForkTrace, _ ordering: Witness.Ordering
    ) {
        struct Position: Hashable {
            let round: UInt32
            let value: Digest
        }
        var shown: [Position: Set<ValidatorIndex>] = [:]
        for case .vote(let vote) in statements where vote.kind == .prevote {
            guard let value = vote.value else { continue }
            shown[Position(round: vote.round, value: value), default: []].insert(vote.validator)
        }
        let guilty = Set(trace.guilty.map(\.validator))
        let order = statements.sorted {
            ($0.validator.rawValue, $0.round, $0.signature.bytes.hex)
                < ($1.validator.rawValue, $1.round, $1.signature.bytes.hex)
        }
        for statement in order where !guilty.contains(statement.validator) {
            guard let key = ordering.keys[statement.validator],
                let claim = UnfoundedClaim(
                    statement, by: key, members: ordering.keys, threshold: ordering.threshold),
                let claimed = claim.claimed
            else { continue }
            let position = Position(round: claimed.round, value: claim.value)
            guard (shown[position]?.count ?? 0) < ordering.threshold else { continue }
            charge(.claim(claim))
        }
    }

    /// Two decisions of which fewer are convicted than must have lied.
    private mutating func tell(
        _ trace: ForkTrace, _ height: Height, _ ordering: Witness.Ordering
    ) {
        let liars = 2 * ordering.threshold - ordering.keys.count
        guard trace.isFork, trace.guilty.count < liars else { return }
        report.unprovable.append(
            CulpritReport.Unprovable(
                found: "two batches of height \(height.rawValue) were each decided by"
                    + " \(ordering.threshold) of \(ordering.keys.count)",
                reason: "at least \(liars) have lied where fewer than \(ordering.threshold) lie,"
                    + " and \(trace.guilty.count) are convicted: name the journal of an honest"
                    + " precommitter of each"))
    }
}

/// Whoever proposed a batch in a round that another led.
extension CulpritSearch {
    mutating func findUsurpations() {
        for witness in witnesses {
            for usurpation in witness.usurpations {
                do {
                    try find(usurpation, in: witness)
                } catch {
                    report.unread.append("\(witness.name): \(error)")
                }
            }
        }
    }

    private mutating func find(_ usurpation: Witness.Usurpation, in witness: Witness) throws {
        guard let key = witness.state.validator(usurpation.proposer)?.key else { return }
        let before = try StateBefore(witness.log, at: usurpation.start, disk: inputs.disk)
        let entries = try Self.entries(
            of: witness.log, from: usurpation.start, isWhole: usurpation.proposed != nil)
        let isProved = charge(
            .foreignProposal(
                ForeignProposal(
                    proposer: key, fixed: before.state.snapshot().fixed,
                    before: try SealedEnd(of: witness.log, at: usurpation.start),
                    entries: entries, proposed: usurpation.proposed)))
        guard !isProved, usurpation.proposed == nil else { return }
        report.unprovable.append(
            CulpritReport.Unprovable(
                found: "entry \(usurpation.start) of \(witness.name) opens a batch that"
                    + " \(names.name(of: key)) did not lead",
                reason: "its signature does not hold: whoever wrote the log put it there"))
    }

    /// The entries of a batch, or the first of them.
    static func entries(
        of log: EventLog, from start: UInt64, isWhole: Bool
    ) throws(LogError) -> [EntryBytes] {
        var entries: [EntryBytes] = []
        while start + UInt64(entries.count) < log.size,
            entries.count < ReplicationLimits.batchEntriesMax
        {
            let bytes = try log.entry(at: start + UInt64(entries.count))
            entries.append(EntryBytes(bytes))
            if !isWhole || bytes.first == 76 { break }
        }
        return entries
    }
}
