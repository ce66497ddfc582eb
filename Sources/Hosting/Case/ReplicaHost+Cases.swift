// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication

/// What a host does about a divergence: it keeps a case of it, and signs nothing more.
extension ReplicaHost {
    /// Why the node does nothing, as a case says; nil where it may go on.
    ///
    /// The ledger can be read. All that comes in is dropped.
    package var stopped: String? { cases.stopped }

    /// Keeps a case of what differs, derives the batch again, and gives what is to be thrown.
    func diverged(
        _ divergence: Divergence, _ batch: DecidedBatch, on state: LedgerState,
        _ frontier: MerkleFrontier, at now: Instant
    ) -> HostError {
        let hasLedger = state.size == log.size
        var found = DivergenceCase(
            divergence, batch, on: state, frontier, seal: hasLedger ? lastSeal : nil,
            validator: replica.key.publicKey, versions: versions, time: now.time)
        do throws(DiskError) {
            // First what only this process knows.
            let name = try cases.store.keep(found)
            found.derive(
                again: .sameProcess, ledgerDirectory: hasLedger ? "\(directory)/ledger" : nil,
                disk: disk, versions: versions)
            invariant(!found.repeats.isEmpty, "a case is kept whose batch nobody derived again")
            try cases.store.replace(name, with: found)
            return .diverged(divergence, case: cases.store.path(name))
        } catch { return .diverged(divergence, case: nil) }
    }

    /// How the log ends; nil where it cannot be read.
    private var lastSeal: DivergenceCase.LastSeal? {
        guard log.size > 0 else { return nil }
        do throws(LogError) {
            let subtrees = try log.subtrees(at: log.size - 1)
            guard let before = MerkleFrontier(count: log.size - 1, subtrees: subtrees) else {
                return nil
            }
            let seal = DivergenceCase.LastSeal(
                before: before, entry: EntryBytes(try log.entry(at: log.size - 1)))
            return seal.components == nil ? nil : seal
        } catch { return nil }
    }

    /// Closes the cases whose outcome a batch is.
    func closeCases(with precommits: Precommits) throws(HostError) {
        for name in try cases.close(with: precommits) {
            outputs.append(
                .notice(
                    "took up what the quorum had agreed on in batch"
                        + " \(precommits.height.rawValue): the case \(name) is closed"))
        }
    }
}
