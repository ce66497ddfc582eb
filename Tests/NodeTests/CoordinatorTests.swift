// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct CoordinatorTests {
    @Test(arguments: 0...3)
    func trueProofIsApprovedAndFalseOneRejectedWithUpToThreeLiars(liars: Int) async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let (summary, recorder) = try await run(
            home, [try Paraloom.line("native"), try Paraloom.falseLine("spl")],
            behaviours: try Behaviour.list(count: 10, malicious: liars),
            clock: VirtualClock(Paraloom.start))
        let outcomes = Dictionary(
            uniqueKeysWithValues: recorder.decisions.map { ($0.outcome, $0.tally) })
        #expect(outcomes["approved"] != nil)
        #expect(outcomes["rejected"] != nil)
        #expect(summary.settled == 1)
        #expect(summary.votes == 20)
        for validator in summary.validators {
            let rose = validator.reputationAfter > validator.reputationBefore
            #expect(rose == (validator.behaviour == .honest), "\(validator)")
        }
        try checkLedger(home)
    }

    @Test func fourLiarsPreventApprovalAndThreeOfflineDoNot() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let (liars, _) = try await run(
            home, [try Paraloom.line("native")],
            behaviours: try Behaviour.list(count: 10, malicious: 4),
            clock: VirtualClock(Paraloom.start))
        #expect(liars.approved == 0)
        #expect(liars.rejected == 1)

        let other = try Paraloom.home(folder, name: "other")
        let clock = VirtualClock(Paraloom.start)
        let (absent, recorder) = try await run(
            other, [try Paraloom.line("native")],
            behaviours: try Behaviour.list(count: 10, offline: 3), clock: clock)
        #expect(absent.approved == 1)
        #expect(absent.settled == 1)
        #expect(absent.votes == 7)
        // The round stays open for the absent three until its deadline.
        #expect(clock.now() >= Paraloom.start.adding(milliseconds: 30_000))
        #expect(
            recorder.events.contains {
                if case .waiting = $0 { true } else { false }
            })
        for validator in absent.validators where validator.behaviour == .offline {
            #expect(validator.reputationAfter == 970_000)
        }
        try checkLedger(other)
    }

    @Test func fourOfflineTimeOut() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let (summary, recorder) = try await run(
            home, [try Paraloom.line("native")],
            behaviours: try Behaviour.list(count: 10, offline: 4),
            clock: VirtualClock(Paraloom.start))
        #expect(summary.timedOut == 1)
        #expect(recorder.decisions[0].reason == "deadlineWithoutQuorum")
        #expect(summary.settled == 0)
    }

    @Test func everyEquivocatorIsConvictedOnceForEachRequest() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let (summary, recorder) = try await run(
            home, [try Paraloom.line("native"), try Paraloom.line("spl")],
            behaviours: try Behaviour.list(count: 10, equivocating: 3),
            clock: VirtualClock(Paraloom.start))
        #expect(summary.approved == 2)
        #expect(summary.equivocations == 6)
        let found = try entries(home).count {
            if case .equivocationFound = $0 { true } else { false }
        }
        #expect(found == 6)
        #expect(
            recorder.events.count { if case .equivocation = $0 { true } else { false } } == 6)
        #expect(summary.votes == 20)
        try checkLedger(home)
    }

    @Test func sameRequestTwiceIsAnsweredWithTheExistingDecision() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let line = try Paraloom.line("native")
        let clock = VirtualClock(Paraloom.start)
        let (first, recorder) = try await run(home, [line, line, line], clock: clock)
        #expect(first.accepted == 1)
        #expect(first.answered == 2)
        let decision = try #require(recorder.decisions.first)
        #expect(recorder.answers.allSatisfy { $0?.outcome == decision.outcome })
        let reopened = try Home.open(at: home.path, protection: .keyFile(path: nil))
        let (second, later) = try await run(reopened, [line], clock: clock)
        #expect(second.accepted == 0)
        #expect(second.answered == 1)
        #expect(second.batches == 0)
        let answer = try #require(later.answers.first ?? nil)
        #expect(answer.requestID == decision.requestID)
        #expect(answer.finalTimestamp == decision.finalTimestamp)
        #expect(answer.votes.count == 10)
        for vote in answer.votes { #expect(try vote.message().isSigned(in: home.ledger)) }
    }

    @Test func spentNullifierIsRefusedAfterRestart() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let clock = VirtualClock(Paraloom.start)
        try await run(home, [try Paraloom.line("native")], clock: clock)
        let (summary, recorder) = try await run(
            home, [try Paraloom.line("native", timestamp: 1_767_300_000_777)], clock: clock)
        #expect(recorder.refusals == ["nullifierSpent"])
        #expect(summary.refusalsRecorded == 1)
    }

    @Test func failedPaymentReleasesTheNullifiers() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(
            folder, try Paraloom.configuration(extra: "\n[vault]\nbalance = 499"))
        let clock = VirtualClock(Paraloom.start)
        let (summary, _) = try await run(home, [try Paraloom.line("native")], clock: clock)
        #expect(summary.approved == 1)
        #expect(summary.failed == 1)
        #expect(summary.settled == 0)
        let released = try entries(home).count {
            if case .nullifierReleased = $0 { true } else { false }
        }
        #expect(released == 2)
        // The same withdrawal may be asked for again, by another request.
        let (again, _) = try await run(
            home, [try Paraloom.line("native", timestamp: 1_767_300_000_888)], clock: clock)
        #expect(again.accepted == 1)
        #expect(again.failed == 1)
        try checkLedger(home)
    }

    @Test func fewRoundsAtOnceHoldTheInputUpAndLoseNothing() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        var lines = try (0..<6).map { try Paraloom.falseLine("native", timestamp: 1000 + $0) }
        lines.append(try Paraloom.line("spl"))
        let (summary, _) = try await run(
            home, lines, clock: VirtualClock(Paraloom.start), openRoundsMax: 1)
        #expect(summary.accepted == 7)
        #expect(summary.rejected == 6)
        #expect(summary.approved == 1)
        try checkLedger(home)
    }

    @Test func garbageLinesAreRefusedByNumberAndTheRestGoesOn() async throws {
        let folder = try TemporaryFolder()
        let home = try Paraloom.home(folder)
        let (summary, recorder) = try await run(
            home, ["{", "[]", try Paraloom.line("native"), "\u{0}"],
            clock: VirtualClock(Paraloom.start))
        #expect(summary.refused == 3)
        #expect(summary.approved == 1)
        let numbers = recorder.events.compactMap { event -> Int? in
            if case .refused(let line, _, "malformedJSON", _) = event { line } else { nil }
        }
        #expect(numbers == [1, 2, 4])
    }

    @Test func sampleRequestsEndAsExpected() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let lines = try Samples.lines()
        let (summary, recorder) = try await run(home, lines, clock: VirtualClock(Samples.start))
        #expect(summary.requests == lines.count)
        #expect(summary.openRounds == 0)
        #expect(summary.settled == summary.approved)
        var ends: [Int: (String, String)] = [:]
        for event in recorder.events {
            switch event {
            case .decided(let line?, let result): ends[line] = (result.outcome, result.reason)
            case .refused(let line, _, let reason, _): ends[line] = ("refused", reason)
            case .answered(let line, _, let result?): ends[line] = (result.outcome, result.reason)
            default: break
            }
        }
        for (index, line) in lines.enumerated() {
            let expected = try Samples.expectation(line)
            let end = try #require(ends[index + 1], "line \(index + 1) has no end")
            if expected.outcome == "notApproved" {
                #expect(end.0 != "approved", "line \(index + 1)")
                continue
            }
            #expect(end.0 == expected.outcome, "line \(index + 1): \(end)")
            if let reason = expected.reason { #expect(end.1 == reason, "line \(index + 1)") }
        }
        try checkLedger(home)
    }
}
