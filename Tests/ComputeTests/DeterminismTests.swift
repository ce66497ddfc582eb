// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Foundation
import Ledger
import Synchronization
import TestSupport
import Testing

/// A job with the result that it has on every machine.
struct SettledJob: Sendable, CustomTestStringConvertible {
    let name: String
    let module: [UInt8]
    let input: [UInt8]
    let fuel: UInt64
    let result: String

    var testDescription: String { name }

    var job: ComputeJob { Engine.job(module, input: input, fuel: fuel, memoryBytes: 32 << 20) }

    /// Status, fuel and output of an outcome on a line.
    static func text(_ outcome: JobOutcome) -> String {
        "\(outcome.status.kind.jsonName) \(outcome.status.code) \(outcome.fuel)"
            + " \(outcome.outputHash.hex.prefix(16))"
    }

    private static func sample(
        _ name: String, _ input: [UInt8], fuel: UInt64 = 100_000_000, _ result: String
    ) -> SettledJob {
        let path = Vectors.repository.path + "/Tools/samples/modules/\(name).wasm"
        let module = FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
        return SettledJob(
            name: name, module: module, input: input, fuel: fuel, result: result)
    }

    private static func hostile(
        _ name: String, _ module: [UInt8], fuel: UInt64 = 1_000_000, _ result: String
    ) -> SettledJob {
        SettledJob(name: name, module: module, input: [1, 2, 3], fuel: fuel, result: result)
    }

    private static let bytes = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    static let all: [SettledJob] = [
        sample("reverse", bytes, "success 0 60109 7686f02ee3688fc0"),
        sample("checksum", bytes, "success 0 683403 0903ef36e1b960ad"),
        sample("primes", Array("20000".utf8), "success 0 2302271 891b18b759447efa"),
        sample(
            "primes", Array("200000".utf8), fuel: 1_000_000,
            "fuelExhausted 0 1000000 0000000000000000"),
        sample(
            "words", Array("any vote can be recounted\n".utf8), "success 0 1472 4ec93741d9a738f5"),
        sample("version1", Array("small letters".utf8), "success 0 295 390cadbcb6693186"),
        hostile(
            "endless loop", HostileModules.endlessLoop(), "fuelExhausted 0 1000000 0000000000000000"
        ),
        hostile("trapping start", HostileModules.trappingStart(), "trap 9 3 0000000000000000"),
        hostile(
            "memory.grow loop", HostileModules.memoryGrowLoop(), "success 0 6659 bc3817c13bc4e6f1"),
        hostile(
            "recursion", HostileModules.recursion(depth: 1000), "success 0 11014 79ff7fbc96a0a611"),
        hostile("not numbers", HostileModules.notNumbers(), "success 0 201 d43fc0a1407dea09"),
        hostile("vectors", HostileModules.vectors(), "success 0 45 6399f6d863b08f46"),
        hostile("clock", HostileModules.importingClock(), "invalidModule 4 0 0000000000000000"),
        hostile(
            "initial memory", HostileModules.initialMemory(pages: 513),
            "memoryLimit 0 0 0000000000000000"),
    ]
}

/// The same jobs in many surroundings. The results stand here, so that builds of every kind and
/// every machine are compared with them.
@Suite("equal jobs have equal results", .enabled(if: Engine.isHere), .serialized)
struct DeterminismTests {
    private static let jobs = SettledJob.all

    @Test("on one thread")
    func oneThread() {
        let runner = Engine.runner(jobsAtOnce: 1)
        defer { runner.stop() }
        for job in Self.jobs {
            let outcome = runner.run(job.job, within: 30_000)
            #expect(SettledJob.text(outcome) == job.result, "\(job.name): \(outcome.detail ?? "")")
        }
    }

    /// Runs each job `times` times at once on `threads` threads; returns what differs.
    private func differing(threads: Int, times: Int) -> [String] {
        let runner = Engine.runner(jobsAtOnce: threads, memoryBytes: 4 << 30)
        let differing = Mutex<[String]>([])
        let group = DispatchGroup()
        for _ in 0..<times {
            for job in Self.jobs {
                group.enter()
                runner.submit(job.job, within: 120_000) { outcome in
                    let text = SettledJob.text(outcome)
                    if text != job.result {
                        differing.withLock { $0.append("\(job.name): \(text)") }
                    }
                    group.leave()
                }
            }
        }
        group.wait()
        runner.stop()
        return differing.withLock { $0 }
    }

    @Test("on many threads at once")
    func manyThreads() {
        #expect(differing(threads: 8, times: 8).isEmpty)
    }

    @Test("while every core has other work")
    func underLoad() {
        let isOver = Mutex(false)
        let group = DispatchGroup()
        for _ in 0..<(2 * ProcessInfo.processInfo.activeProcessorCount) {
            group.enter()
            Thread.detachNewThread {
                var digest = Digest.zero
                while !isOver.withLock({ $0 }) { digest = Digest(hashing: digest.bytes) }
                group.leave()
            }
        }
        #expect(differing(threads: 4, times: 4).isEmpty)
        isOver.withLock { $0 = true }
        group.wait()
    }

    @Test("in several processes")
    func processes() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-jobs-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder) } catch { print("\(error)") }
        }
        for job in Self.jobs {
            let module = folder.appendingPathComponent("module.wasm")
            let input = folder.appendingPathComponent("input")
            try Data(job.module).write(to: module)
            try Data(job.input).write(to: input)
            let runs = try (0..<2).map { _ in
                try start([
                    "job", "run", module.path, "--input", input.path, "--fuel", "\(job.fuel)",
                    "--memory", "32MiB", "--json",
                ])
            }
            for (process, output) in runs {
                let data = output.readDataToEndOfFile()
                process.waitUntilExit()
                let result = try JSONDecoder().decode(Report.self, from: data)
                let text =
                    "\(result.status) \(result.status_code) \(result.fuel)"
                    + " \((result.output ?? Digest.zero.hex).prefix(16))"
                #expect(text == job.result, "\(job.name)")
            }
        }
    }

    #if os(Linux)
        @Test("and where the system has no memory for a job, there is no result")
        func noMemory() throws {
            let path = NSTemporaryDirectory() + "recount-\(UUID().uuidString).wasm"
            try Data(HostileModules.memoryGrowLoop()).write(to: URL(fileURLWithPath: path))
            defer {
                do { try FileManager.default.removeItem(atPath: path) } catch { print("\(error)") }
            }
            for limit in ["200000", "unlimited"] {
                let (process, output) = try start(
                    [
                        "-c", "ulimit -d \(limit); exec \"$0\" \"$@\"", Program.path, "job", "run",
                        path, "--memory", "512MiB", "--json",
                    ], of: "/bin/sh")
                let data = output.readDataToEndOfFile()
                process.waitUntilExit()
                let result = try JSONDecoder().decode(Report.self, from: data)
                #expect(result.status == (limit == "unlimited" ? "success" : "abstained"))
            }
        }
    #endif

    private struct Report: Decodable {
        let status: String
        let status_code: UInt8
        let fuel: UInt64
        let output: String?
    }

    private func start(
        _ arguments: [String], of program: String = Program.path
    ) throws -> (Process, FileHandle) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        return (process, pipe.fileHandleForReading)
    }
}
