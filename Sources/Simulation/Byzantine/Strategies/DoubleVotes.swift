// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Prevotes and precommits one value to some peers and another, or none, to the others.
package struct DoubleVotes: Strategy {
    package static let name = "double-votes"

    /// How many of a thousand votes are doubled.
    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 500) ? 1_000 : 300
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .vote(let vote) = message, vote.validator == context.own.index, peer == nil,
                context.random.happens(perMille: share)
            else { return nil }
            let value = otherValue(than: vote, &context)
            let other = context.vote(
                vote.kind, vote.height, vote.round, value, ground: value == nil ? -1 : vote.ground,
                by: context.own)
            let (first, second) = context.halves()
            return message.send(to: first) + PeerMessage.vote(other).send(to: second)
        }
    }

    /// Another proposal's value, a value of nothing, or nil.
    private func otherValue(
        than vote: ConsensusVote, _ context: inout ByzantineContext
    ) -> Digest? {
        let proposed = context.overheard.compactMap { heard -> Digest? in
            guard case .proposal(let proposal)? = heard.message, proposal.height == vote.height,
                proposal.value != vote.value
            else { return nil }
            return proposal.value
        }
        if let value = context.random.pick(proposed) { return value }
        return vote.value == nil || context.random.happens(perMille: 300)
            ? context.anyValue() : nil
    }
}
