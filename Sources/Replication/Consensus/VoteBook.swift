// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// The signed votes of one height as they came, so that they can be passed on and shown.
///
/// It holds what its owner puts in, which is what `Consensus.takes`. A vote that contradicts one
/// that is held convicts without being held itself.
///
/// Invariants: a slot has a vote once by value and ground; a validator is accused once of a kind.
struct VoteBook: Sendable {
    private struct Voter: Hashable {
        let kind: ConsensusKind
        let validator: ValidatorIndex
    }

    private struct Accusation: Hashable {
        let validator: ValidatorIndex
        let kind: Offence.Kind
    }

    /// By voter and round, in the order in which they came.
    private var votes: [Voter: [UInt32: [ConsensusVote]]] = [:]
    /// What each validator was accused of already.
    private var accusations: Set<Accusation> = []

    /// Keeps a vote; false where it is kept already.
    ///
    /// - Precondition: The vote is signed by its validator, who is a member.
    @discardableResult
    mutating func add(_ vote: ConsensusVote) -> Bool {
        let voter = Voter(kind: vote.kind, validator: vote.validator)
        let known = votes[voter]?[vote.round] ?? []
        guard !known.contains(where: { $0.value == vote.value && $0.ground == vote.ground }) else {
            return false
        }
        votes[voter, default: [:]][vote.round, default: []].append(vote)
        let now = votes(vote.kind, vote.round, vote.validator)
        invariant(
            now.count == known.count + 1,
            "\(now.count) votes of \(vote.validator.rawValue) where there were \(known.count)")
        return true
    }

    /// Whether this very vote is held.
    func contains(_ vote: ConsensusVote) -> Bool {
        self.votes(vote.kind, vote.round, vote.validator).contains { $0 == vote }
    }

    /// The votes of a validator in a slot, in the order in which they came; more than one only
    /// where it contradicts itself, or names two grounds.
    func votes(
        _ kind: ConsensusKind, _ round: UInt32, _ validator: ValidatorIndex
    ) -> [ConsensusVote] {
        votes[Voter(kind: kind, validator: validator)]?[round] ?? []
    }

    /// The vote of a validator for a value.
    func vote(
        _ kind: ConsensusKind, _ round: UInt32, _ validator: ValidatorIndex, for value: Digest?
    ) -> ConsensusVote? {
        votes(kind, round, validator).first { $0.value == value }
    }

    /// Drops the votes of rounds that nobody asks for any more.
    mutating func keep(_ isKept: (UInt32) -> Bool) {
        votes = votes.mapValues { rounds in rounds.filter { isKept($0.key) } }
    }

    // MARK: Contradictions

    /// Whether a vote convicts its validator of something that it was not accused of yet.
    func convicts(_ vote: ConsensusVote) -> Bool { !offences(of: vote).isEmpty }

    /// What a vote convicts its validator of, together with those held; each kind once for ever.
    ///
    /// - Precondition: The vote is signed by its validator, who is a member.
    mutating func takeOffences(of vote: ConsensusVote) -> [Offence] {
        let found = offences(of: vote)
        for offence in found {
            let isNew = accusations.insert(
                Accusation(validator: vote.validator, kind: offence.kind)
            ).inserted
            invariant(isNew, "\(vote.validator.rawValue) is accused of one kind twice")
        }
        return found
    }

    private func offences(of vote: ConsensusVote) -> [Offence] {
        let same = votes(vote.kind, vote.round, vote.validator).lazy.compactMap {
            Offence(vote.slot, $0.statement, vote.statement)
        }.first
        return [same, forgottenLock(in: vote)].compactMap { $0 }.filter {
            !accusations.contains(Accusation(validator: vote.validator, kind: $0.kind))
        }
    }

    /// A lock that a prevote forgets or a precommit shows to have been forgotten; of several that
    /// of the lowest round of the other vote.
    private func forgottenLock(in vote: ConsensusVote) -> Offence? {
        let isPrevote = vote.kind == .prevote
        guard vote.value != nil,
            let others = votes[
                Voter(kind: isPrevote ? .precommit : .prevote, validator: vote.validator)]
        else { return nil }
        let rounds = others.keys.filter { isPrevote ? $0 < vote.round : $0 > vote.round }.sorted()
        for other in rounds.lazy.flatMap({ others[$0] ?? [] }) {
            let offence =
                isPrevote
                ? Offence(precommit: other, prevote: vote)
                : Offence(precommit: vote, prevote: other)
            if let offence { return offence }
        }
        return nil
    }
}
