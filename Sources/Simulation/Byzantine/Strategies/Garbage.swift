// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
import Ledger
import Replication

/// Sends bytes that are no message, or that were one before they were cut or changed.
package struct Garbage: Strategy {
    package static let name = "garbage"

    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 500) ? 1_000 : 200
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard context.random.happens(perMille: share) else { return [] }
        return (0..<(1 + context.random.below(16))).map { _ in
            .broadcast(bytes(&context))
        }
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.map { output in
            guard context.random.happens(perMille: share / 10) else { return output }
            switch output {
            case .send(let bytes, let peer): return .send(damaged(bytes, &context), to: peer)
            case .broadcast(let bytes): return .broadcast(damaged(bytes, &context))
            case .verify, .committed, .notice: return output
            }
        }
    }

    private func bytes(_ context: inout ByzantineContext) -> [UInt8] {
        switch context.random.below(4) {
        case 0: return context.random.bytes(context.random.below(600))
        case 1:
            // A tag and a count that promises far more than follows.
            return [UInt8(context.random.below(7)), 0xFF, 0xFF, 0xFF, 0xFF]
                + context.random.bytes(context.random.below(64))
        default:
            let heard = context.random.pick(context.overheard)?.bytes
            return damaged(heard ?? context.random.bytes(64), &context)
        }
    }

    private func damaged(_ bytes: [UInt8], _ context: inout ByzantineContext) -> [UInt8] {
        guard !bytes.isEmpty else { return [0] }
        var result = bytes
        switch context.random.below(4) {
        case 0: result.removeLast(1 + context.random.below(result.count))
        case 1: result += context.random.bytes(1 + context.random.below(16))
        default:
            for _ in 0...context.random.below(4) {
                let place = context.random.below(result.count)
                result[place] ^= 1 << UInt8(context.random.below(8))
            }
        }
        return result
    }
}
