// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct ClockTests {
    @Test func clockThatStepsBackIsAbsorbed() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Time(Paraloom.start.rawValue - 5_000_000_000))
        let (summary, _) = try await run(home, [try Paraloom.line("native")], clock: clock)
        #expect(summary.approved == 1)
        let times = try entries(home).compactMap { event -> UInt64? in
            if case .batchOpened(let opened) = event { opened.time.rawValue } else { nil }
        }
        #expect(times == times.sorted() && Set(times).count == times.count)
        #expect(times.first == Paraloom.start.rawValue + 1)
        try checkLedger(home)
    }

    @Test func deadlinesPassByUptimeWhileTheClockIsBehind() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Time(Paraloom.start.rawValue - 3_600_000))
        let (summary, recorder) = try await run(
            home, [try Paraloom.line("native")],
            behaviours: try Behaviour.list(count: 10, offline: 4), clock: clock)
        #expect(summary.timedOut == 1)
        #expect(clock.now() < Paraloom.start)
        #expect(recorder.events.contains { "\($0)".contains("set the clock right") })
        try checkLedger(home)
    }

    @Test("the clock jumps years ahead once and cannot come back")
    func nodeThatWasOffForADayNeedsTheOperatorsWord() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Paraloom.start.adding(milliseconds: 2 * 86_400_000))
        let line = try Paraloom.line("native")
        do {
            try await run(home, [line], clock: clock)
            Issue.record("the jump was accepted")
        } catch let error as NodeError {
            #expect("\(error)".contains("--accept-clock-jump"), "\(error)")
        }
        #expect(try entries(home).count == 2)
        let (summary, _) = try await run(home, [line], clock: clock, acceptClockJump: true)
        #expect(summary.approved == 1)
        let decays = try entries(home).count {
            if case .reputationDecayed = $0 { true } else { false }
        }
        #expect(decays == 2)
        try checkLedger(home)
    }

    @Test(arguments: [(3_600_000, true), (3_600_001, false)])
    func jumpOfUpToAnHourIsTaken(milliseconds: Int, isTaken: Bool) async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Paraloom.start.adding(milliseconds: UInt64(milliseconds)))
        var wasTaken = false
        do {
            wasTaken =
                try await run(home, [try Paraloom.line("native")], clock: clock).0.approved == 1
        } catch NodeError.clockJumped {}
        #expect(wasTaken == isTaken)
    }

    @Test func clockMayGoOnBetweenAnyTwoReadings() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let recorder = Recorder()
        let coordinator = try Coordinator.open(
            home: home,
            options: CoordinatorOptions(behaviours: try Behaviour.list(count: 10, offline: 4)),
            clock: RestlessClock(Paraloom.start))
        let summary = try await coordinator.run(
            ArrayLineSource([try Paraloom.line("native")])
        ) { recorder.add($0) }
        #expect(summary.timedOut == 1)
        try checkLedger(home)
    }

    @Test func manyYearsTakeSeveralBatches() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Paraloom.start.adding(milliseconds: 4_000 * 86_400_000))
        let (summary, _) = try await run(
            home, [try Paraloom.falseLine("native")], clock: clock, acceptClockJump: true)
        #expect(summary.rejected == 1)
        let days = try entries(home).count {
            if case .reputationDecayed = $0 { true } else { false }
        }
        #expect(days == 4_000)
    }
}

/// A clock that is never the same twice.
private struct RestlessClock: NodeClock {
    private let clock: VirtualClock

    init(_ start: Time) { clock = VirtualClock(start) }

    func now() -> Time {
        clock.advance(milliseconds: 3)
        return clock.now()
    }

    func uptime() -> UInt64 { clock.uptime() }

    func pause(until time: Time, isIdle: Bool) -> UInt64 {
        clock.pause(until: time, isIdle: isIdle)
    }
}
