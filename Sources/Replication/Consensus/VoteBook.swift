// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// The signed votes of one height as they came, so that they can be passed on and shown.
struct VoteBook: Sendable {
    private struct Key: Hashable {
        let kind: ConsensusKind
        let round: UInt32
        let validator: ValidatorIndex
    }

    private var votes: [Key: [ConsensusVote]] = [:]

    /// Keeps a vote; returns an earlier one of the same slot that it contradicts, if there is one.
    ///
    /// - Precondition: The vote is signed by its validator, who is a member.
    mutating func add(_ vote: ConsensusVote) -> ConsensusVote? {
        let key = Key(kind: vote.kind, round: vote.round, validator: vote.validator)
        let known = votes[key] ?? []
        guard !known.contains(where: { $0.value == vote.value }) else { return nil }
        votes[key, default: []].append(vote)
        return known.first
    }

    /// Whether this very vote is held.
    func contains(_ vote: ConsensusVote) -> Bool {
        self.votes(vote.kind, vote.round, vote.validator).contains { $0 == vote }
    }

    /// The votes of a validator in a slot, in the order in which they came; more than one only
    /// where it contradicts itself.
    func votes(
        _ kind: ConsensusKind, _ round: UInt32, _ validator: ValidatorIndex
    ) -> [ConsensusVote] {
        votes[Key(kind: kind, round: round, validator: validator)] ?? []
    }

    /// The vote of a validator for a value.
    func vote(
        _ kind: ConsensusKind, _ round: UInt32, _ validator: ValidatorIndex, for value: Digest?
    ) -> ConsensusVote? {
        votes(kind, round, validator).first { $0.value == value }
    }

    /// Drops the votes of rounds that nobody asks for any more.
    mutating func keep(_ isKept: (UInt32) -> Bool) {
        votes = votes.filter { isKept($0.key.round) }
    }
}
