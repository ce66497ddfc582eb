// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Proposes batches that leave out what others say: votes of some validators, all, or requests.
package struct Censorship: Strategy {
    package static let name = "censorship"

    private enum Scope: Sendable {
        case victims
        case allVotes
        case requests
        case evidence

        func leavesOut(_ message: Message, _ victims: [PublicKey]) -> Bool {
            switch (self, message) {
            case (.victims, .vote(let vote)): victims.contains(vote.validator)
            case (.allVotes, .vote), (.requests, .request), (.evidence, .evidence): true
            default: false
            }
        }
    }

    private let scope: Scope
    private var substitution = Substitution()
    private var victims: [PublicKey]?

    package init(random: inout SimulationRandom) {
        scope = random.pick([Scope.victims, .victims, .allVotes, .requests, .evidence]) ?? .victims
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        let scope = self.scope
        let victims =
            self.victims
            ?? context.halves().0.filter { !context.isLiar($0) }
            .compactMap { context.state.validator($0)?.key }
        if !victims.isEmpty { self.victims = victims }
        return outputs.rewritten { message, peer in
            substitution.replace(message, to: peer, &context, hasSupport: false) { held, context in
                let kept = held.batch.commands.filter { !scope.leavesOut($0.message, victims) }
                guard kept.count < held.batch.commands.count else { return nil }
                return context.proposal(
                    like: held, commands: kept, time: held.batch.opening.time)
            }
        }
    }
}
