// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
package import Ledger
import Replication

/// Speaks under the names of honest validators, with signatures of its own.
package struct Impersonation: Strategy {
    package static let name = "impersonation"

    private let share: Int

    package init(random: inout SimulationRandom) {
        // An answer to every message would be a flood.
        share = random.happens(perMille: 500) ? 150 : 30
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        guard context.random.happens(perMille: share),
            let honest = context.random.pick(context.honest),
            let read = PeerMessage(reading: message)
        else { return [] }
        switch read {
        case .vote(let vote):
            var forged = vote
            forged.validator = honest
            forged.value = vote.value == nil ? context.anyValue() : nil
            forged = forged.signed(by: context.own.key, in: context.ledger)
            return [PeerMessage.vote(forged).broadcast]
        case .proposal(let proposal):
            // The name and the batch of the leader, another value; or the value, another batch,
            // which the signature does not cover.
            var forged = proposal
            if context.random.happens(perMille: 500) {
                forged.value = context.anyValue()
                forged = forged.signed(by: context.own.key, in: context.ledger)
            } else {
                forged.batch.commands = []
            }
            return [PeerMessage.proposal(forged).broadcast]
        case .command(.vote(let vote)):
            var forged = vote
            forged.validator = context.state.validator(honest)?.key ?? vote.validator
            forged.vote = vote.vote == .approve ? .reject : .approve
            forged = forged.signed(by: context.own.key, in: context.ledger)
            return [PeerMessage.command(.vote(forged)).broadcast]
        case .command(.request(let request)):
            // Another's request with a recipient of one's own.
            var forged = request
            forged.recipient = context.random.bytes32()
            forged = forged.signed(by: context.own.key, in: context.ledger)
            return [PeerMessage.command(.request(forged)).broadcast]
        default: return []
        }
    }
}
