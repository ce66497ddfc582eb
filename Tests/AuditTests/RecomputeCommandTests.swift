// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

private let isBuilt = FileManager.default.isExecutableFile(atPath: Program.path)

/// What the program says of a ledger with jobs, and how it ends.
@Suite(.enabled(if: Engine.isHere && isBuilt, "no engine: see Tools/setup"))
struct RecomputeCommandTests {
    private let lie = JobLedger.Answer.signs(
        JobStatus(.success), output: Digest(hashing: [UInt8]("a lie".utf8)))

    private struct Run {
        let status: Int32
        let output: String

        func object() throws -> [String: Any] {
            try #require(
                try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }
    }

    private func audit(_ directory: String, _ options: String...) throws -> Run {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["audit", directory] + options
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Run(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }

    @Test func `honest jobs give 0, also strictly`() throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.simple, [.honest, .honest, .honest])
        let folder = try TemporaryFolder()
        let directory = try ledger.write(in: folder)
        let people = try audit(directory, "--recompute", "--strict")
        #expect(people.status == 0)
        #expect(people.output.contains("passed: 1 of 1 job run again, 3 results compared"))
        let plain = try audit(directory)
        #expect(plain.status == 0)
        #expect(plain.output.contains("skipped: 1 job; --recompute runs them again"))
    }

    @Test func `a single liar gives 0 and its name, and 1 strictly`() throws {
        var ledger = try JobLedger()
        let made = try ledger.add(Wasm.simple, [.honest, lie, .honest])
        let folder = try TemporaryFolder()
        let directory = try ledger.write(in: folder)
        #expect(try audit(directory, "--strict").status == 0)
        #expect(try audit(directory, "--recompute", "--quiet").output.isEmpty)
        #expect(try audit(directory, "--recompute", "--strict", "--quiet").status == 1)
        let people = try audit(directory, "--recompute")
        #expect(people.status == 0)
        #expect(people.output.hasPrefix("The ledger is right."))
        #expect(people.output.contains("1 validator signed results that running the job again"))
        #expect(people.output.contains(ledger.key(made.validators[1]).prefix(16)))
        #expect(!people.output.contains(ledger.key(made.validators[0]).prefix(16)))
        let report = try audit(directory, "--recompute", "--json").object()
        let named = try #require(report["result_contradictions"] as? [[String: Any]])
        #expect(named.count == 1)
        let item = try #require(named.first)
        #expect(item["validator"] as? Int == made.validators[1])
        #expect(item["job_id"] as? String == made.id.hex)
        let signed = try #require(item["signed"] as? [String: Any])
        #expect(signed["status"] as? String == "success")
        #expect(signed["output"] as? String == Digest(hashing: [UInt8]("a lie".utf8)).hex)
        let recomputed = try #require(item["recomputed"] as? [String: Any])
        #expect(recomputed["output"] as? String == made.truth.outputHash.hex)
        #expect(recomputed["fuel"] as? UInt64 == made.truth.fuel)
        let checks = try #require(report["checks"] as? [String: String])
        #expect(checks["recomputation"] == "passed")
    }

    @Test func `a pair that won gives 1 and both names`() throws {
        var ledger = try JobLedger()
        let made = try ledger.add(Wasm.simple, [lie, .honest, lie])
        let folder = try TemporaryFolder()
        let directory = try ledger.write(in: folder)
        #expect(try audit(directory).status == 0)
        let people = try audit(directory, "--recompute")
        #expect(people.status == 1)
        #expect(people.output.hasPrefix("The ledger is wrong."))
        #expect(people.output.contains("2 validators signed results"))
        #expect(people.output.contains("agreedFalseResult"))
        #expect(people.output.contains(ledger.key(made.validators[0]).prefix(16)))
        #expect(people.output.contains(ledger.key(made.validators[2]).prefix(16)))
        #expect(!people.output.contains(ledger.key(made.validators[1]).prefix(16)))
    }

    @Test func `what cannot be run again gives 0 and what to do, and 1 strictly`() throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.simple, version: "1", [lie, lie, .silent])
        let folder = try TemporaryFolder()
        let directory = try ledger.write(in: folder)
        let people = try audit(directory, "--recompute")
        #expect(people.status == 0)
        #expect(people.output.contains("1 job could not be run again"))
        #expect(people.output.contains("What to do (otherEngine): audit with the version"))
        #expect(try audit(directory, "--recompute", "--strict").status == 1)
        let report = try audit(directory, "--recompute", "--json").object()
        let told = try #require(report["not_recomputed"] as? [[String: Any]])
        #expect(told.first?["obstacle"] as? String == "otherEngine")
        #expect((report["checks"] as? [String: String])?["recomputation"] == "incomplete")
    }
}
