// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Ledger
import Node
import Testing

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct FollowingTests {
    @Test func aRunLeavesProjectionsThatAreUpToDate() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Paraloom.start)
        let (first, recorder) = try await run(home, [try Paraloom.line("native")], clock: clock)
        #expect(first.projections?.entries == first.entries)
        #expect(first.projections?.behind == 0)
        #expect(first.projections?.failure == nil)
        #expect(try POSIXDisk().list(home.ledgerDirectory).contains("projections.sqlite"))
        let (second, _) = try await run(home, [try Paraloom.falseLine("spl")], clock: clock)
        #expect(second.projections?.entries == second.entries)
        #expect(second.entries > first.entries)
        #expect(recorder.events.allSatisfy { if case .warning = $0 { false } else { true } })
    }

    @Test func aFailureStopsTheProjectionsAloudAndTheLedgerGoesOn() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        try POSIXDisk().createDirectory(home.ledgerDirectory + "/projections.sqlite")
        let (summary, recorder) = try await run(
            home, [try Paraloom.line("native"), try Paraloom.falseLine("spl")],
            clock: VirtualClock(Paraloom.start))
        #expect(summary.approved == 1)
        #expect(summary.settled == 1)
        #expect(summary.projections?.behind == summary.entries)
        #expect(summary.projections?.failure?.contains("projections.sqlite") == true)
        let told = recorder.events.filter {
            if case .projectionsStopped = $0 { true } else { false }
        }
        #expect(told.count == 1)
        #expect(told.first?.json.contains("\"event\":\"projections_stopped\"") == true)
        try checkLedger(home)
    }

    @Test func aFileThatDoesNotFitIsBuiltAnewAloud() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Paraloom.start)
        try await run(home, [try Paraloom.line("native")], clock: clock)
        let path = home.ledgerDirectory + "/projections.sqlite"
        try POSIXDisk().open(path, .create).write([1, 2, 3], at: 0)
        let (summary, recorder) = try await run(home, [], clock: clock)
        #expect(summary.projections?.behind == 0)
        let told = recorder.events.filter {
            if case .warning(let text) = $0 { text.contains("built anew") } else { false }
        }
        #expect(told.count == 1)
    }
}
