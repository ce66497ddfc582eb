// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
internal import Ledger
internal import Replication

/// How a checkpoint is cosigned.
extension ReplicaHost {
    /// What became of a cosignature that was asked for.
    package enum Cosigning: Sendable, Equatable {
        /// It is there, noted durably before.
        case signed
        /// The ledger has that root, and the node does not sign: it is no member, or is silent, for
        /// its journal was lost.
        case agreed
        /// The ledger is not that long yet, or not whole.
        case tooEarly
        /// The ledger has another root at that size.
        case otherRoot(Digest)
        /// It does not continue what was cosigned last.
        case refused(CosignRefusal)
    }

    /// Adds the validator's cosignature to a checkpoint of its own log, after noting that durably.
    ///
    /// In this order: the log is that long, its root there is the checkpoint's, the validator may
    /// sign, the checkpoint continues the last one (`Cosigner`), the journal notes it; only then is
    /// there a signature, over what `NoteKey` says (C2SP tlog-cosignature).
    package func cosign(
        _ signed: inout SignedCheckpoint, seconds: UInt64
    ) throws(HostError) -> Cosigning {
        let checkpoint = signed.checkpoint
        guard stopped == nil, ahead == nil, checkpoint.size <= log.size else { return .tooEarly }
        var proof: [Digest] = []
        let isSigner = !isSilent && replica.index.map(state.members.contains) ?? false
        do throws(LogError) {
            let root = try log.root(at: checkpoint.size)
            guard root == checkpoint.root else { return .otherRoot(root) }
            guard isSigner else { return .agreed }
            if let last = journal.lastCosigned, last.size < checkpoint.size, last.size > 0 {
                proof = try log.consistencyProof(from: last.size, to: checkpoint.size)
            }
        } catch { throw .log(error) }
        do throws(JournalError) {
            try journal.noteCosigning(checkpoint, proof: proof)
        } catch {
            if case .cosign(let refusal) = error { return .refused(refusal) }
            throw .journal(error)
        }
        invariant(
            journal.lastCosigned == checkpoint.head,
            "a checkpoint of \(checkpoint.size) entries is signed that the journal does not hold")
        do throws(NoteError) {
            _ = try signed.cosign(with: replica.key, seconds: seconds)
        } catch { return .otherRoot(checkpoint.root) }
        return .signed
    }
}
