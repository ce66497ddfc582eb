// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Ledger
import Synchronization

/// Looks at the form of the proofs of a batch on other cores, while the batch before it is folded.
///
/// To tell whether a proof's points lie in their groups takes as long as folding dozens of entries.
/// An audit that leaves the proofs out leaves out their form too, and takes them for well formed.
final class ProofForms: Sendable {
    private let proofs: [(entry: UInt64, proof: [UInt8])]
    private let isLeftOut: Bool
    private let verdicts = Mutex<[UInt64: Bool]>([:])
    private let group = DispatchGroup()

    /// Starts on the requests of `batch`.
    init(of batch: ArraySlice<LoggedEntry>, _ options: AuditOptions) {
        isLeftOut = !options.verifyProofs
        proofs = isLeftOut ? [] : Self.proofs(in: batch)
        let cores = options.cores
        // Ahead of the signatures, which nobody waits for.
        let queue = DispatchQueue.global(qos: .userInitiated)
        for part in 0..<min(cores, proofs.count) {
            queue.async(group: group) {
                for place in stride(from: part, to: self.proofs.count, by: cores) {
                    let (entry, proof) = self.proofs[place]
                    let verdict = RequestMessage.isWellFormed(proof: proof)
                    self.verdicts.withLock { $0[entry] = verdict }
                }
            }
        }
    }

    private static func proofs(
        in batch: ArraySlice<LoggedEntry>
    ) -> [(entry: UInt64, proof: [UInt8])] {
        let entries = batch.span
        var proofs: [(entry: UInt64, proof: [UInt8])] = []
        for place in entries.indices {
            guard case .requestSubmitted(let request) = entries[place].event else { continue }
            proofs.append((entries[place].index, request.proof))
        }
        return proofs
    }

    /// Waits, and returns for each request whether its proof is well formed; nil where that is
    /// taken for granted.
    func finish() -> [UInt64: Bool]? {
        guard !isLeftOut else { return nil }
        group.wait()
        return verdicts.withLock { $0 }
    }
}
