// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Keeps requests of an accomplice from everybody until it leads, and proposes them at an old time,
/// so that those who never saw them have little of their deadline left; or tells them to few.
package struct HiddenRequests: Strategy {
    package static let name = "hidden-requests"

    /// Requests of one proposal.
    private static let countMax = 20

    private let isTimeOld: Bool
    private let isToldToFew: Bool
    private var substitution = Substitution()

    package init(random: inout SimulationRandom) {
        isTimeOld = random.happens(perMille: 700)
        isToldToFew = random.happens(perMille: 400)
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            substitution.replace(message, to: peer, &context, hasSupport: true) { held, context in
                guard context.random.happens(perMille: 300) else { return nil }
                let hidden = (0..<Self.countMax).compactMap { _ in
                    context.accompliceRequest().map { ProposedCommand(.request($0)) }
                }
                guard !hidden.isEmpty else { return nil }
                let time =
                    isTimeOld
                    ? context.state.time.adding(milliseconds: 1) : held.batch.opening.time
                return context.proposal(
                    like: held, commands: held.batch.commands + hidden, time: time)
            }
        }
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard isToldToFew, context.random.happens(perMille: 60),
            let request = context.accompliceRequest()
        else { return [] }
        let few = context.random.shuffled(context.honest).prefix(2)
        return PeerMessage.command(.request(request)).send(to: Array(few))
    }
}
