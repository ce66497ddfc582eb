// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
import Ledger
import Replication

/// Proposes two batches in one round, each to half of the others, with all liars' votes on both.
package struct EquivocatingProposer: Strategy {
    package static let name = "equivocating-proposer"

    private struct Split: Sendable {
        let height: Height
        let round: UInt32
        let first: [ValidatorIndex]
    }

    private var splits: [Split] = []
    private let hasSupport: Bool

    package init(random: inout SimulationRandom) { hasSupport = random.happens(perMille: 700) }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            switch message {
            case .proposal(let proposal)
            where proposal.proposer == context.own.index
                && proposal.height == context.nextHeight:
                if let peer {
                    // The other half is not told by an answer either.
                    let isOther = splits.contains {
                        $0.height == proposal.height && $0.round == proposal.round
                            && !$0.first.contains(peer)
                    }
                    return isOther ? [] : nil
                }
                return split(proposal, &context)
            case .vote(let vote) where vote.validator == context.own.index:
                guard
                    let split = splits.last(where: {
                        $0.height == vote.height && $0.round == vote.round
                    })
                else { return nil }
                return message.send(to: split.first)
            default: return nil
            }
        }
    }

    private mutating func split(
        _ proposal: Proposal, _ context: inout ByzantineContext
    ) -> [HostOutput] {
        var commands = proposal.batch.commands
        var time = proposal.batch.opening.time
        switch context.random.below(3) {
        case 0 where !commands.isEmpty: commands.removeLast()
        case 1 where commands.count > 1: commands.swapAt(0, commands.count - 1)
        default: time = time.adding(milliseconds: 1 + context.random.below(50))
        }
        let twin = context.proposal(like: proposal, commands: commands, time: time)
        let (first, second) = context.halves()
        splits.append(Split(height: proposal.height, round: proposal.round, first: first))
        if splits.count > 8 { splits.removeFirst() }
        var result = PeerMessage.proposal(proposal).send(to: first)
        result += PeerMessage.proposal(twin).send(to: second)
        if hasSupport {
            result += context.support(proposal.height, proposal.round, proposal.value)
                .send(to: first)
            result += context.support(twin.height, twin.round, twin.value).send(to: second)
        }
        return result
    }
}
