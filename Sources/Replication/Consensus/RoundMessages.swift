// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A prevote that is not counted yet: the T prevotes of its ground are lacking.
struct PendingPrevote: Hashable, Sendable {
    /// The place of its member.
    let position: Int
    /// What it is for.
    let value: Digest
    /// The round of the prevotes that it rests on.
    let ground: UInt32
}

/// What is kept of one round, and which of its once-only rules have acted.
///
/// Invariants: a prevote in `prevotes` rests on no ground, or on a round whose own `prevotes` held
/// `threshold` for its value when it was counted; a member has no more in `pending` than it had
/// allowance left when they came, so that `pending.count <= size * valuesPerVoterMax`; a candidate
/// is there once for each value and valid round, and `-1 <= validRound < round`.
struct RoundMessages: Hashable, Sendable {
    /// The round.
    let round: UInt32
    /// In the order in which they came.
    private(set) var candidates: [Consensus.Candidate] = []
    /// The prevotes of the round that count.
    var prevotes: VoteTally
    /// Those that do not yet, in the order in which they came.
    private(set) var pending: [PendingPrevote] = []
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

    /// Whether a prevote is worth keeping until its ground is held.
    func takes(_ prevote: PendingPrevote) -> Bool {
        guard !prevotes.has(prevote.value, from: prevote.position) else { return false }
        let others = pending.filter { $0.position == prevote.position }
        return others.count < prevotes.allowance(of: prevote.position)
            && !others.contains(prevote)
    }

    /// Keeps a prevote until its ground is held.
    mutating func await(_ prevote: PendingPrevote) {
        if takes(prevote) { pending.append(prevote) }
        invariant(
            pending.count <= prevotes.size * ReplicationLimits.valuesPerVoterMax,
            "\(pending.count) prevotes of \(prevotes.size) members wait in round \(round)")
    }

    /// Takes out the prevotes that wait and for which this holds, in the order in which they came.
    mutating func release(where isGrounded: (PendingPrevote) -> Bool) -> [PendingPrevote] {
        guard !pending.isEmpty else { return [] }
        let before = pending.count
        let released = pending.filter(isGrounded)
        if !released.isEmpty { pending.removeAll(where: isGrounded) }
        invariant(
            released.count + pending.count == before,
            "\(released.count) prevotes are let go of \(before), and \(pending.count) wait")
        return released
    }

    /// Whether a proposal of `value` is kept that is valid, timely or not.
    func isValid(_ value: Digest) -> Bool {
        candidates.contains { $0.value == value && $0.validity != .invalid }
    }

    /// Keeps a proposal, unless it is kept already or its leader has made too many; true where it
    /// is one more.
    ///
    /// One that is valid is kept beyond the bound where its value has `threshold` prevotes or
    /// precommits and no valid proposal of it is kept: others may decide by it. Few values can have
    /// so many votes, so that this too is bounded.
    ///
    /// A proposal that was invalid for the batch that came with it may turn out to be valid: its
    /// signature does not cover the batch, and its leader may have sent others the right one.
    mutating func insert(_ candidate: Consensus.Candidate) -> Bool {
        invariant(
            candidate.validRound >= -1 && candidate.validRound < Int64(round),
            "a proposal of round \(round) on that of \(candidate.validRound)")
        let known = candidates.firstIndex {
            $0.value == candidate.value && $0.validRound == candidate.validRound
        }
        if let known {
            if candidates[known].validity == .invalid {
                candidates[known].validity = candidate.validity
            }
            return false
        }
        let isNeeded =
            candidate.validity != .invalid && !isValid(candidate.value)
            && (prevotes.isChosen(candidate.value) || precommits.isChosen(candidate.value))
        guard candidates.count < ReplicationLimits.proposalsPerRoundMax || isNeeded else {
            return false
        }
        candidates.append(candidate)
        return true
    }
}
