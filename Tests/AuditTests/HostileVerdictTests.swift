// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import TestSupport
import Testing

/// Anybody can write a verdict: whatever stands in one, joining ends, and says what is wrong.
struct HostileVerdictTests {
    /// A verdict on all of a small ledger.
    private func honest() throws -> AuditReport {
        var scenario = try LedgerScenario.small()
        for second: UInt64 in 2...4 { try scenario.batch(seconds: second) }
        let folder = try TemporaryFolder()
        return try RangeAuditor.run(
            directory: try folder.write(scenario.entries), AuditRangeRequest(from: 0))
    }

    private func convicted(_ key: String, count: UInt64) throws -> NetworkFinding {
        let text = """
            {"kind":"convicted","role":"validator","name":"a","key":"\(key)","detail":"vote",
            "count":\(count),"first":0,"last":0}
            """
        return try JSONDecoder().decode(NetworkFinding.self, from: Data(text.utf8))
    }

    private func changed(
        _ report: AuditReport, _ change: (inout AuditReport) -> Void
    ) -> PartialVerdict {
        var report = report
        change(&report)
        report.digest = report.contentDigest
        return PartialVerdict(file: "lie", report: report)
    }

    /// A verdict on entries that follow, made up so that it fits.
    private func next(_ report: AuditReport) throws -> AuditReport {
        var next = report
        let range = try #require(report.range)
        let (start, end) = (range.end, 2 * range.end.size)
        let roots = MerkleRange.levels(from: start.size, to: end).map { _ in Digest(hashing: [1]) }
        var frontier = MerkleFrontier()
        for hex in try #require(range.subtrees) {
            let root = Digest(try #require(Bytes32(hex: hex)))
            let rest = start.size - frontier.count
            frontier.append(root, level: UInt64(63 - rest.leadingZeroBitCount))
        }
        let part = try #require(MerkleRange(start: start.size, end: end, roots: roots))
        let isAppended = frontier.append(part)
        #expect(isAppended)
        next.range?.start = start
        next.range?.end.size = end
        next.range?.end.height = start.height + report.counts.batches
        next.range?.end.root = frontier.root.hex
        next.range?.subtrees = roots.map(\.hex)
        next.size = end
        return next
    }

    @Test func `numbers that add up to more than there are end nothing`() throws {
        let report = try honest()
        let pair = [changed(report) { _ in }, changed(try next(report)) { _ in }]
        #expect(AuditCombination(pair).isWhole)
        let finding = try convicted("a", count: .max)
        let changes: [(inout AuditReport) -> Void] = [
            { $0.counts.derived = .max }, { $0.counts.votes = .max },
            { $0.counts.signatures = .max },
            { $0.participation[0].answered = .max }, { $0.participation[0].missed = .max },
            { $0.participation[0].passedOver = .max }, { $0.participation[0].proposed = .max },
            { $0.range?.end.height = .max }, { $0.range?.start.height = .max },
            { $0.network = [finding, finding] },
        ]
        for (number, change) in changes.enumerated() {
            let first = changed(report, change)
            let second = changed(try next(report), change)
            let joined = AuditCombination([first, second]).report
            // What was changed is added twice, or neither is believed.
            #expect(joined.pieces?.joined == (first.flaw == nil ? 2 : 0), "\(number)")
        }
        let most = changed(report) { $0.participation[0].missed = .max }
        #expect(AuditCombination([most]).report.network.contains { $0.kind == .silent })
    }

    @Test(arguments: [-1, -.infinity, .infinity, .nan, 1e300])
    func `a time that is none is a flaw`(_ seconds: Double) throws {
        var report = try honest()
        report.seconds = seconds
        let combination = AuditCombination([PartialVerdict(file: "lie", report: report)])
        #expect(!combination.isWhole)
        #expect(combination.report.pieces?.problems.first?.problem.contains("seconds") == true)
    }

    @Test func `a time of almost nothing is no speed beyond all numbers`() throws {
        var report = try honest()
        report.seconds = .leastNonzeroMagnitude
        let joined = AuditCombination([PartialVerdict(file: "lie", report: report)]).report
        #expect(joined.pieces?.problems == [])
        #expect(UInt64(exactly: joined.entriesPerSecond.rounded()) != nil)
    }

    @Test func `a verdict with much to say is joined in time`() throws {
        let report = try honest()
        let count = 60_000
        let finding = try convicted("", count: 1)
        let long = changed(report) { report in
            report.notes = (0..<count).map { "note \($0)" }
            report.network = (0..<count).map { number in
                var finding = finding
                finding.key = "\(number)"
                return finding
            }
            report.participation += (0..<count).map {
                Participation(validator: UInt16(count - 1 - $0), name: "\($0)", key: "")
            }
        }
        let unopened = changed(report) { report in
            report.range = nil
            report.findings = (0..<count).map {
                Finding(entry: UInt64($0), kind: .damage, expected: "\($0)", found: "")
            }
        }
        let start = ContinuousClock.now
        let joined = AuditCombination([long, unopened]).report
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(joined.notes.count >= count && joined.findings.count == count)
        #expect(joined.participation.count >= count)
        #expect(joined.network.count >= count)
    }

    @Test func `a verdict that overlaps the one before by one entry is named`() throws {
        let report = try honest()
        let early = changed(try next(report)) { report in
            report.range?.start.size -= 1
            report.counts.entries += 1
            let (start, end) = (report.range?.start.size ?? 0, report.range?.end.size ?? 0)
            report.range?.subtrees = MerkleRange.levels(from: start, to: end).map { _ in
                Digest(hashing: [1]).hex
            }
        }
        #expect(early.flaw == nil)
        let first = PartialVerdict(file: "first", report: report)
        let problems = AuditCombination([early, first]).report.pieces?.problems ?? []
        #expect(problems.contains { $0.file == "lie" && $0.problem.contains("overlap") })
    }
}
