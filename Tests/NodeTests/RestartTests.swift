// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Synchronization
import TestSupport
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct RestartTests {
    /// Runs the lines in a process that is killed at the n-th thing it tells.
    private static func runAndDie(_ path: String, _ count: Int, _ lines: [String]) async throws {
        let home = try Home.open(at: path, protection: .keyFile(path: nil))
        let coordinator = try Coordinator.open(home: home, clock: VirtualClock(Paraloom.start))
        let told = Atomic(0)
        _ = try await coordinator.run(ArrayLineSource(lines)) { _ in
            guard told.add(1, ordering: .relaxed).newValue == count else { return }
            kill(getpid(), SIGKILL)
        }
    }

    @Test(arguments: [1, 4, 9, 14, 20, 27, 33])
    func killedAtAnyMomentItLosesNothingAndVotesNothingTwice(count: Int) async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let lines = [
            try Paraloom.line("native"), try Paraloom.falseLine("spl"), try Paraloom.line("spl"),
        ]
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = home.path as String, count = count as Int, lines = lines as [String]] in
            try await Self.runAndDie(path, count, lines)
        }
        let before = try entries(home)
        // Three who were honest lie from now on, but stand by what they have said.
        let (summary, _) = try await run(
            home, lines, behaviours: try Behaviour.list(count: 10, malicious: 3),
            clock: VirtualClock(Paraloom.start))
        #expect(summary.openRounds == 0 && summary.openSettlements == 0)
        let after = try entries(home)
        #expect(Array(after.prefix(before.count)) == before)
        let outcomes = after.compactMap { event -> Outcome? in
            if case .outcomeDecided(let outcome) = event { outcome.outcome } else { nil }
        }
        #expect(outcomes.count { $0 == .approved } == 2)
        #expect(outcomes.count { $0 == .rejected } == 1)
        #expect(after.count { if case .settlementReported = $0 { true } else { false } } == 2)
        let root = try checkLedger(home)
        let vault = try SingleVault.open(
            path: home.vaultPath, ledger: home.ledger, balance: nil, key: home.bridge)
        #expect(try vault.paidTotal() == 1000)
        #expect(try vault.counts() == (2, 0))
        // Opening again changes nothing.
        let (idle, _) = try await run(home, [], clock: VirtualClock(Paraloom.start))
        #expect(idle.batches == 0)
        #expect(try checkLedger(home) == root)
    }

    @Test func stoppedRunClosesCleanlyAndTheNextTakesItsRoundsUp() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let coordinator = try Coordinator.open(home: home, clock: VirtualClock(Paraloom.start))
        let summary = try await coordinator.run(
            ArrayLineSource([try Paraloom.line("native")])
        ) { event in if case .accepted = event { coordinator.stop() } }
        #expect(summary.stopped)
        #expect(summary.accepted == 1)
        let log = try EventLog.open(
            directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        #expect(log.recovery.wasClosed)
        let (next, _) = try await run(home, [], clock: VirtualClock(Paraloom.start))
        #expect(summary.approved + next.approved == 1)
        #expect(summary.settled + next.settled == 1)
        try checkLedger(home)
    }

    @Test func coordinatorRunsOnce() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let coordinator = try Coordinator.open(home: home, clock: VirtualClock(Paraloom.start))
        _ = try await coordinator.run(ArrayLineSource([])) { _ in }
        await #expect(throws: NodeError.self) {
            _ = try await coordinator.run(ArrayLineSource([])) { _ in }
        }
    }

    @Test func ledgerOlderThanTheJournalsStopsTheNode() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let copy = folder.file("old")
        try FileManager.default.copyItem(atPath: home.ledgerDirectory, toPath: copy)
        try await run(home, [try Paraloom.line("native")], clock: VirtualClock(Paraloom.start))
        try FileManager.default.removeItem(atPath: home.ledgerDirectory)
        try FileManager.default.moveItem(atPath: copy, toPath: home.ledgerDirectory)
        do {
            _ = try Coordinator.open(home: home, clock: VirtualClock(Paraloom.start))
            Issue.record("an old ledger was taken")
        } catch NodeError.ledgerBehind(let holder, _) {
            #expect(holder == "journals/\(home.validators[0].name)")
        }
    }

    @Test func vaultOlderThanTheLedgerStopsTheNode() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let copy = folder.file("old")
        try FileManager.default.copyItem(atPath: home.vaultPath, toPath: copy)
        try await run(home, [try Paraloom.line("native")], clock: VirtualClock(Paraloom.start))
        try FileManager.default.removeItem(atPath: home.vaultPath)
        try FileManager.default.moveItem(atPath: copy, toPath: home.vaultPath)
        do {
            _ = try Coordinator.open(home: home, clock: VirtualClock(Paraloom.start))
            Issue.record("an old vault was taken")
        } catch NodeError.vaultBehind {}
    }

    @Test func journalOlderThanTheLedgerStopsTheNode() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let name = home.validators[0].name
        let copy = folder.file("old")
        try FileManager.default.copyItem(
            atPath: home.journalDirectory(of: name), toPath: copy)
        try await run(home, [try Paraloom.line("native")], clock: VirtualClock(Paraloom.start))
        try FileManager.default.removeItem(atPath: home.journalDirectory(of: name))
        try FileManager.default.moveItem(
            atPath: copy, toPath: home.journalDirectory(of: name))
        do {
            _ = try Coordinator.open(home: home, clock: VirtualClock(Paraloom.start))
            Issue.record("an old journal was taken")
        } catch NodeError.journalBehind(let validator, _) {
            #expect(validator == name)
        }
    }

    @Test func fileIsReadLineByLine() async throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lines")
        let long = String(repeating: "x", count: 200_000)
        try "a\n\n  \r\nb\r\n\(long)\nlast".write(toFile: path, atomically: true, encoding: .utf8)
        let source = try FileLineSource(path: path)
        var lines: [SourceLine] = []
        while let line = try source.next() { lines.append(line) }
        #expect(lines.map(\.number) == [1, 4, 5, 6])
        #expect(lines[0].bytes == Array("a".utf8))
        #expect(lines[2].bytes.count == NodeLimits.lineBytesMax + 1)
        #expect(lines[3].bytes == Array("last".utf8))
        #expect(throws: NodeError.self) { try FileLineSource(path: folder.file("absent")) }
        let directory = try FileLineSource(path: folder.path)
        #expect(throws: NodeError.self) { try directory.next() }
    }
}
