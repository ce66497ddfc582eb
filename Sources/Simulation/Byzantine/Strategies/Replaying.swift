// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
package import Ledger
import Replication

/// Sends again what it heard and said, long after: old heights, old rounds, old votes.
package struct Replaying: Strategy {
    package static let name = "replay"

    /// Messages that are kept however old.
    private static let archiveMax = 256

    private var archive: [[UInt8]] = []
    private var seen = 0
    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 500) ? 1_000 : 200
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        // Each message of the run is as likely to be kept (Vitter 1985, "Random sampling with a
        // reservoir", algorithm R).
        seen += 1
        if archive.count < Self.archiveMax {
            archive.append(message)
        } else {
            let place = context.random.below(seen)
            if place < Self.archiveMax { archive[place] = message }
        }
        return []
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard context.random.happens(perMille: share) else { return [] }
        var result: [HostOutput] = []
        for _ in 0..<(1 + context.random.below(12)) {
            let bytes =
                context.random.happens(perMille: 700)
                ? context.random.pick(archive) : context.random.pick(context.said)?.encoded
            guard let bytes, let peer = context.random.pick(context.others) else { continue }
            result.append(
                context.random.happens(perMille: 300) ? .broadcast(bytes) : .send(bytes, to: peer))
        }
        return result
    }
}
