// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// When a node does something: the timers of its round, the reasons to begin one, its clock.
///
/// Invariants: `timers` has each wait of a round once; `knownTime` and `knownUptime` never fall.
struct Pacing: Sendable {
    let settings: ReplicationSettings

    // MARK: Timers

    /// The waits of the round in progress.
    private(set) var timers: [(at: UInt64, timeout: Consensus.Timeout)] = []
    /// The round that this node leads and has not proposed in, for want of a reason.
    var proposing: UInt32?
    /// When this node says where it stands.
    var statusAt: UInt64 = 0
    /// When this node spreads again what no batch holds.
    var spreadAt: UInt64 = 0

    // MARK: The clock

    /// When the last batch came, by the uptime clock, and its time: what the wall clock should say.
    private var knownTime: Time
    private var knownUptime: UInt64
    /// Whether the operator has said that a jump of the clock is right.
    var isJumpAccepted = false
    var isJumpTold = false

    // MARK: What the last batch left

    /// The first moment at which a batch has something to do though nothing waits.
    private var due: Time
    /// Whether jobs wait for the next batch, which assigns them.
    private var hasUnassignedJobs: Bool

    init(_ settings: ReplicationSettings, _ state: LedgerState, at uptime: UInt64) {
        self.settings = settings
        knownTime = state.time
        knownUptime = uptime
        due = Time(0)
        hasUnassignedJobs = false
        look(at: state)
    }

    /// Takes in that a batch was decided.
    mutating func note(_ state: LedgerState, at uptime: UInt64) {
        invariant(
            state.time > knownTime,
            "a batch of \(state.time.rawValue) ms behind one of \(knownTime.rawValue)")
        invariant(uptime >= knownUptime, "an uptime of \(uptime) behind one of \(knownUptime)")
        knownTime = state.time
        knownUptime = uptime
        isJumpAccepted = false
        isJumpTold = false
        look(at: state)
    }

    /// Looks once for each batch at what its state makes due.
    private mutating func look(at state: LedgerState) {
        due = state.time.adding(milliseconds: settings.idleMilliseconds)
        due = min(due, Time((state.decayDay + 1) * 86_400_000))
        if let deadline = state.nextDue { due = min(due, deadline) }
        hasUnassignedJobs = state.openJobs.contains { state.job(at: $0)?.assigned == nil }
    }

    /// Forgets the round in progress.
    mutating func enterHeight() {
        timers = []
        proposing = nil
    }

    /// Whether the last batch came so long ago that the peers should have it too.
    func isSpread(at uptime: UInt64) -> Bool {
        uptime >= knownUptime + settings.statusMilliseconds
    }

    /// Notes that the node gets on by itself, so that its peers need send it nothing for a while.
    mutating func noteProgress(at uptime: UInt64) {
        statusAt = max(statusAt, uptime + settings.statusMilliseconds)
    }

    // MARK: Timers

    mutating func schedule(_ timeout: Consensus.Timeout, at uptime: UInt64) {
        invariant(
            !timers.contains { $0.timeout == timeout },
            "the \(timeout.kind) wait of round \(timeout.round) is set twice")
        timers.append((at: uptime + wait(timeout), timeout: timeout))
    }

    /// Takes out the waits that are over, in order.
    mutating func popTimers(at uptime: UInt64) -> [Consensus.Timeout] {
        let due = timers.filter { $0.at <= uptime }
        guard !due.isEmpty else { return [] }
        timers.removeAll { $0.at <= uptime }
        return due.sorted { $0.at < $1.at }.map(\.timeout)
    }

    /// The wait of a round's timer.
    private func wait(_ timeout: Consensus.Timeout) -> UInt64 {
        let first =
            timeout.kind == .propose ? settings.proposeMilliseconds : settings.voteMilliseconds
        let more = settings.roundMilliseconds * UInt64(min(timeout.round, 100_000))
        return min(first + more, max(first, settings.waitMillisecondsMax))
    }

    // MARK: The clock

    /// Whether a time is so far beyond what is known that the operator has to say that it is right.
    func isJump(_ time: Time, at uptime: UInt64) -> Bool {
        let known = knownTime.adding(milliseconds: uptime - min(uptime, knownUptime))
        return !isJumpAccepted
            && time > known.adding(milliseconds: settings.clockJumpMilliseconds)
    }

    /// Whether the time of a batch proposed first in a round fits the clock here: it is excused by
    /// the skew of a right clock and by the way of a message, and by nothing else.
    ///
    /// A leader names its own now, or a millisecond after the last batch where that is later. The
    /// last batch was timely, so that this too is within the skew of every right clock; a leader
    /// whose clock is further behind loses its round.
    func isTimely(_ time: Time, round: UInt32, at now: Instant) -> Bool {
        let delay = settings.delayMilliseconds * (8 + UInt64(min(round, 64))) / 8
        let latest = now.time.adding(milliseconds: settings.precisionMilliseconds)
        let oldest = time.adding(milliseconds: settings.precisionMilliseconds + delay)
        return time <= latest && now.time <= oldest && !isJump(time, at: now.uptime)
    }

    /// What the clock's jump has a person told, once.
    mutating func tellJump(at now: Instant) -> String? {
        guard !isJumpTold, isJump(now.time, at: now.uptime) else { return nil }
        isJumpTold = true
        return "the clock is more than an hour ahead of the ledger (\(now.time.rawValue) against"
            + " \(knownTime.rawValue) ms): nothing is proposed, and prevoted for, until the"
            + " operator says that it is right or the others go on"
    }

    // MARK: Reasons

    /// When there is a reason for a batch, by the uptime clock, as far as can be told; nil where
    /// the clock has jumped.
    ///
    /// - Parameter ready: When what waits should be in a batch.
    func reasonAt(_ ready: UInt64, _ now: Instant) -> UInt64? {
        guard !isJump(now.time, at: now.uptime) else { return nil }
        if hasUnassignedJobs { return now.uptime }
        let dueAt =
            due <= now.time ? now.uptime : now.uptime + (due.rawValue - now.time.rawValue)
        return min(dueAt, ready)
    }

    /// The uptime at which something is wanted, other than a reason.
    var nextTimer: UInt64 {
        var next = statusAt
        for timer in timers { next = min(next, timer.at) }
        return next
    }
}
