// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
import Ledger
import Replication

/// Says everything, late: all messages, or its verdicts at the last moment.
package struct Stalling: Strategy {
    package static let name = "stalling"

    /// Messages that it holds back; further ones leave at once.
    private static let heldMax = 512

    private let delay: ClosedRange<UInt64>
    private let isForVerdicts: Bool
    private var held: [(at: UInt64, output: HostOutput)] = []

    package init(random: inout SimulationRandom) {
        isForVerdicts = random.happens(perMille: 500)
        delay = isForVerdicts ? 1_000...31_000 : 50...4_000
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.filter { output in
            guard output.leaves, held.count < Self.heldMax else { return true }
            if isForVerdicts {
                guard case .command(.vote)? = output.message?.0 else { return true }
            }
            let wait = context.random.number(in: delay)
            held.append((context.now.uptime + wait, output))
            return false
        }
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        let now = context.now.uptime
        let due = held.filter { $0.at <= now }
        held.removeAll { $0.at <= now }
        return due.sorted { $0.at < $1.at }.map(\.output)
    }
}
