// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger
package import Replication

/// Serving those who follow the ledger and are nobody in it.
extension ReplicaHost {
    /// The messages that answer a question of an observer: the batches from the height on that its
    /// status names, or a part of a snapshot; none where the message is no question.
    ///
    /// Reads up to 4 MiB: whoever calls it bounds how often.
    package func answers(to question: PeerMessage) throws(HostError) -> [[UInt8]] {
        switch question {
        case .status(let status):
            try batches(from: status.height).map { PeerMessage.batch($0).encoded }
        case .wantSnapshot(let want):
            [PeerMessage.snapshotPart(try part(want) ?? SnapshotPart.none(for: want)).encoded]
        case .proposal, .vote, .command, .want, .batch, .snapshotPart: []
        }
    }
}
