// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import TestSupport
import Testing

/// What cannot be run again is told, and nobody is named for it.
@Suite(.enabled(if: Engine.isHere, "no engine: see Tools/setup"))
struct UnjudgedJobTests {
    private let lie = JobLedger.Answer.signs(
        JobStatus(.success), output: Digest(hashing: [UInt8]("a lie".utf8)))

    private func path(_ blob: [UInt8], in directory: String) -> String {
        directory + "/blobs/" + Digest(hashing: blob).hex
    }

    private func check(
        _ report: AuditReport, _ made: JobLedger.Made, _ obstacle: JobObstacle, _ words: String
    ) throws {
        #expect(report.resultContradictions == [])
        #expect(report.counts.recomputed == 1)
        let told = try #require(report.notRecomputed.first)
        #expect(report.notRecomputed.count == 1)
        #expect(told.job == made.entry)
        #expect(told.jobID == made.id.hex)
        #expect(told.obstacle == obstacle)
        #expect(told.reason.contains(words), "\(told.reason)")
        #expect(!report.isSpotless)
    }

    @Test(arguments: [Wasm.simple, [9, 9]])
    func `a missing module or input`(_ missing: [UInt8]) throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.unreachable, [.honest, .honest, .honest])
        let made = try ledger.add(Wasm.simple, input: [9, 9], [lie, lie, .honest])
        let report = try ledger.recount { directory in
            try FileManager.default.removeItem(atPath: path(missing, in: directory))
        }
        #expect(report.findings == [])
        #expect(report.checks.recomputation == .incomplete)
        try check(report, made, .payloadMissing, Digest(hashing: missing).hex)
    }

    @Test func `no blobs at all`() throws {
        var ledger = try JobLedger()
        let made = try ledger.add(Wasm.simple, [lie, lie, .honest])
        let report = try ledger.recount { directory in
            try FileManager.default.removeItem(atPath: directory + "/blobs")
        }
        #expect(report.findings == [])
        #expect(report.notRecomputed.map(\.job) == [made.entry])
        #expect(report.notRecomputed.map(\.obstacle) == [.payloadMissing])
    }

    @Test(arguments: [Wasm.simple, [9, 9]])
    func `a damaged module or input, and everything else is still checked`(
        _ damaged: [UInt8]
    ) throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.unreachable, [.honest, .honest, .honest])
        let made = try ledger.add(Wasm.simple, input: [9, 9], [lie, lie, .honest])
        let report = try ledger.recount { directory in
            try Data(damaged.dropLast() + [0xFF]).write(
                to: URL(fileURLWithPath: path(damaged, in: directory)))
        }
        #expect(report.findings.map(\.kind) == [.damage])
        #expect(report.checks.log == .failed)
        #expect(report.checks.derivation == .passed)
        #expect(report.checks.signatures == .passed)
        #expect(report.checks.recomputation == .incomplete)
        try check(report, made, .payloadDamaged, Digest(hashing: damaged).hex)
    }

    @Test func `another version of the engine`() throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.unreachable, [.honest, .honest, .honest])
        let made = try ledger.add(Wasm.simple, version: "49.0.0+1", [lie, lie, .silent])
        #expect(made.truth.status == JobStatus(.otherEngine))
        try check(try ledger.recount(), made, .otherEngine, "49.0.0+1")
    }

    @Test func `a job that ends at the native stack`() throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.unreachable, [.honest, .honest, .honest])
        let made = try ledger.add(Wasm.deep, fuel: 1_000_000_000_000, [lie, lie, .silent])
        #expect(made.truth.status == JobStatus(.stackEnd))
        try check(try ledger.recount(), made, .stackEnd, "stack")
    }

    @Test func `the report does not depend on the number of cores`() throws {
        var ledger = try JobLedger()
        let modules = [Wasm.simple, Wasm.length, Wasm.unreachable, Wasm.endless, Wasm.deep]
        for number in 0..<40 {
            let answers: [JobLedger.Answer] =
                switch number % 4 {
                case 0: [lie, lie, .honest]
                case 1: [.honest, lie, .honest]
                case 2: [.honest, .honest, .silent]
                default: [.silent, lie, .silent]
                }
            let input = [UInt8](repeating: 3, count: number)
            _ = try ledger.add(
                modules[number % modules.count], input: input, fuel: 20_000_000,
                version: number == 17 ? "1" : ComputeEngine.version, answers)
        }
        func report(_ cores: Int) throws -> AuditReport {
            var report = try ledger.recount(cores: cores)
            report.directory = ""
            report.seconds = 0
            report.entriesPerSecond = 0
            return report
        }
        let one = try report(1)
        #expect(one.counts.recomputed > 20)
        #expect(one.notRecomputed.count > 1)
        #expect(one.resultContradictions.count > 20)
        #expect(one.findings.count >= 5)
        let entries = one.resultContradictions.map(\.entry)
        #expect(entries == entries.sorted())
        for _ in 0..<2 {
            #expect(try report(1) == one)
            #expect(try report(2) == one)
            #expect(try report(7) == one)
        }
    }

    @Test func `progress tells how many jobs are left, and ends`() throws {
        var ledger = try JobLedger()
        for number in UInt8(0)..<6 {
            _ = try ledger.add(
                Wasm.endless, input: [number], fuel: 100_000_000, [.honest, .honest, .honest])
        }
        let folder = try TemporaryFolder()
        var heard: [AuditProgress] = []
        let report = try Auditor.run(
            directory: try ledger.write(in: folder),
            options: AuditOptions(recompute: try Engine.loaded.get(), cores: 1)
        ) { progress in heard.append(progress) }
        #expect(report.counts.recomputed == 6)
        let jobs = heard.filter { $0.phase == .jobs }
        #expect(jobs.allSatisfy { $0.done <= $0.total && $0.total <= 6 })
        #expect(jobs.map(\.done) == jobs.map(\.done).sorted())
        #expect(!heard.drop { $0.phase != .jobs }.contains { $0.phase != .jobs })
    }
}
