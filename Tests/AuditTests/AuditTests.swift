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
        let scenario = try Scenario.everything()
        let report = try Folder().audit(scenario.builder.entries)
        #expect(report.findings == [])
        #expect(report.checks.log == .passed)
        #expect(report.checks.derivation == .passed)
        #expect(report.checks.signatures == .passed)
        #expect(report.checks.proofs == .passed)
        #expect(report.counts.entries == UInt64(scenario.builder.entries.count))
        #expect(report.counts.proofs == 4)
        #expect(report.counts.requests == 4)
        #expect(report.counts.approved == 2)
        #expect(report.counts.rejected == 1)
        #expect(report.counts.timedOut == 1)
        #expect(report.counts.refused == 1)
        #expect(report.notes.contains { $0.contains("No quorum shown") })
        let lies = report.contradictions.map { Int($0.validator) }
        #expect(lies == scenario.liesOnFalse + scenario.liesOnTrue)
        for item in report.contradictions {
            #expect(item.key == scenario.builder.validators[Int(item.validator)].publicKey.hex)
            #expect(item.proofHolds == (item.vote == "reject"))
        }
    }

    @Test func `every kind of event occurs in the scenario`() throws {
        let kinds = Set(try Scenario.everything().builder.events.map(\.kind))
        #expect(kinds == Set(EventType.allCases.map(\.jsonName)))
    }

    @Test func `a forged signature is found at its entry`() throws {
        var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
        var entry = 0
        try builder.batch(seconds: 1) { builder in
            let id = try builder.submit(try Paraloom.request("native", by: builder))
            var vote = builder.vote(id, 3, .approve)
            vote.signature = builder.vote(id, 4, .approve).signature
            entry = builder.entries.count
            try builder.take(.vote(vote))
        }
        let report = try Folder().audit(builder.entries)
        #expect(report.findings.map(\.kind) == [.signature])
        #expect(report.findings.map(\.entry) == [UInt64(entry)])
        #expect(
            try #require(report.findings.first).expected.contains(
                builder.validators[3].publicKey.hex.prefix(16)))
        #expect(report.checks.signatures == .failed)
        #expect(report.checks.derivation == .passed)
        let unchecked = try Folder().audit(
            builder.entries, AuditOptions(checkSignatures: false))
        #expect(unchecked.findings == [])
        #expect(unchecked.checks.signatures == .skipped)
    }

    @Test func `an approved false proof is a finding`() throws {
        var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
        try builder.batch(seconds: 1) { builder in
            let lie = try Paraloom.request("native", proofOf: "spl", by: builder)
            try builder.vote(try builder.submit(lie), approve: 0..<7)
        }
        let report = try Folder().audit(builder.entries)
        #expect(report.findings.map(\.kind) == [.approvedFalseProof])
        let events = try builder.events
        #expect(events[Int(try #require(report.findings.first).entry)].kind == "outcomeDecided")
        #expect(report.contradictions.count == 7)
        let unverified = try Folder().audit(builder.entries, AuditOptions(verifyProofs: false))
        #expect(unverified.findings == [])
        #expect(unverified.checks.proofs == .skipped)
    }

    @Test func `a true proof rejected by more than may fail is a finding`() throws {
        func report(rejections: Int, abstentions: Int) throws -> AuditReport {
            var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
            try builder.batch(seconds: 1) { builder in
                let id = try builder.submit(try Paraloom.request("native", by: builder))
                try builder.vote(id, reject: 0..<rejections)
                for validator in rejections..<rejections + abstentions {
                    try builder.take(.vote(builder.vote(id, validator, .abstain)))
                }
            }
            try builder.batch(seconds: 40)
            return try Folder().audit(builder.entries)
        }
        let few = try report(rejections: 3, abstentions: 1)
        #expect(few.findings == [])
        #expect(few.contradictions.count == 3)
        let many = try report(rejections: 4, abstentions: 0)
        #expect(many.findings.map(\.kind) == [.rejectedTrueProof])
    }

    @Test(arguments: StateComponent.allCases)
    func `a changed component root names the component`(_ component: StateComponent) throws {
        let builder = try Scenario.small()
        var events = try builder.events
        guard case .batchSealed(var sealed)? = events.last else {
            Issue.record("the last entry seals no batch")
            return
        }
        sealed.components[Int(component.rawValue)] = Digest(hashing: [9])
        events[events.count - 1] = .batchSealed(sealed)
        let report = try Folder().audit(events.map(\.encoded))
        #expect(report.findings.map(\.kind) == [.componentRoot])
        #expect(try #require(report.findings.first).entry == UInt64(events.count - 1))
        #expect(try #require(report.findings.first).found.hasPrefix("root of \(component.label) "))
    }

    @Test func `a replay gives the live state at every entry`() throws {
        var live: [[Digest]] = []
        let scenario = try Scenario.everything { live.append($0.componentRoots()) }
        let directory = try Folder()
        let path = try directory.write(scenario.builder.entries)
        let log = try LedgerDirectory.open(path)
        #expect(live.count == scenario.builder.entries.count)
        var replayed: [[Digest]] = []
        _ = try Replay.state(of: log) { _, state in replayed.append(state.componentRoots()) }
        #expect(replayed == live)
        for entry in stride(from: 0, to: live.count, by: 7) {
            let state = try Replay.state(of: log, at: .entry(UInt64(entry)))
            #expect(state.componentRoots() == live[entry])
        }
        let second = LedgerBuilder.start.adding(milliseconds: 2_999)
        #expect(try Replay.state(of: log, at: .time(second)).height == Height(2))
        #expect(throws: ReplayError.self) {
            try Replay.state(of: log, at: .entry(UInt64(live.count)))
        }
        #expect(throws: ReplayError.self) { try Replay.state(of: log, at: .time(Time(0))) }
    }

    @Test func `the history of a request holds votes, decision and what followed`() throws {
        let scenario = try Scenario.everything()
        let directory = try Folder()
        let log = try LedgerDirectory.open(try directory.write(scenario.builder.entries))
        let events = try scenario.builder.events
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
