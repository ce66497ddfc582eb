// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
package import Ledger

/// Where the node takes its time from.
package protocol NodeClock: Sendable {
    /// Milliseconds since 1970 UTC. It may step back or jump.
    func now() -> Time

    /// Milliseconds that have really passed since some moment; never less than before.
    func uptime() -> UInt64

    /// What is wrong with the clock, for a person; nil where it says a time that can be.
    var problem: String? { get }
}

extension NodeClock {
    package var problem: String? { nil }

    /// The time, or an error in words where the clock cannot be right.
    package func checked() throws(NodeError) -> Time {
        if let problem { throw .clockWrong(problem) }
        let now = now()
        guard now.rawValue <= NodeLimits.timeMax else { throw .clockAbsurd(now) }
        return now
    }
}

/// The clock of the machine.
package struct SystemClock: NodeClock {
    /// The clock that this process sees.
    package init() {}

    /// The least that a clock may say: the beginning of 2020.
    package static let earliest = Time(1_577_836_800_000)

    /// The most: the beginning of 2262, the last year that fits 64 bits of nanoseconds.
    package static let latest = Time(9_214_646_400_000)

    /// The time of a reading; nil where it is outside those bounds.
    package static func time(seconds: Int64, nanoseconds: Int64) -> Time? {
        guard (0...Int64(latest.rawValue / 1000)).contains(seconds) else { return nil }
        let time = Time(UInt64(seconds) * 1000 + UInt64(max(0, nanoseconds) / 1_000_000))
        return (earliest...latest).contains(time) ? time : nil
    }

    /// What the machine says, from 1970 on; see `problem`.
    package func now() -> Time {
        let reading = MonotonicTime.wall()
        let (milliseconds, isOver) = UInt64(max(0, reading.seconds))
            .multipliedReportingOverflow(by: 1000)
        guard !isOver, milliseconds < .max - 1000 else { return Time(.max) }
        return Time(milliseconds + UInt64(max(0, reading.nanoseconds) / 1_000_000))
    }

    package var problem: String? {
        let reading = MonotonicTime.wall()
        guard Self.time(seconds: reading.seconds, nanoseconds: reading.nanoseconds) == nil else {
            return nil
        }
        return "the clock of this machine stands \(reading.seconds) seconds from 1970, outside the"
            + " years 2020 to 2261; set it right"
    }

    package func uptime() -> UInt64 { MonotonicTime.nanoseconds() / 1_000_000 }
}
