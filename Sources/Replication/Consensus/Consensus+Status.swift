// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

extension Consensus {
    /// Whether the height is worth starting for the sake of others: f + 1 members were heard, so
    /// that an honest one is at it; or the node itself was, before it was restored.
    package var isCalledFor: Bool { heardCount > failuresMax || isResuming }

    /// The members whose votes of this kind and round are kept, for whatever value, ascending.
    package func voters(_ kind: ConsensusKind, round: UInt32) -> [ValidatorIndex] {
        tally(kind, round: round).map { select($0.voters) } ?? []
    }

    /// The members whose votes of this kind and round for `value` are kept, ascending.
    package func voters(
        _ kind: ConsensusKind, round: UInt32, value: Digest?
    ) -> [ValidatorIndex] {
        tally(kind, round: round).map { select($0.voters(for: value)) } ?? []
    }

    /// Whether this very vote is kept.
    package func hasVote(
        _ kind: ConsensusKind, round: UInt32, value: Digest?, from sender: ValidatorIndex
    ) -> Bool {
        guard let position = position(of: sender) else { return false }
        return tally(kind, round: round)?.has(value, from: position) ?? false
    }

    /// The proposals of a round that are kept, in the order in which they came.
    package func proposals(of round: UInt32) -> [Candidate] {
        messages(of: round)?.candidates ?? []
    }

    /// The prevotes that the node lacks: for the proposals of its round (L28), and as the ground of
    /// prevotes for them that it cannot count. One for each value, with the last round wanted.
    package var wanted: [WantedPrevotes] {
        guard decided == nil, let current = messages(of: round) else { return [] }
        var wanted: [WantedPrevotes] = []
        for candidate in current.candidates
        where !wanted.contains(where: { $0.value == candidate.value }) {
            let value = candidate.value
            let rested = current.candidates.filter { $0.value == value }.map(\.validRound)
            let waiting = current.pending.filter { $0.value == value }.map { Int64($0.ground) }
            let lacking = (rested + waiting).compactMap { UInt32(exactly: $0) }
                .filter { !hasQuorum(of: value, in: $0) }
            guard let last = lacking.max() else { continue }
            invariant(last < round, "prevotes of round \(last) are wanted in round \(round)")
            wanted.append(
                WantedPrevotes(
                    value: value, through: last,
                    held: Array(quorums(of: value, through: last).suffix(Self.heldMax))))
        }
        return Array(wanted.prefix(ReplicationLimits.wantedPrevotesMax))
    }

    private static var heldMax: Int { ReplicationLimits.heldQuorumsMax }

    /// The rounds up to `last` with a quorum of prevotes for `value`, ascending.
    package func quorums(of value: Digest, through last: UInt32) -> [UInt32] {
        rounds.indices.filter { rounds[$0].round <= last && rounds[$0].prevotes.isChosen(value) }
            .map { rounds[$0].round }
    }

    /// The rounds of which anything is kept, ascending.
    package var keptRoundNumbers: [UInt32] { rounds.map(\.round) }

    private func tally(_ kind: ConsensusKind, round: UInt32) -> VoteTally? {
        guard let messages = messages(of: round) else { return nil }
        switch kind {
        case .prevote: return messages.prevotes
        case .precommit: return messages.precommits
        }
    }

    private func select(_ set: MemberSet) -> [ValidatorIndex] {
        members.indices.filter(set.contains).map { members[$0] }
    }
}
