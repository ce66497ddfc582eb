// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import Replication

/// The two clocks of a machine.
struct MachineClock {
    /// When the ledger starts: virtual time 0.
    static let start: UInt64 = 1_767_225_600_000

    /// When a right clock says a time.
    static func moment(of time: Time) -> Moment {
        Moment(milliseconds: time.rawValue - min(time.rawValue, start))
    }

    /// By how many milliseconds the wall clock is wrong.
    var offset: Int64
    /// By how many parts per million the other clock runs fast.
    let drift: Int64
    /// When the machine was started: there the other clock begins.
    private(set) var booted = Moment(microseconds: 0)
    /// What it begins with, in milliseconds.
    private var base: UInt64

    init(offset: Int64, drift: Int64, base: UInt64) {
        self.offset = offset
        self.drift = drift
        self.base = base
    }

    /// Starts the machine again: the clock that never steps back starts over with it.
    mutating func boot(at moment: Moment, base: UInt64) {
        booted = moment
        self.base = base
    }

    /// What both say.
    func instant(at moment: Moment, extraOffset: Int64 = 0) -> Instant {
        let right = Int64(Self.start + moment.milliseconds)
        let shift = max(-Int64(Self.start), min(offset + extraOffset, 1 << 45))
        return Instant(time: Time(UInt64(max(0, right + shift))), uptime: uptime(at: moment))
    }

    func uptime(at moment: Moment) -> UInt64 {
        base + scaled(moment.microseconds - booted.microseconds) / 1000
    }

    /// The first moment at which the clock that never steps back says so much; nil for never.
    func moment(ofUptime uptime: UInt64) -> Moment? {
        guard uptime < base + (1 << 40) else { return nil }
        guard uptime > base else { return booted }
        let wanted = (uptime - base) * 1000
        var elapsed = wanted * 1_000_000 / UInt64(1_000_000 + drift)
        while scaled(elapsed) < wanted { elapsed += 1 }
        return booted.adding(microseconds: elapsed)
    }

    private func scaled(_ microseconds: UInt64) -> UInt64 {
        microseconds / 1_000_000 * UInt64(1_000_000 + drift)
            + microseconds % 1_000_000 * UInt64(1_000_000 + drift) / 1_000_000
    }
}
