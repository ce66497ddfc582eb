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

    /// The round whose prevotes the node needs in order to prevote for the proposal that it has
    /// (L28); -1 for none.
    package var wantedRound: Int64 {
        guard step == .propose, decided == nil else { return -1 }
        let lacking = proposals(of: round).first { candidate in
            guard let validRound = UInt32(exactly: candidate.validRound) else { return false }
            return tally(.prevote, round: validRound)?.isChosen(candidate.value) != true
        }
        return lacking?.validRound ?? -1
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
