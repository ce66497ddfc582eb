// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// The wall clock without its steps back.
///
/// Where the clock is set back, time goes on by what has really passed, and comes to what the clock
/// says by an eighth of that: a ledger whose last batch is ahead of a clock that was set back would
/// else stand still until the clock is there. Forward steps are the wall clock's own; the rules
/// have a limit for them.
struct SteadyTime {
    /// How far the clock may fall behind without being held for set back, in ms.
    private static let stepMilliseconds: UInt64 = NodeLimits.clockStepMilliseconds

    private var last: (time: UInt64, uptime: UInt64)?
    /// By how much time runs ahead of the wall clock.
    private var ahead: UInt64 = 0
    /// Milliseconds that have passed and are not yet taken off `ahead`.
    private var slewed: UInt64 = 0
    /// Whether a step back was seen since this was asked last.
    private var hasStepped = false

    /// The time, from what both clocks say.
    mutating func time(wall: Time, uptime: UInt64) -> Time {
        let elapsed = last.map { uptime - min(uptime, $0.uptime) } ?? 0
        slewed += elapsed
        ahead -= min(ahead, slewed / 8)
        slewed %= 8
        var time = wall.adding(milliseconds: ahead).rawValue
        if let last {
            let expected = Time(last.time).adding(milliseconds: elapsed).rawValue
            if time.addingReportingOverflow(Self.stepMilliseconds).partialValue < expected,
                time < expected
            {
                ahead += expected - time
                time = expected
                hasStepped = true
            }
            time = max(time, last.time)
        }
        last = (time, uptime)
        return Time(time)
    }

    /// Whether the clock was set back, once for each time that it was.
    mutating func takeStep() -> Bool {
        defer { hasStepped = false }
        return hasStepped
    }
}
