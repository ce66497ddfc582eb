// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Figures
import Foundation
import Ledger

/// Jobs on one validator: how soon they start, what metering costs, and a module that computes
/// beside wasmtime from Python.
struct ComputeBenchmark {
    /// A Python with wasmtime 50.0.1.
    let python: String

    func measure(
        runs: Int, _ note: (String) -> Void, _ report: ([Figure]) -> Void
    ) throws {
        let (seconds, loaded) = timed { ComputeParts.loaded }
        guard case .success(let engine) = loaded else {
            if case .failure(let error) = loaded { note("no compute jobs: \(error)") }
            return
        }
        note(
            "The engine was found, checked and started in \(Int(seconds * 1000)) ms, once for a"
                + " process.")
        let runner = JobRunner(options: JobRunnerOptions(jobsAtOnce: 1)) { .success(engine) }
        defer { runner.stop() }
        report(try cached(runner, runs: runs))
        report(try compiled(runner, runs: runs))
        for computation in Self.computations {
            report(try computing(runner, computation, runs: runs, note))
        }
    }

    /// A module that does nothing with an empty input, compiled before: all of it is the start.
    private func cached(_ runner: JobRunner, runs: Int) throws -> [Figure] {
        let job = ComputeParts.job(try ComputeParts.module("reverse"), input: [])
        for _ in 0..<10 { _ = try milliseconds(runner, job) }
        var medians: [Double] = []
        var tails: [Double] = []
        for _ in 0..<runs {
            let sorted = try (0..<1000).map { _ in try milliseconds(runner, job) }.sorted()
            medians.append(sorted[500])
            tails.append(sorted[990])
        }
        return [
            Figure(
                "job that does nothing, module compiled before: median", unit: "ms",
                values: medians, note: "store, instance, two calls, two threads' turns"),
            Figure("  99 of 100", unit: "ms", values: tails),
        ]
    }

    /// The same with a module that was never seen, which a process of its own compiles.
    private func compiled(_ runner: JobRunner, runs: Int) throws -> [Figure] {
        let module = try ComputeParts.module("reverse")
        var medians: [Double] = []
        var tails: [Double] = []
        for run in 0..<runs {
            let sorted = try (0..<40).map { number in
                // A section that means nothing makes it another module.
                let other = module + [0x00, 0x04, 0x01, 0x78, UInt8(run & 0xFF), UInt8(number)]
                return try milliseconds(runner, ComputeParts.job(other, input: []))
            }.sorted()
            medians.append(sorted[20])
            tails.append(sorted[39])
        }
        return [
            Figure(
                "  its module never seen: median", unit: "ms", values: medians,
                note: "\(module.count) bytes; a process starts, loads the engine and compiles"),
            Figure("  slowest of 40", unit: "ms", values: tails),
        ]
    }

    /// A module that computes, here and by wasmtime from Python with and without the meter.
    private struct Computation {
        let name: String
        let module: String
        let input: [UInt8]
        /// Writes the input.
        let command: String
    }

    private static let computations = [
        Computation(
            name: "primes below 400,000 by trial division", module: "primes",
            input: Array("400000".utf8), command: "printf 400000"),
        Computation(
            name: "SHA-256 of 8 MB", module: "checksum",
            input: Array(repeating: 0, count: 8_000_000), command: "head -c 8000000 /dev/zero"),
    ]

    private func computing(
        _ runner: JobRunner, _ computation: Computation, runs: Int, _ note: (String) -> Void
    ) throws -> [Figure] {
        let job = ComputeParts.job(
            try ComputeParts.module(computation.module), input: computation.input)
        let fuel = runner.run(job, within: 60_000).fuel
        var ours: [Double] = []
        var theirs: [[Double]] = [[], [], []]
        var overheads: [Double] = []
        for _ in 0..<runs {
            let start = Self.processorMilliseconds
            _ = try milliseconds(runner, job)
            ours.append(Self.processorMilliseconds - start)
            guard let row = try withPython(computation) else { continue }
            for place in 0..<3 { theirs[place].append(row[place]) }
            overheads.append((row[0] / row[1] - 1) * 100)
        }
        let result = [
            Figure(
                computation.name, unit: "ms", values: ours,
                note: "of the processor; \(fuel) units of fuel")
        ]
        guard !overheads.isEmpty else {
            note("wasmtime from Python did not answer: python3 -m venv .venv && .venv/bin/pip")
            note("install wasmtime==50.0.1, then --python .venv/bin/python")
            return result
        }
        return result + [
            Figure(
                "  beside: wasmtime 50.0.1 from Python, our settings", unit: "ms",
                values: theirs[0]),
            Figure("  the same without fuel", unit: "ms", values: theirs[1]),
            Figure(
                "  the same as wasmtime comes", unit: "ms", values: theirs[2],
                note: "no fuel, no clock, no canonical NaNs"),
            Figure(
                "  what fuel costs: with over without", unit: "%", values: overheads,
                note: "more time, by turns in one process"),
        ]
    }

