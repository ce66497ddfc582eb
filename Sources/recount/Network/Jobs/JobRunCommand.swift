// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Cryptography
import Foundation
import Ledger

/// `recount job run`.
struct JobRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Try a module on this machine, without any ledger.",
        discussion: """
            Runs the module as a validator would, and says how it ended, what it gave, the
            fuel it used and what it logged.

              recount job run words.wasm --input text.txt
              recount job run words.wasm --input text.txt --out words.txt
              echo hello | recount job run reverse.wasm --input - --fuel 1000000 --json

            With --out - standard output is the module's output and nothing else.

            Exit codes: 0 it succeeded; 1 it failed, as it would on every machine; 2 there
            is no result: no engine here, or the clock or the stack's end stopped it.
            """)

    @Argument(help: "The module, in WebAssembly's binary form.", completion: .file())
    var module: String

    @OptionGroup var limits: JobLimitOptions

    @Option(
        help: ArgumentHelp("Real seconds that it may take.", valueName: "seconds"))
    var timeout = SecondCount(milliseconds: 30_000)

    @Option(
        help: ArgumentHelp("Where the output goes; - is standard output.", valueName: "file"),
        completion: .file())
    var out: String?

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Report: Encodable {
        var status: String
        var statusCode: UInt8
        var reason: String?
        var fuel: UInt64
        var output: String?
        var outputBytes: Int?
        var log: [String]
        var logDropped: UInt64
        var detail: String?
        var engine: String
        var engineVersion: String
        var milliseconds: Double
    }

    func validate() throws {
        guard timeout.milliseconds > 0 else {
            throw ValidationError("--timeout must be above zero")
        }
    }

    mutating func run() throws {
        try OutputFile.check(out, force: replacing.force, json: json)
        let bytes = try JobFile.read(module)
        let job = ComputeJob(
            module: bytes, moduleHash: Digest(hashing: bytes),
            input: try limits.input.map(JobFile.read) ?? [], fuel: limits.fuel,
            memoryBytes: limits.memory.bytes, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version)
        let start = ContinuousClock.now
        let outcome = Self.outcome(of: job, within: timeout.milliseconds)
        let took = start.duration(to: .now)
        if outcome.status.kind == .success, let out {
            try OutputFile.write(outcome.output, to: out, force: replacing.force)
        }
        if json {
            try Output.json(Self.report(outcome, took))
        } else if out != "-" {
            show(outcome, took)
        } else if outcome.status.kind != .success {
            Output.error(
                ([JobText.status(outcome.status)] + JobText.lines(of: outcome.detail ?? ""))
                    .joined(separator: ": "))
        }
        switch outcome.status.kind {
        case .success: return
        case .abstained: throw ExitCode(ExitStatus.unusable.rawValue)
        default: throw ExitCode(ExitStatus.wrong.rawValue)
        }
    }

    private static func outcome(of job: ComputeJob, within milliseconds: UInt64) -> JobOutcome {
        let options = JobRunnerOptions(jobsAtOnce: 1, memoryBytes: .max)
        let runner = JobRunner(options: options) {
            do throws(ComputeError) {
                return .success(try ComputeEngine.load())
            } catch {
                return .failure(error)
            }
        }
        defer { runner.stop() }
        return runner.run(job, within: milliseconds)
    }

    private static func report(_ outcome: JobOutcome, _ took: Duration) -> Report {
        let isGood = outcome.status.kind == .success
        return Report(
            status: outcome.status.kind.jsonName, statusCode: outcome.status.code,
            reason: outcome.status.reasonName, fuel: outcome.fuel,
            output: isGood ? outcome.outputHash.hex : nil,
            outputBytes: isGood ? outcome.output.count : nil, log: outcome.log.lines,
            logDropped: outcome.log.dropped, detail: outcome.detail,
            engine: ComputeEngine.name, engineVersion: ComputeEngine.version,
            milliseconds: milliseconds(took))
    }

    private static func milliseconds(_ took: Duration) -> Double {
        (took / .microseconds(1)).rounded() / 1000
    }

    private func show(_ outcome: JobOutcome, _ took: Duration) {
        Output.line(Output.strong(JobText.status(outcome.status)))
        var list = Listing()
        for (place, line) in JobText.lines(of: outcome.detail ?? "").enumerated() {
            list.add(place == 0 ? "detail" : "", line)
        }
        if outcome.status.kind == .success {
            let count = Text.count(UInt64(outcome.output.count), "byte")
            list.add("output", count + (Self.preview(outcome.output).map { ": \($0)" } ?? ""))
            list.add("SHA-256", outcome.outputHash.hex)
            if let out { list.add("file", out) }
        }
        list.add("fuel", "\(Text.grouped(outcome.fuel)) of \(Text.grouped(limits.fuel))")
        list.add(
            "took",
            String(format: "%.0f ms", Self.milliseconds(took))
                + ", the start of the engine and the compilation included")
        list.add("engine", "\(ComputeEngine.name) \(ComputeEngine.version)")
        list.print()
        guard !outcome.log.lines.isEmpty else { return }
        Output.line()
        Output.line(Output.strong("Log"))
        for line in outcome.log.lines { Output.line("  " + line.visible) }
        if outcome.log.dropped > 0 {
            Output.line("  and \(Text.count(outcome.log.dropped, "more line")) that were dropped")
        }
    }

    /// A short output that people can read.
    private static func preview(_ bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty, bytes.count <= 64,
            let text = String(validating: bytes, as: UTF8.self), text.visible == text
        else { return nil }
        return text
    }
}
