// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
package import Ledger
import Replication

/// Changes among the others over time, with one to three of them at once; honest now and then.
package struct Mixed: Strategy {
    package static let name = "mixed"

    private var current: [any Strategy] = []

    package init(random: inout SimulationRandom) { draw(&random) }

    private mutating func draw(_ random: inout SimulationRandom) {
        current = []
        for _ in 0..<random.below(4) {
            guard let kind = random.pick(Byzantine.plain) else { return }
            current.append(kind.init(random: &random))
        }
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        var result = outputs
        for index in current.indices {
            result = current[index].outgoing(result, context: &context)
        }
        return result
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        var result: [HostOutput] = []
        for index in current.indices {
            result += current[index].incoming(message, from: sender, context: &context)
        }
        return result
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        var result: [HostOutput] = []
        for index in current.indices { result += current[index].idle(context: &context) }
        if context.random.happens(perMille: 25) { draw(&context.random) }
        return result
    }

    package mutating func verdict(_ honest: Vote, context: inout ByzantineContext) -> Vote {
        var result = honest
        for index in current.indices {
            result = current[index].verdict(result, context: &context)
        }
        return result
    }

    package mutating func clockOffset(context: inout ByzantineContext) -> Int64 {
        for index in current.indices {
            let offset = current[index].clockOffset(context: &context)
            if offset != 0 { return offset }
        }
        return 0
    }
}
