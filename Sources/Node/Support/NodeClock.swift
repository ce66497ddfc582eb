// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger
internal import Synchronization

/// Where the node takes its time from.
package protocol NodeClock: Sendable {
    /// Milliseconds since 1970 UTC. It may step back or jump.
    func now() -> Time

    /// Milliseconds that have really passed since some moment; never less than before.
    func uptime() -> UInt64

    /// Returns for how many real milliseconds to wait until `time`.
    ///
    /// `isIdle`: nothing but the passing of time can give work, so a clock that is not real may
    /// go there at once.
    func pause(until time: Time, isIdle: Bool) -> UInt64
}

/// The clock of the machine.
package struct SystemClock: NodeClock {
    /// The clock that this process sees.
    package init() {}

    package func now() -> Time { Time(MonotonicTime.wallMilliseconds()) }

    package func uptime() -> UInt64 { MonotonicTime.nanoseconds() / 1_000_000 }

    package func pause(until time: Time, isIdle: Bool) -> UInt64 {
        let now = now()
        return time > now ? time.rawValue - now.rawValue : 0
    }
}

/// A clock that moves when it is told to, or when nothing else can happen.
package final class VirtualClock: NodeClock {
    private struct Reading {
        var now: UInt64
        var uptime: UInt64
    }

    private let reading: Mutex<Reading>

    /// A clock that stands at `start`.
    package init(_ start: Time) {
        reading = Mutex(Reading(now: start.rawValue, uptime: 0))
    }

    package func now() -> Time { Time(reading.withLock { $0.now }) }

    package func uptime() -> UInt64 { reading.withLock { $0.uptime } }

    /// Lets time pass.
    package func advance(milliseconds: UInt64) {
        reading.withLock {
            $0.now += milliseconds
            $0.uptime += milliseconds
        }
    }

    /// Sets the clock, as an operator or a time server does: no time passes.
    package func set(_ time: Time) { reading.withLock { $0.now = time.rawValue } }

    package func pause(until time: Time, isIdle: Bool) -> UInt64 {
        guard isIdle else { return NodeLimits.pauseMillisecondsMax }
        reading.withLock {
            guard time.rawValue > $0.now else { return }
            $0.uptime += time.rawValue - $0.now
            $0.now = time.rawValue
        }
        return 0
    }
}
