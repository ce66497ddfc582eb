// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
package import Ledger
import Replication

/// Lets one honest validator alone see T prevotes, so that it locks what the others have not seen.
package struct HiddenLocks: Strategy {
    package static let name = "hidden-locks"

    private struct Plot: Sendable {
        let height: Height
        let round: UInt32
        let value: Digest
        let victim: ValidatorIndex
    }

    private var plots: [Plot] = []

    package init(random: inout SimulationRandom) {}

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        guard case .vote(let vote)? = PeerMessage(reading: message), vote.kind == .prevote,
            let value = vote.value, vote.height == context.nextHeight,
            !plots.contains(where: { $0.height == vote.height && $0.round == vote.round }),
            let victim = context.random.pick(context.honest)
        else { return [] }
        plots.append(
            Plot(height: vote.height, round: vote.round, value: value, victim: victim))
        if plots.count > 32 { plots.removeFirst() }
        return context.liars.map { liar in
            PeerMessage.vote(
                context.vote(
                    .prevote, vote.height, vote.round, value, ground: vote.ground, by: liar)
            )
        }.send(to: [victim])
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, _ in
            guard case .vote(let vote) = message,
                let plot = plots.first(where: {
                    $0.height == vote.height && $0.round == vote.round
                })
            else { return nil }
            // The others hear nothing of the value, neither from it nor passed on.
            guard vote.kind == .prevote, vote.value == plot.value else {
                return vote.validator == context.own.index && vote.value != nil ? [] : nil
            }
            return message.send(to: [plot.victim])
        }
    }
}
