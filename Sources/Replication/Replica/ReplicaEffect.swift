// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Ledger

/// A batch that a quorum has agreed on and this node has derived.
package struct CommittedBatch: Sendable {
    /// On the root of the log after it.
    package let precommits: Precommits
    /// From `BatchOpened` to `BatchSealed`.
    package let entries: [Entry]
}

/// What a replica asks of its host; to be done in order.
package enum ReplicaEffect: Sendable {
    /// Make this durable before anything that follows; received prevotes alone may wait.
    case journal([JournalItem])
    /// Send to one peer.
    case send(PeerMessage, to: ValidatorIndex)
    /// Send to all other members.
    case broadcast(PeerMessage)
    /// Send batches from a height on, as many as `ReplicationLimits.batchesPerAnswerMax`.
    case sendBatches(from: Height, to: ValidatorIndex)
    /// Verify the proof of a request and hand in the verdict.
    case verify(RequestMessage)
    /// Journal a verdict, sign it, and hand in the vote; the journal's own verdict stands.
    case sign(RequestID, Vote, VoteReason)
    /// Append the batch to the log, durably.
    case commit(CommittedBatch)
    /// Stop: what this node derives differs from what a quorum agreed on with this batch.
    case stop(Divergence, DecidedBatch)
    /// Tell a person.
    case notice(String)

    /// Whether it is the last that a replica asks.
    var isStop: Bool { if case .stop = self { true } else { false } }
}

/// What a replica takes in.
package enum ReplicaInput: Sendable {
    /// The node begins; once.
    case start
    /// A message of a peer, or of a client, whose signatures were checked.
    case message(CheckedPeerMessage, from: ValidatorIndex?, bytes: Int)
    /// The time of `nextWake` has come.
    case wake
    /// The proof of a request was verified, or could not be.
    case verified(RequestID, Vote, VoteReason)
    /// The node's own vote on a request, or a list of several, durable.
    case signed(Message)
}

/// What tests take away to show that checkers can fail; nothing in a node that runs.
package struct Weakening: Sendable {
    /// A quorum in the place of T.
    package var quorum: Int?
    /// Whether the locking conditions of L23 and L29 hold.
    package var keepsLocks = true
    /// Whether a prevote counts only where those of its ground do; false also to measure what that
    /// costs.
    package var countsGrounds = true

    /// Nothing taken away.
    package init() {}
}
