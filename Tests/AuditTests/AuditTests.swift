// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import TestSupport
import Testing

private let skip: Comment = "no file at \(Vectors.folder.path)/\(Paraloom.folder)"

@Suite(.enabled(if: Paraloom.isThere, skip))
struct AuditTests {
    @Test func `a right ledger has no finding, and its liars are named`() throws {
        let scenario = try LedgerScenario.everything()
        let report = try TemporaryFolder().audit(scenario.entries)
        #expect(report.findings == [])
        #expect(report.checks.log == .passed)
        #expect(report.checks.derivation == .passed)
        #expect(report.checks.signatures == .passed)
        #expect(report.checks.proofs == .passed)
        #expect(report.counts.entries == UInt64(scenario.log.count))
        #expect(report.counts.proofs == 4)
        #expect(report.counts.requests == 4)
        #expect(report.counts.approved == 2)
        #expect(report.counts.rejected == 1)
        #expect(report.counts.timedOut == 1)
        #expect(report.counts.refused == 1)
        #expect(report.notes.contains { $0.contains("No quorum shown") })
        let lies = report.contradictions.map { Int($0.validator) }
        // Of the false proof, and of the true one.
        #expect(lies == [8, 9] + [9])
        for item in report.contradictions {
            #expect(item.key == scenario.keys[Int(item.validator)].publicKey.hex)
            #expect(item.proofHolds == (item.vote == "reject"))
        }
    }

    @Test func `every kind of event occurs in the scenario`() throws {
        let kinds = Set(try LedgerScenario.everything().log.map(\.kind))
        #expect(kinds == Set(EventType.allCases.map(\.jsonName)))
    }

    @Test func `a forged signature is found at its entry`() throws {
        var scenario = try LedgerScenario(.paraloom("native"))
        var entry = 0
        try scenario.batch(seconds: 1) { scenario in
            let id = try scenario.submit(try Paraloom.request("native"))
            var vote = scenario.vote(3, .approve, on: id)
            vote.signature = scenario.vote(4, .approve, on: id).signature
            entry = scenario.log.count
            try scenario.take(.message(Checked(unchecked: .vote(vote))))
        }
        let report = try TemporaryFolder().audit(scenario.entries)
        #expect(report.findings.map(\.kind) == [.signature])
        #expect(report.findings.map(\.entry) == [UInt64(entry)])
        #expect(
            try #require(report.findings.first).expected.contains(
                scenario.keys[3].publicKey.hex.prefix(16)))
        #expect(report.checks.signatures == .failed)
        #expect(report.checks.derivation == .passed)
        let unchecked = try TemporaryFolder().audit(
            scenario.entries, AuditOptions(checkSignatures: false))
        #expect(unchecked.findings == [])
        #expect(unchecked.checks.signatures == .skipped)
    }

    @Test func `an approved false proof is a finding`() throws {
        var scenario = try LedgerScenario(.paraloom("native"))
        try scenario.batch(seconds: 1) { scenario in
            let lie = try Paraloom.request("native", proofOf: "spl")
            try scenario.approve(0..<7, try scenario.submit(lie))
        }
        let report = try TemporaryFolder().audit(scenario.entries)
        #expect(report.findings.map(\.kind) == [.approvedFalseProof])
        let finding = try #require(report.findings.first)
        #expect(scenario.log[Int(finding.entry)].kind == "outcomeDecided")
        #expect(report.contradictions.count == 7)
        let unverified = try TemporaryFolder().audit(
            scenario.entries, AuditOptions(verifyProofs: false))
        #expect(unverified.findings == [])
        #expect(unverified.checks.proofs == .skipped)
    }

    @Test func `a true proof rejected by more than may fail is a finding`() throws {
        func report(rejections: Int, abstentions: Int) throws -> AuditReport {
            var scenario = try LedgerScenario(.paraloom("native"))
            try scenario.batch(seconds: 1) { scenario in
                let id = try scenario.submit(try Paraloom.request("native"))
                try scenario.reject(0..<rejections, id)
                for validator in rejections..<rejections + abstentions {
                    try scenario.cast(validator, .abstain, on: id)
                }
            }
            try scenario.batch(seconds: 40)
            return try TemporaryFolder().audit(scenario.entries)
        }
        let few = try report(rejections: 3, abstentions: 1)
        #expect(few.findings == [])
        #expect(few.contradictions.count == 3)
        let many = try report(rejections: 4, abstentions: 0)
        #expect(many.findings.map(\.kind) == [.rejectedTrueProof])
    }

    @Test(arguments: StateComponent.allCases)
    func `a changed component root names the component`(_ component: StateComponent) throws {
        let scenario = try LedgerScenario.small()
        var events = scenario.log
        guard case .batchSealed(var sealed)? = events.last else {
            Issue.record("the last entry seals no batch")
            return
        }
        sealed.components[Int(component.rawValue)] = Digest(hashing: [9])
        events[events.count - 1] = .batchSealed(sealed)
        let report = try TemporaryFolder().audit(events.map(\.encoded))
        #expect(report.findings.map(\.kind) == [.componentRoot])
        #expect(try #require(report.findings.first).entry == UInt64(events.count - 1))
        #expect(try #require(report.findings.first).found.hasPrefix("root of \(component.label) "))
    }

    @Test func `a replay gives the live state at every entry`() throws {
        let scenario = try LedgerScenario.everything(keepsStates: true)
        let live = scenario.states.map { $0.componentRoots() }
        let directory = try TemporaryFolder()
        let path = try directory.write(scenario.entries)
        let log = try LedgerDirectory.open(path)
        #expect(live.count == scenario.log.count)
        var replayed: [[Digest]] = []
        _ = try Replay.state(of: log) { _, state in replayed.append(state.componentRoots()) }
        #expect(replayed == live)
        for entry in stride(from: 0, to: live.count, by: 7) {
            let state = try Replay.state(of: log, at: .entry(UInt64(entry)))
            #expect(state.componentRoots() == live[entry])
        }
        let second = scenario.start.adding(milliseconds: 2_999)
        #expect(try Replay.state(of: log, at: .time(second)).height == Height(2))
        #expect(throws: ReplayError.self) {
            try Replay.state(of: log, at: .entry(UInt64(live.count)))
        }
        #expect(throws: ReplayError.self) { try Replay.state(of: log, at: .time(Time(0))) }
    }

    @Test func `the history of a request holds votes, decision and what followed`() throws {
        let scenario = try LedgerScenario.everything()
        let directory = try TemporaryFolder()
        let log = try LedgerDirectory.open(try directory.write(scenario.entries))
        let events = scenario.log
        let requests = events.indices.filter { events[$0].kind == "requestSubmitted" }
        for entry in requests {
            let history = try RequestHistory.find(.entry(UInt64(entry)), in: log)
            #expect(history.entry == UInt64(entry))
            let prefix = String(history.round.id.hex.prefix(12))
            let same = try RequestHistory.find(.prefix(prefix), in: log)
            #expect(same.entry == history.entry)
            #expect(history.decision?.event.request.rawValue == UInt64(entry))
        }
        let native = try RequestHistory.find(.entry(UInt64(requests[1])), in: log)
        #expect(native.votes.count == 8)
        let kinds = Set(native.events.map(\.event.kind))
        #expect(kinds.isSuperset(of: ["settlementOrdered", "settlementReported", "roundClosed"]))
        #expect(throws: HistoryError.self) {
            try RequestHistory.find(.prefix(String(repeating: "0", count: 64)), in: log)
        }
        #expect(throws: HistoryError.self) { try RequestHistory.find(.prefix(""), in: log) }
    }
}
