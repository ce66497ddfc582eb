// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Has a clock that is far off, drifts or jumps, and proposes batches at times of its own.
package struct WrongTime: Strategy {
    package static let name = "wrong-time"

    private static let year: Int64 = 31_536_000_000

    private var offset: Int64
    private let isJumping: Bool
    private let isWriting: Bool
    private var substitution = Substitution()

    package init(random: inout SimulationRandom) {
        offset = Self.draw(&random)
        isJumping = random.happens(perMille: 500)
        isWriting = random.happens(perMille: 600)
    }

    private static func draw(_ random: inout SimulationRandom) -> Int64 {
        let sizes: [Int64] = [0, 400, 2_000, 30_000, 3_599_000, 7_200_000, year, 40 * year]
        let size = random.pick(sizes) ?? 0
        return random.happens(perMille: 500) ? size : -size
    }

    package mutating func clockOffset(context: inout ByzantineContext) -> Int64 {
        // A host whose clock is far behind proposes the earliest time that is left.
        isWriting ? 0 : offset
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        if isJumping, context.random.happens(perMille: 50) { offset = Self.draw(&context.random) }
        return []
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        let offset = self.offset
        guard isWriting, offset != 0 else { return outputs }
        return outputs.rewritten { message, peer in
            if case .command(.vote(var vote)) = message,
                vote.validator == context.own.key.publicKey
            {
                vote.timestamp = Self.shifted(vote.timestamp, by: offset)
                vote = vote.signed(by: context.own.key, in: context.ledger)
                return [PeerMessage.command(.vote(vote)).leaving(to: peer)]
            }
            return substitution.replace(
                message, to: peer, &context, hasSupport: false
            ) { held, context in
                context.proposal(
                    like: held, commands: held.batch.commands,
                    time: Self.shifted(held.batch.opening.time, by: offset))
            }
        }
    }

    private static func shifted(_ time: Time, by offset: Int64) -> Time {
        offset >= 0
            ? time.adding(milliseconds: offset.magnitude)
            : Time(time.rawValue - min(time.rawValue, offset.magnitude))
    }
}
