// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Speaks of rounds as far ahead as a number can name, and of those at the edge of what is kept,
/// so that the others leave the round in which they could decide, or forget it.
package struct FarRounds: Strategy {
    package static let name = "far-rounds"

    /// How often in a thousand it speaks.
    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 300) ? 1_000 : 150
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .status(var status) = message, context.random.happens(perMille: share)
            else { return nil }
            status.round = Self.round(&context)
            return [PeerMessage.status(status).leaving(to: peer)]
        }
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard context.random.happens(perMille: share) else { return [] }
        let (height, round) = (context.nextHeight, Self.round(&context))
        let value = context.random.happens(perMille: 500) ? context.anyValue() : nil
        // Together, for as many as it takes to bring the others along.
        let words = context.support(height, round, value)
        guard context.random.happens(perMille: 300), let model = proposal(context) else {
            return words.map(\.broadcast)
        }
        var proposal = context.proposal(of: model.batch, value: model.value, round: round)
        proposal.validRound = Int64(round) - 1
        proposal = proposal.signed(by: context.own.key, in: context.ledger)
        return [PeerMessage.proposal(proposal).broadcast] + words.map(\.broadcast)
    }

    /// One of the last rounds, or one at the edge of what others keep.
    private static func round(_ context: inout ByzantineContext) -> UInt32 {
        let step = context.random.below(3 as UInt64)
        let distance = UInt32(truncatingIfNeeded: step)
        return context.random.happens(perMille: 500)
            ? .max - distance : ReplicationLimits.roundsAheadMax - 1 + distance
    }

    private func proposal(_ context: ByzantineContext) -> Proposal? {
        for heard in context.overheard.reversed() {
            if case .proposal(let proposal)? = heard.message { return proposal }
        }
        return nil
    }
}
