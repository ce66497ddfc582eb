// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Approves a request to some peers and rejects it to the others.
package struct TwoFacedVerdicts: Strategy {
    package static let name = "two-faced-verdicts"

    package init(random: inout SimulationRandom) {}

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .command(.vote(let vote)) = message, peer == nil,
                vote.validator == context.own.key.publicKey
            else { return nil }
            var other = vote
            other.vote = vote.vote == .approve ? .reject : .approve
            other.reason = other.vote == .approve ? .proofHolds : .proofFails
            other = other.signed(by: context.own.key, in: context.ledger)
            let (first, second) = context.halves()
            return message.send(to: first)
                + PeerMessage.command(.vote(other)).send(to: second)
        }
    }
}
