// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
package import Ledger
import Replication

/// Gives no precommit to those who would decide by it, hides what its own node has decided, and
/// proposes something new wherever it leads a later round of a height that others still work on.
///
/// Where some honest validator has decided and the others do not know, nothing but their locks
/// stands between them and a second decision.
package struct PartialDecisions: Strategy {
    package static let name = "partial-decisions"

    /// A height as it was before its decision.
    private struct Past: Sendable {
        let state: LedgerState
        let frontier: MerkleFrontier
        let model: Proposal
        var rounds: [UInt32] = []
    }

    private var pasts: [Past] = []

    package init(random: inout SimulationRandom) {}

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        switch PeerMessage(reading: message) {
        case .proposal(let proposal)?:
            remember(proposal, context)
            return []
        case .status(let status)?: return propose(status, &context)
        default: return []
        }
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            switch message {
            case .batch: return []
            case .proposal(let proposal) where proposal.proposer == context.own.index:
                remember(proposal, context)
                return nil
            case .vote(let vote)
            where vote.kind == .precommit && vote.value != nil
                && vote.validator == context.own.index:
                let none = context.vote(.precommit, vote.height, vote.round, nil, by: context.own)
                return [PeerMessage.vote(none).leaving(to: peer)]
            default: return nil
            }
        }
    }

    private mutating func remember(_ proposal: Proposal, _ context: ByzantineContext) {
        guard proposal.height == context.nextHeight,
            !pasts.contains(where: { $0.model.height == proposal.height })
        else { return }
        pasts.append(Past(state: context.state, frontier: context.frontier, model: proposal))
        if pasts.count > 4 { pasts.removeFirst() }
    }

    /// Proposes anew in the round that a peer has come to, if this node leads it.
    private mutating func propose(
        _ status: Status, _ context: inout ByzantineContext
    ) -> [HostOutput] {
        guard status.round > 0,
            let place = pasts.lastIndex(where: { $0.model.height == status.height }),
            !pasts[place].rounds.contains(status.round)
        else { return [] }
        let past = pasts[place]
        let leaders = past.state.proposerRanking(height: status.height)
        guard !leaders.isEmpty,
            leaders[Int(status.round) % leaders.count] == context.own.index
        else { return [] }
        pasts[place].rounds.append(status.round)
        var model = past.model
        model.round = status.round
        var then = context
        then.state = past.state
        then.frontier = past.frontier
        let time = max(context.now.time, past.state.time.adding(milliseconds: 1))
        let proposal = then.proposal(like: model, commands: model.batch.commands, time: time)
        let support = context.support(proposal.height, proposal.round, proposal.value)
        return [PeerMessage.proposal(proposal).broadcast] + support.map(\.broadcast)
    }
}
