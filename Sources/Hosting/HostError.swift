// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
package import Replication
package import Storage

/// Why a node's replica stops. What was not made durable before has not been said.
package enum HostError: Error, Sendable {
    /// The ledger cannot be opened.
    case ledger(StorageError)
    /// The log failed.
    case log(LogError)
    /// The journal cannot be used, or failed.
    case journal(JournalError)
    /// The precommits of the last batch cannot be kept, or read.
    case precommits(PrecommitStoreError)
    /// The first entry is refused.
    case genesisRefused(Refusal)
    /// The disk failed.
    case disk(DiskError)
    /// The snapshot that the node started from, whose older entries are lacking, is of no use.
    case start(path: String, SnapshotFlaw?)
    /// The ledger has another root than the checkpoint, or the snapshot, that was trusted.
    case otherHistory(TreeHead, found: Digest)
    /// What follows here differs from what a quorum agreed on; the path of the case that tells of
    /// it, where there is one.
    case diverged(Divergence, case: String?)
}

extension HostError: CustomStringConvertible {
    /// What happened and what to do, for a person.
    package var description: String {
        switch self {
        case .ledger(let error): "the ledger cannot be opened: \(error)"
        case .log(let error): "the log of the ledger failed: \(error)"
        case .journal(let error): "the journal failed: \(error)"
        case .precommits(let error): "the precommits of the last batch: \(error)"
        case .genesisRefused(let refusal): "the ledger cannot begin like this: \(refusal)"
        case .disk(let error): "the disk failed: \(error)"
        case .start(let path, let flaw):
            "the snapshot that this node started from, \(path), cannot be used"
                + (flaw.map { ": \($0)" } ?? ": there is none")
                + "; move the directory above it away and start again from a checkpoint"
        case .otherHistory(let head, let found):
            "the ledger has the root \(found.hex) at \(head.size) entries, and the root"
                + " \(head.root.hex) was trusted; find out which is right"
        case .diverged(let divergence, let path?):
            "this node has come apart from the others and stops: \(divergence); see why with"
                + " `recount case show \(path)`"
        case .diverged(let divergence, nil):
            "this node has come apart from the others and stops: \(divergence); no case could be"
                + " kept of it: keep the ledger, and compare it with another by `recount diff`"
        }
    }
}
