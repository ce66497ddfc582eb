// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
package import Hosting
package import Ledger
package import Replication

/// A liar's strategies, for whoever drives its host: they stand between it and the world.
///
/// The simulator's own nodes do the same with their virtual clocks and disks.
package struct ByzantineParty: Sendable {
    private var strategies: [any Strategy] = []
    private var context: ByzantineContext
    private var height: Height?

    /// A liar with these strategies; `fellows` are the other liars, whose keys it has.
    package init(
        _ types: [any Strategy.Type], own: Liar, fellows: [Liar], ledger: LedgerID, seed: UInt64
    ) {
        var random = SimulationRandom(seed: seed, "strategies", Int(own.index.rawValue))
        for type in types { strategies.append(type.init(random: &random)) }
        context = ByzantineContext(
            own: own, fellows: fellows, ledger: ledger, members: [], threshold: 0, random: random,
            now: Instant(time: Time(0), uptime: 0), state: LedgerState(),
            frontier: MerkleFrontier(), precommits: nil, overheard: [], said: [])
    }

    /// What leaves in the place of what the host would do.
    package mutating func outgoing(
        _ outputs: [HostOutput], _ host: ReplicaHost, _ now: Instant
    ) -> [HostOutput] {
        refresh(host, now)
        for output in outputs {
            switch output {
            case .send(let bytes, _), .broadcast(let bytes):
                if let message = Self.read(bytes) { context.say(message) }
            default: break
            }
        }
        var result = outputs
        for place in strategies.indices {
            result = strategies[place].outgoing(result, context: &context)
        }
        return result
    }

    /// What else leaves because of a message that arrived; nil stands for a client.
    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, _ host: ReplicaHost, _ now: Instant
    ) -> [HostOutput] {
        refresh(host, now)
        context.overhear(
            Overheard(sender: sender, bytes: message, message: Self.read(message)))
        var result: [HostOutput] = []
        for place in strategies.indices {
            result += strategies[place].incoming(message, from: sender, context: &context)
        }
        return result
    }

    /// What leaves without a cause; to be asked every `Byzantine.idleMilliseconds`.
    package mutating func idle(_ host: ReplicaHost, _ now: Instant) -> [HostOutput] {
        refresh(host, now)
        var result: [HostOutput] = []
        for place in strategies.indices { result += strategies[place].idle(context: &context) }
        return result
    }

    /// The vote that the host is told instead of the honest one.
    package mutating func verdict(_ honest: Vote, _ host: ReplicaHost, _ now: Instant) -> Vote {
        refresh(host, now)
        var result = honest
        for place in strategies.indices {
            result = strategies[place].verdict(result, context: &context)
        }
        return result
    }

    /// By how many milliseconds the clock is wrong now.
    package mutating func clockOffset(_ host: ReplicaHost, _ now: Instant) -> Int64 {
        refresh(host, now)
        var offset: Int64 = 0
        for place in strategies.indices {
            offset += strategies[place].clockOffset(context: &context)
        }
        return offset
    }

    private mutating func refresh(_ host: ReplicaHost, _ now: Instant) {
        context.now = now
        let state = host.state
        guard height != state.height else { return }
        height = state.height
        context.state = state
        context.members = state.members
        context.threshold = Int(state.parameters.threshold)
        do throws(LogError) {
            let subtrees = try host.log.subtrees(at: host.log.size)
            if let frontier = MerkleFrontier(count: host.log.size, subtrees: subtrees) {
                context.frontier = frontier
            }
        } catch {
            // The disk failed: the host is about to find out.
        }
    }

    private static func read(_ bytes: [UInt8]) -> PeerMessage? {
        do throws(Ledger.DecodingError) { return try PeerMessage(decoding: bytes) } catch {
            return nil
        }
    }
}
