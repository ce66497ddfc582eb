// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Foundation
import Hosting
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

/// Jobs that three validators run with the engine.
@Suite(.enabled(if: JobEngine.isHere, "no engine: run Tools/setup, and build recount"))
struct JobRunTests {
    @Test func jobGoesFromTheSpoolToAnAgreedResult() async throws {
        let node = try JobCase()
        let id = try node.submit(input: "hello")
        let (summary, recorder) = try await node.run()
        #expect(
            recorder.jobKinds == [
                "submitted", "assigned", "reported", "reported", "decided", "reported",
            ])
        #expect(summary.jobsAccepted == 1)
        #expect(summary.jobsAgreed == 1)
        #expect(summary.openJobs == 0)
        let decision = try #require(recorder.jobDecisions.first)
        #expect(decision.id == id)
        #expect(decision.decision == .agreed)
        #expect(decision.status == JobStatus(.success))
        #expect(try node.blobs.get(decision.output) == Array("hello".utf8))
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
        let results = try node.results()
        #expect(results.count == 3)
        #expect(Set(results.map(\.fuel)).count == 1)
        #expect(results[0].fuel > 0)
        #expect(recorder.warnings.isEmpty)
        try checkLedger(node.home)
        let (idle, _) = try await node.run()
        #expect(idle.batches == 0)
    }

    @Test func manyJobsAreAllDecidedAndTheirEventsAreJSON() async throws {
        let node = try JobCase(extra: "[compute]\njobs_at_once = 3")
        for number in 0..<40 { try node.submit(input: "job \(number)") }
        let (summary, recorder) = try await node.run()
        #expect(summary.jobsAgreed == 40)
        #expect(try node.results().count == 120)
        for event in recorder.events {
            let json = try JSONSerialization.jsonObject(with: Data(event.json.utf8))
            let fields = try #require(json as? [String: Any])
            if case .jobReported = event {
                #expect(fields["event"] as? String == "job_reported")
                #expect(fields["status"] as? String == "success")
                #expect((fields["job_id"] as? String)?.utf8.count == 64)
                #expect(fields["fuel"] is Int && fields["output"] is String)
            }
            #expect(!event.description.isEmpty)
        }
        try checkLedger(node.home)
    }

    @Test func oneLiarLosesAndTwoWin() async throws {
        let node = try JobCase()
        try node.submit(input: "hello")
        let (one, honest) = try await node.run([.malicious])
        #expect(one.jobsAgreed == 1)
        let truth = try #require(honest.jobDecisions.first)
        #expect(try node.blobs.get(truth.output) == Array("hello".utf8))
        #expect(one.validators[0].reputationAfter == 950_000)
        #expect(one.validators[1].reputationAfter > 1_000_000)
        #expect(
            try entries(node.home).contains {
                if case .disagreementRecorded = $0 { true } else { false }
            })

        try node.submit(input: "again")
        let (two, lied) = try await node.run([.malicious, .malicious])
        #expect(two.jobsAgreed == 1)
        let lie = try #require(lied.jobDecisions.first)
        let output = Digest(hashing: Array("recount lieagain".utf8)).bytes
        #expect(lie.output == Digest(hashing: output))
        #expect(try node.blobs.get(lie.output) == output)
        #expect(two.validators[2].reputationAfter < two.validators[2].reputationBefore)
        try checkLedger(node.home)
    }

    @Test func equivocatorsSecondResultIsRefusedAndTheRefusalRecorded() async throws {
        let node = try JobCase()
        try node.submit(input: "hello")
        let (summary, recorder) = try await node.run([.equivocating])
        #expect(summary.jobsAgreed == 1)
        #expect(try node.results().count == 3)
        #expect(summary.refusalsRecorded == 1)
        let refused = try entries(node.home).compactMap { event -> MessageRefused? in
            if case .messageRefused(let refused) = event { refused } else { nil }
        }
        #expect(refused.map(\.refusal) == [.resultChanged])
        #expect(
            try node.blobs.get(try #require(recorder.jobDecisions.first).output)
                == Array("hello".utf8))
        try checkLedger(node.home)
    }

    @Test func offlineValidatorIsMissedAtTheDeadline() async throws {
        let node = try JobCase()
        try node.submit(input: "hello")
        let (summary, recorder) = try await node.run([.offline])
        #expect(summary.jobsAgreed == 1)
        #expect(summary.validators[0].reputationAfter == 970_000)
        #expect(recorder.events.contains { if case .waiting = $0 { true } else { false } })
        #expect(node.clock.now() >= JobCase.start.adding(milliseconds: 30_000))
    }

    @Test func jobThatIsAssignedWhenTheNodeStopsIsRunByTheNext() async throws {
        let node = try JobCase()
        try node.submit(input: "hello")
        try await node.runUntilAssigned()
        let before = try entries(node.home)
        let (summary, recorder) = try await node.run()
        #expect(summary.jobsAgreed == 1)
        #expect(recorder.jobDecisions.count == 1)
        #expect(Array(try entries(node.home).prefix(before.count)) == before)
        try checkLedger(node.home)
    }

    @Test(arguments: [1, 2, 3, 4, 5])
    func killedAtAnyMomentItDecidesEachJobOnce(count: Int) async throws {
        let node = try JobCase()
        try node.submit(input: "hello")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = node.home.path as String, count = count as Int] in
            try await Self.runAndDie(path, count)
        }
        let before = try entries(node.home)
        // One who was honest lies from now on, but stands by what it has said.
        let (summary, _) = try await node.run([.malicious])
        #expect(summary.openJobs == 0)
        let after = try entries(node.home)
        #expect(Array(after.prefix(before.count)) == before)
        let decided = after.compactMap { event -> JobDecided? in
            if case .jobDecided(let decided) = event { decided } else { nil }
        }
        #expect(decided.map(\.decision) == [.agreed])
        #expect(try node.blobs.get(decided[0].output) == Array("hello".utf8))
        #expect(try node.results().count == 3)
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
        try checkLedger(node.home)
    }

    private static func runAndDie(_ path: String, _ count: Int) async throws {
        let home = try Home.open(at: path, protection: .keyFile(path: nil))
        let coordinator = try Coordinator.open(
            home: home, options: CoordinatorOptions(engine: { JobEngine.loaded }),
            clock: VirtualClock(JobCase.start))
        let told = Atomic(0)
        _ = try await coordinator.run(ArrayLineSource([])) { _ in
            guard told.add(1, ordering: .relaxed).newValue == count else { return }
            kill(getpid(), SIGKILL)
        }
    }

    @Test func whatTheJournalHoldsIsReportedWhateverTheEngineSays() async throws {
        let node = try JobCase()
        let id = try node.submit(input: "hello")
        try await node.runUntilAssigned()
        let named = node.home.validators[0]
        var journal = try VoteJournal(
            directory: node.home.journalDirectory(of: named.name), disk: POSIXDisk(),
            key: named.key, ledger: node.home.ledger)
        let said = try journal.result(JobReport(JobStatus(.trap, code: 9), fuel: 5), on: id)
        try journal.close()
        try await node.run()
        let reported = try #require(
            try node.results().first { $0.validator == ValidatorIndex(0) })
        #expect(reported.status == said.status)
        #expect(reported.fuel == said.fuel)
        #expect(reported.signature == said.signature)
    }

    @Test func whoseJournalWasLostDoesNotReportOnWhatWasAssignedBefore() async throws {
        let node = try JobCase(extra: "job_timeout = 600")
        try node.submit(input: "hello")
        try await node.runUntilAssigned()
        let name = node.home.validators[1].name
        try FileManager.default.removeItem(atPath: node.home.journalDirectory(of: name))
        _ = try HomeJournals.beginAnew(at: node.home.path, named: [], clock: node.clock)
        let (summary, _) = try await node.run()
        #expect(summary.openJobs == 0)
        #expect(node.clock.now() >= JobCase.start.adding(milliseconds: 600_000))
        #expect(try node.results().allSatisfy { $0.validator != ValidatorIndex(1) })
        // Of later ones it does.
        try node.submit(input: "later")
        let (next, _) = try await node.run()
        #expect(next.jobsAgreed == 1)
        #expect(try node.results().count { $0.validator == ValidatorIndex(1) } == 1)
    }

    @Test func missingPayloadIsAnAbstentionThatIsTold() async throws {
        let node = try JobCase()
        try node.submit(input: "hello")
        let input = Digest(hashing: Array("hello".utf8))
        try FileManager.default.removeItem(atPath: "\(node.blobs.directory)/\(input.hex)")
        let (summary, recorder) = try await node.run()
        #expect(summary.jobsDisagreed == 1)
        #expect(try node.results().allSatisfy { $0.status == JobStatus(.payloadMissing) })
        #expect(recorder.warnings.count { $0.contains("payloadMissing") } == 3)
    }

    @Test func endlessJobIsGivenUpInTimeForItsAbstentionToCount() async throws {
        let node = try JobCase()
        try node.submit(
            HostileModules.endlessLoop(), input: "", fuel: .max / 4, milliseconds: 4000)
        let (summary, _) = try await node.run(clock: SystemClock())
        #expect(summary.jobsDisagreed == 1)
        #expect(summary.jobsTimedOut == 0)
        let results = try node.results()
        #expect(results.count == 3)
        #expect(results.allSatisfy { $0.status == JobStatus(.timeGuard) })
    }

    @Test func jobSubmittedWhileTheNodeRunsIsTaken() async throws {
        let node = try JobCase()
        let source = OpenSource()
        let recorder = Recorder()
        let coordinator = try node.coordinator(clock: SystemClock())
        async let running = coordinator.run(source) { event in
            recorder.add(event)
            if case .jobDecided = event { source.stop() }
        }
        try await Task.sleep(for: .milliseconds(500))
        try node.submit(input: "late")
        let summary = try await running
        #expect(summary.jobsAgreed == 1)
    }
}

/// Input that stays open until it is stopped.
private final class OpenSource: LineSource {
    private let ended = DispatchSemaphore(value: 0)

    func next() throws(NodeError) -> SourceLine? {
        ended.wait()
        return nil
    }

    func stop() { ended.signal() }
}
