// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Prevotes what its host does, on grounds that are not there, or on another to each peer.
package struct FalseGrounds: Strategy {
    package static let name = "false-grounds"

    /// How many of a thousand prevotes lie.
    private let share: Int
    /// Whether each peer is told another ground.
    private let isManifold: Bool

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 500) ? 1_000 : 400
        isManifold = random.happens(perMille: 500)
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .vote(let vote) = message, vote.validator == context.own.index,
                vote.kind == .prevote, vote.value != nil,
                context.random.happens(perMille: share)
            else { return nil }
            guard isManifold, peer == nil else {
                return [PeerMessage.vote(lie(vote, &context)).leaving(to: peer)]
            }
            return context.others.flatMap {
                PeerMessage.vote(lie(vote, &context)).send(to: [$0])
            }
        }
    }

    private func lie(_ vote: ConsensusVote, _ context: inout ByzantineContext) -> ConsensusVote {
        let grounds = UInt64(vote.round) + 1
        let ground = Int64(context.random.below(grounds)) - 1
        return context.vote(
            .prevote, vote.height, vote.round, vote.value, ground: ground, by: context.own)
    }
}
