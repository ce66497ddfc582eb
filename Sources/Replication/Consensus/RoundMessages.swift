// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What is kept of one round, and which of its once-only rules have acted.
struct RoundMessages: Hashable, Sendable {
    /// The round.
    let round: UInt32
    /// In the order in which they came.
    private(set) var candidates: [Consensus.Candidate] = []
    /// The prevotes of the round.
    var prevotes: VoteTally
    /// The precommits of the round.
    var precommits: VoteTally
    /// Whether L34 has acted.
    var hasTimedPrevotes = false
    /// Whether L36 has acted.
    var hasSeenPolka = false
    /// Whether L47 has acted.
    var hasTimedPrecommits = false

    /// Nothing of `round`, of `size` members.
    init(round: UInt32, size: Int, threshold: Int) {
        self.round = round
        prevotes = VoteTally(size: size, threshold: threshold)
        precommits = VoteTally(size: size, threshold: threshold)
    }

    /// Whether a proposal of `value` is kept that is valid, timely or not.
    func isValid(_ value: Digest) -> Bool {
        candidates.contains { $0.value == value && $0.validity != .invalid }
    }

    /// Keeps a proposal, unless it is kept already or its leader has made too many.
    ///
    /// One that is valid is kept beyond the bound where its value has `threshold` prevotes or
    /// precommits and no valid proposal of it is kept: others may decide by it. Few values can have
    /// so many votes, so that this too is bounded.
    ///
    /// A proposal that was invalid for the batch that came with it may turn out to be valid: its
    /// signature does not cover the batch, and its leader may have sent others the right one.
    mutating func insert(_ candidate: Consensus.Candidate) {
        let known = candidates.firstIndex {
            $0.value == candidate.value && $0.validRound == candidate.validRound
        }
        if let known {
            if candidates[known].validity == .invalid {
                candidates[known].validity = candidate.validity
            }
            return
        }
        let isNeeded =
            candidate.validity != .invalid && !isValid(candidate.value)
            && (prevotes.isChosen(candidate.value) || precommits.isChosen(candidate.value))
        if candidates.count < ReplicationLimits.proposalsPerRoundMax || isNeeded {
            candidates.append(candidate)
        }
    }
}
