// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
package import Ledger
import Replication

/// Forgets its locks: prevotes and precommits every proposal that it hears of, and never nil.
package struct Amnesia: Strategy {
    package static let name = "amnesia"

    private struct Spoken: Hashable, Sendable {
        let height: Height
        let round: UInt32
    }

    /// Whether it says one thing in each round.
    private let isCareful: Bool
    /// Whether its fellows' votes go with its own.
    private let isConcerted: Bool
    /// Whether its prevotes claim to rest on the round before.
    private let isPretending: Bool
    private var spoken: [Spoken] = []

    package init(random: inout SimulationRandom) {
        isCareful = random.happens(perMille: 600)
        isConcerted = random.happens(perMille: 300)
        isPretending = random.happens(perMille: 400)
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, _ in
            switch message {
            case .vote(let vote) where vote.validator == context.own.index:
                // Its host's own word is unsaid where another was given, and where it is nil.
                let isSpoken = spoken.contains(Spoken(height: vote.height, round: vote.round))
                return vote.value == nil || (isCareful && isSpoken) ? [] : nil
            case .proposal(let proposal) where proposal.proposer == context.own.index:
                return [message.broadcast] + support(for: proposal, &context)
            default: return nil
            }
        }
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        guard case .proposal(let proposal)? = PeerMessage(reading: message),
            proposal.height == context.nextHeight
        else { return [] }
        return support(for: proposal, &context)
    }

    private mutating func support(
        for proposal: Proposal, _ context: inout ByzantineContext
    ) -> [HostOutput] {
        let position = Spoken(height: proposal.height, round: proposal.round)
        guard !isCareful || !spoken.contains(position) else { return [] }
        spoken.append(position)
        if spoken.count > 64 { spoken.removeFirst() }
        let ground = isPretending ? Int64(proposal.round) - 1 : proposal.validRound
        return (isConcerted ? context.liars : [context.own]).flatMap { liar in
            [
                context.vote(
                    .prevote, proposal.height, proposal.round, proposal.value, ground: ground,
                    by: liar),
                context.vote(
                    .precommit, proposal.height, proposal.round, proposal.value, by: liar),
            ].map { PeerMessage.vote($0).broadcast }
        }
    }
}
