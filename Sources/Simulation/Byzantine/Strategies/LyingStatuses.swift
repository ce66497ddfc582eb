// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Says that it is far behind, far ahead or lacks everything, and asks for what nobody has.
package struct LyingStatuses: Strategy {
    package static let name = "lying-statuses"

    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 300) ? 1_000 : 200
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .status(let status) = message else { return nil }
            let lie = PeerMessage.status(lie(about: status, &context))
            return peer.map { lie.send(to: [$0]) } ?? [lie.broadcast]
        }
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard context.random.happens(perMille: share),
            let peer = context.random.pick(context.others)
        else { return [] }
        if context.random.happens(perMille: 300) {
            let count = context.random.below(ReplicationLimits.wantedMax + 1)
            let wanted = (0..<count).map { _ in RequestID(context.anyValue()) }
            return PeerMessage.want(wanted).send(to: [peer])
        }
        let status = Status(
            height: context.nextHeight, round: 0, hasProposal: false, prevotes: [], precommits: [],
            wanted: [])
        return PeerMessage.status(lie(about: status, &context)).send(to: [peer])
    }

    private func lie(about status: Status, _ context: inout ByzantineContext) -> Status {
        var lie = status
        switch context.random.below(6) {
        case 0: lie.height = Height(0)
        case 1: lie.height = Height(1 + context.random.below(status.height.rawValue + 1))
        case 2: lie.height = Height(status.height.rawValue &+ (1 << context.random.below(60)))
        case 3:
            lie.round = UInt32(truncatingIfNeeded: context.random.next())
            lie.wanted = [
                WantedPrevotes(
                    value: Digest(context.random.bytes32()), through: UInt32.max, held: [])
            ]
        case 4:
            // Has everything: peers that believe it send nothing.
            lie.hasProposal = true
            lie.prevotes = context.members
            lie.precommits = context.members
        default:
            lie.hasProposal = false
            lie.prevotes = [ValidatorIndex(.max), ValidatorIndex(0), ValidatorIndex(0)]
            lie.precommits = []
            lie.wanted = proposed(context).prefix(ReplicationLimits.wantedPrevotesMax).map {
                WantedPrevotes(value: $0, through: status.round, held: [])
            }
        }
        return lie
    }

    private func proposed(_ context: ByzantineContext) -> [Digest] {
        context.overheard.compactMap { heard in
            if case .proposal(let proposal)? = heard.message { proposal.value } else { nil }
        }
    }
}
