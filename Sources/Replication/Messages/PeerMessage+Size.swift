// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// What a message between nodes is, told from its first byte.
package enum PeerMessageKind: UInt8, CaseIterable, Sendable {
    /// The tags of `PeerMessage`.
    case proposal = 0
    /// A prevote or precommit.
    case vote = 1
    /// A message for the ledger.
    case command = 2
    /// Where a peer stands.
    case status = 3
    /// Requests that are asked for.
    case want = 4
    /// A decided batch.
    case batch = 5
    /// A part of a snapshot is asked for.
    case wantSnapshot = 6
    /// A part of a snapshot.
    case snapshotPart = 7

    /// Bytes of the longest message of the kind that an honest node sends.
    package var bytesMax: Int {
        switch self {
        case .proposal: Limits.commandBytesPerBatchMax + (4 << 20)
        case .vote: 256
        case .command: 4 * Limits.entryBytesMax
        case .status: 32 << 10
        case .want: 16 + 32 * ReplicationLimits.wantedMax
        case .batch: ReplicationLimits.messageBytesMax
        case .wantSnapshot: 64
        case .snapshotPart: ReplicationLimits.snapshotPartBytes + (256 << 10)
        }
    }

    /// What a message of the kind and of so many bytes counts for among those of its sender: a long
    /// list of votes is as much work as many votes.
    package func tokens(bytes: Int) -> Int {
        switch self {
        case .proposal, .batch: ReplicationLimits.batchTokens
        case .command: 1 + bytes / ReplicationLimits.commandBytesPerToken
        case .vote, .status, .want, .wantSnapshot, .snapshotPart: 1
        }
    }
}

extension PeerMessage {
    /// About how many bytes it has, without encoding it.
    var sizeEstimate: Int {
        switch self {
        case .proposal(let proposal):
            512 + 80 * proposal.batch.opening.precommits.count
                + proposal.batch.commands.reduce(0) { $0 + $1.message.sizeEstimate }
        case .vote: 160
        case .command(let message): message.sizeEstimate
        case .status(let status):
            status.wanted.reduce(64 + 2 * (status.prevotes.count + status.precommits.count)) {
                $0 + 44 + 4 * $1.held.count
            }
        case .want(let requests): 32 * requests.count
        case .batch(let batch): batch.entries.reduce(1024) { $0 + $1.bytes.count }
        case .wantSnapshot: 32
        case .snapshotPart(let part): 1024 + part.bytes.count
        }
    }
}

extension Message {
    /// About how many bytes it has, without encoding it.
    fileprivate var sizeEstimate: Int {
        switch self {
        case .request(let message):
            240 + message.proof.count
                + 32 * (message.nullifiers.count + message.publicInputs.count)
        case .vote: 160
        case .votes(let list): 128 + 40 * list.votes.count
        case .job, .result: 400
        case .settlement: 300
        case .governance(let message): 1_024 + 96 * message.endorsements.count
        case .evidence: 1_024
        case .announcement: 512
        }
    }
}
