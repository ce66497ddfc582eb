// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Proposes values that its batches do not give: other events, another order, another root.
package struct FalseDerivation: Strategy {
    package static let name = "false-derivation"

    private var substitution = Substitution()

    package init(random: inout SimulationRandom) {}

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            substitution.replace(
                message, to: peer, &context, hasSupport: true, make: Self.falsified)
        }
    }

    private static func falsified(
        _ proposal: Proposal, _ context: inout ByzantineContext
    ) -> Proposal? {
        var batch = proposal.batch
        var entries = context.run(batch)?.entries.map { EntryBytes($0.bytes) } ?? []
        let place = context.random.below(entries.count)
        var value: Digest?
        switch context.random.below(7) {
        case 0 where !entries.isEmpty: entries.remove(at: place)
        case 1 where !entries.isEmpty: entries.insert(entries[place], at: place)
        case 2 where entries.count > 1: entries.swapAt(place, (place + 1) % entries.count)
        case 3 where !entries.isEmpty:
            let byte = context.random.below(entries[place].bytes.count)
            entries[place].bytes[byte] ^= 1 << UInt8(context.random.below(8))
        case 4 where batch.commands.count > 1:
            // The right value, and the commands in another order.
            batch.commands.reverse()
            value = proposal.value
        case 5 where !batch.commands.isEmpty:
            let command = context.random.below(batch.commands.count)
            batch.commands[command].isRefused.toggle()
            value = proposal.value
        default: value = context.anyValue()
        }
        return context.proposal(
            of: batch, value: value ?? root(after: entries, context), round: proposal.round)
    }

    private static func root(after entries: [EntryBytes], _ context: ByzantineContext) -> Digest {
        var frontier = context.frontier
        for entry in entries { frontier.append(leaf: entry.bytes) }
        return frontier.root
    }
}