    /// Milliseconds by Python with fuel, without, and as wasmtime comes: the least of five turns.
    private func withPython(_ computation: Computation) throws -> [Double]? {
        let folder = try ComputeParts.repository.get()
        let words = [
            python, folder + "/Tools/Benchmarks/compute.py",
            folder + "/Tools/samples/modules/\(computation.module).wasm", "5",
        ]
        let line = words.map { "'\($0)'" }.joined(separator: " ")
        guard let text = Shell.output("\(computation.command) | \(line)") else { return nil }
        let rows = text.split(separator: "\n").map {
            $0.split(separator: " ").compactMap { Double($0) }
        }
        guard rows.count == 5, rows.allSatisfy({ $0.count == 3 }) else { return nil }
        return (0..<3).compactMap { place in rows.map { $0[place] }.min() }
    }

    /// Processor time of this process until now.
    private static var processorMilliseconds: Double {
        Double(clock()) / Double(CLOCKS_PER_SEC) * 1000
    }

    /// Milliseconds from giving a job to having its outcome; it has to succeed.
    private func milliseconds(_ runner: JobRunner, _ job: ComputeJob) throws -> Double {
        let (seconds, outcome) = timed { runner.run(job, within: 60_000) }
        guard outcome.status == JobStatus(.success) else {
            fatalError("the benchmark's own job ended otherwise: \(outcome)")
        }
        return seconds * 1000
    }
}

/// What the measurements of jobs share.
enum ComputeParts {
    /// Why they cannot be had.
    struct NotInRepository: Error, CustomStringConvertible {
        var description: String { "the program does not stand in a folder of the repository" }
    }

    /// The folder of the repository, which the program was built in.
    static let repository: Result<String, NotInRepository> = {
        var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let modules = folder.appendingPathComponent("Tools/samples/modules").path
            if FileManager.default.fileExists(atPath: modules) { return .success(folder.path) }
        }
        return .failure(NotInRepository())
    }()

    private static let executable = Bundle.main.executablePath ?? CommandLine.arguments[0]

    /// The engine, from where `Tools/setup` puts it unless `RECOUNT_WASMTIME` names another; this
    /// program compiles for it.
    static let loaded: Result<ComputeEngine, ComputeError> = {
        if let folder = try? repository.get() {
            for name in ["libwasmtime.so", "libwasmtime.dylib"] {
                let path = "\(folder)/.build/wasmtime/\(name)"
                // Named through the environment, so that it is checked as in a node.
                if FileManager.default.fileExists(atPath: path) {
                    // SAFETY: the strings live for the call, and no thread is started yet.
                    unsafe setenv("RECOUNT_WASMTIME", path, 0)
                }
            }
        }
        return Result { () throws(ComputeError) in
            try ComputeEngine.load(compiler: ModuleCompiler(executable: executable))
        }
    }()

    /// A sample module.
    static func module(_ name: String) throws -> [UInt8] {
        let folder = try repository.get()
        let path = "\(folder)/Tools/samples/modules/\(name).wasm"
        return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// A job with as much fuel as it takes.
    static func job(_ module: [UInt8], input: [UInt8]) -> ComputeJob {
        ComputeJob(
            module: module, moduleHash: Digest(hashing: module), input: input, fuel: 1 << 40,
            memoryBytes: EngineLimits.memoryBytesDefault, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version)
    }
}
