// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// A case that was handed in and holds together.
struct NamedCase {
    let name: String
    let found: DivergenceCase
    /// The state before the batch, as far as the batch reads it.
    let state: LedgerState
    /// Whether the rules give the batch that T validators agreed on.
    let isQuorumRight: Bool

    /// The end of the log before the batch; nil where the node lacked it.
    var end: SealedEnd? {
        found.seal.map { SealedEnd(subtrees: $0.before.subtrees, seal: $0.entry.bytes) }
    }

    /// Whether the batch follows another log than the node held.
    var isOfOtherHistory: Bool {
        if case .history = found.divergence { true } else { false }
    }
}

/// What a node has kept of a batch that it did not derive: all that is signed in it, and those who
/// signed a batch that the rules refute.
extension CulpritSearch {
    mutating func readCases() throws(CulpritError) {
        for file in inputs.cases {
            let found: DivergenceCase
            do throws(CaseFault) { found = try CaseFile.decode(file.bytes) } catch {
                report.unread.append("\(file.name): \(error)")
                continue
            }
            if let problem = try add(found, file.name) {
                report.unread.append("\(file.name): \(problem)")
            }
        }
    }

    /// Adds what is said in a case; returns why it is of no use where it is not.
    private mutating func add(
        _ found: DivergenceCase, _ name: String
    ) throws(CulpritError) -> String? {
        guard found.ledger == ledger else {
            return "it is of another ledger, \(found.ledger.hex)"
        }
        let check = CaseCheck(found)
        if let wrong = check.lines.first(where: { $0.holds == false }) {
            return "the case does not hold: \(wrong.check): \(wrong.detail)"
        }
        let state: LedgerState
        do throws(SnapshotError) { state = try found.state() } catch { return "\(error)" }
        let known = NamedCase(
            name: name, found: found, state: state, isQuorumRight: check.confirms == .quorum)
        try addCertificates(of: known)
        if !known.isOfOtherHistory {
            for entries in [found.batch.entries, found.own] { try read(entries, on: state) }
        }
        cases.append(known)
        return nil
    }

    /// Adds the precommits of the batch, and those of the batch before that it carries.
    private mutating func addCertificates(of known: NamedCase) throws(CulpritError) {
        let batch = known.found.batch
        let height = known.state.height
        add(Witness.Ordering(known.state.sealedLast), of: batch.precommits.height)
        var certificates = [batch.precommits]
        if case .batchOpened(let opened)? = batch.events.first, !opened.precommits.isEmpty {
            add(Witness.Ordering(known.state.sealedBefore), of: height)
            certificates.append(
                Precommits(
                    height: height, round: opened.precommitRound, root: opened.previousRoot,
                    signatures: opened.precommits))
        }
        for certificate in certificates {
            for statement in TracedStatement.precommits(certificate) { try book.add(statement) }
        }
    }

    private mutating func add(_ ordering: Witness.Ordering, of height: Height) {
        guard !caseOrderings[height, default: []].contains(ordering) else { return }
        caseOrderings[height, default: []].append(ordering)
    }

    /// Reads the votes, results, reports and evidence among entries that follow a state.
    private mutating func read(
        _ entries: [EntryBytes], on state: LedgerState
    ) throws(CulpritError) {
        var state = state
        for bytes in entries {
            let entry: Entry
            do {
                entry = try Entry(decoding: bytes.bytes)
                try state.apply(entry)
            } catch {
                return  // What cannot follow names requests and parties that nobody knows.
            }
            switch entry.event {
            case .messageRefused(let refused): try book.add(refused.message)
            case .evidenceSubmitted:
                if case .evidence(let evidence)? = state.message(of: entry.event) {
                    book.add(evidence)
                }
            default:
                if let message = state.message(of: entry.event) { try book.add(message) }
            }
        }
    }
}

// MARK: - Judging

extension CulpritSearch {
    mutating func judgeCases() {
        for known in cases where !known.isOfOtherHistory {
            findForeignOpening(known)
            if !known.isQuorumRight { findRefutedBatch(known) }
        }
    }

    /// Whoever opened the batch in a round that another led.
    private mutating func findForeignOpening(_ known: NamedCase) {
        guard let end = known.end, let first = known.found.batch.entries.first,
            case .batchOpened(let opened)? = known.found.batch.events.first,
            let key = known.state.validator(opened.proposer)?.key
        else { return }
        let ranking = known.state.proposerRanking(height: opened.height)
        guard !ranking.isEmpty,
            ranking[Int(opened.round) % ranking.count] != opened.proposer
        else { return }
        charge(
            .foreignProposal(
                ForeignProposal(
                    proposer: key, fixed: known.found.excerpt.fixed, before: end,
                    entries: [first], proposed: nil)))
    }

    private mutating func findRefutedBatch(_ known: NamedCase) {
        let batch = known.found.batch
        guard !report.evidence.contains(where: { $0.charge.refutes(batch.precommits.root) }) else {
            return
        }
        guard let end = known.end else {
            return tell(
                known,
                "the node lacked older entries, so that nothing in the case binds its state"
                    + " to the log that was signed")
        }
        let alone = RefutedBatch(on: known.found.excerpt, end, batch: batch)
        guard let flaw = judge(.refutedBatch(alone)) else { return }
        guard case .unjudged = flaw else { return tell(known, "\(flaw)") }
        for witness in witnesses {
            if let whole = refuted(known, end, by: witness), judge(.refutedBatch(whole)) == nil {
                return
            }
        }
        tell(
            known,
            "\(flaw): name a ledger that has the \(known.found.frontier.count) entries before it")
    }

    /// The same on the state that a ledger gives, where it holds the log before the batch.
    private func refuted(
        _ known: NamedCase, _ end: SealedEnd, by witness: Witness
    ) -> RefutedBatch? {
        let frontier = known.found.frontier
        guard witness.log.size >= frontier.count else { return nil }
        do {
            guard try witness.log.root(at: frontier.count) == frontier.root else { return nil }
            let before = try StateBefore(witness.log, at: frontier.count, disk: inputs.disk)
            return RefutedBatch(on: before.state, frontier, end, batch: known.found.batch)
        } catch {
            return nil  // What cannot be read is told by the pass over the whole log.
        }
    }

    private mutating func tell(_ known: NamedCase, _ reason: String) {
        report.unprovable.append(
            CulpritReport.Unprovable(
                found: "\(known.name): T validators precommitted batch"
                    + " \(known.found.height.rawValue), which the rules refute",
                reason: reason))
    }
}

extension Charge {
    /// Whether it says that the rules refute the batch after which the log has this root.
    fileprivate func refutes(_ root: Digest) -> Bool {
        if case .refutedBatch(let charge) = self {
            charge.batch.precommits.root == root
        } else {
            false
        }
    }
}
