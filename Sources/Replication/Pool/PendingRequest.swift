// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// A request on its way to a decision, with the votes on it that this node has seen.
struct PendingRequest: Sendable {
    /// What the node itself makes of the proof.
    enum Check: Sendable {
        /// Nobody has looked yet.
        case waiting
        /// Somebody is verifying it.
        case running
        /// The verdict; a vote on it is signed again whenever one is needed.
        case done(Vote, VoteReason)
    }

    /// The request; nil while only votes on it have come.
    var message: RequestMessage?
    /// Whether it came from a client, so that it is this node's to spread.
    var isOurs = false
    /// When the node heard of it first.
    let since: UInt64
    /// When the last vote on it came.
    var votesSince: UInt64
    /// Why the rules would refuse it, when they were asked last; nil where they would not.
    var refusal: Refusal?
    /// Whether its proof has the form of one, looked at once.
    var isProofWellFormed: Bool?
    /// When the votes that it has would decide it, if they do.
    var decidableSince: UInt64?
    /// What the node itself makes of it.
    var check = Check.waiting
    /// The votes that the ledger does not hold yet, by validator; the newest of each.
    var votes: [ValidatorIndex: SignedVote] = [:]
    /// When this node first sent its own vote on it.
    var ownVoteSince: UInt64?
    /// When it, or the votes on it, should be in a batch; nil where nothing of it could be.
    var readyAt: UInt64?
    /// When the node spreads its own vote, or the request of a client, again; nil for never.
    var spreadAt: UInt64?
    /// How often it has.
    var spreadCount: UInt64 = 0
    /// The entry of the request once the ledger holds it.
    var entry: EntryIndex?

    init(since: UInt64) {
        self.since = since
        votesSince = since
    }

    /// The votes in the order of the validators.
    var orderedVotes: [SignedVote] { votes.sorted { $0.key < $1.key }.map(\.value) }

    /// Whether the votes seen so far decide it, of `count` that may come.
    func isDecided(threshold: Int, of count: Int) -> Bool {
        let approvals = votes.values.count { $0.vote.vote == .approve }
        return approvals >= threshold || count - (votes.count - approvals) < threshold
    }
}
