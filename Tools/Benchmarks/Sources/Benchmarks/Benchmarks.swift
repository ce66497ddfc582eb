// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measure Recount, beside the alternative where there is one.",
        discussion: """
            Prints median, lowest and highest of several runs of each figure. What a generated \
            ledger does not have for real is said before the figures.
            """)

    @Option(help: "Folder of the third-party test vectors (for the key with 8 public inputs).")
    var vectors = "../../../shared/vectors"

    @Option(help: "A Python with groth16py, for the comparison with arkworks.")
    var python = "python3"

    @Option(help: "Entries of the generated ledger, about.")
    var entries: UInt64 = 300_000

    @Option(help: "Entries of the log that proofs, checks and checkpoints are measured on.")
    var logEntries: UInt64 = 10_000_000

    @Option(help: "Decisions in the state that snapshots are measured on, of two nullifiers each.")
    var decisions: UInt64 = 500_000

    @Option(help: "A certificate made by `recount prove request`, of ten validators.")
    var certificate: String?

    @Option(help: "Requests that ten nodes decide together.")
    var requests = 400

    @Option(help: "Only these parts: proofs, ledger, log, state, replication.")
    var only: [String] = []

    @Option(help: "Runs of each figure.")
    var runs = 5

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    mutating func run() throws {
        guard runs > 0, entries > 0 else {
            throw ValidationError("--runs and --entries must be above zero")
        }
        var all: [Measurement] = []
        func report(_ measurements: [Measurement]) {
            all += measurements
            if !json { measurements.forEach { print($0.line) } }
        }
        note("One core for each figure but where all are named: \(cores) cores.")
        func isWanted(_ part: String) -> Bool { only.isEmpty || only.contains(part) }
        if isWanted("proofs") {
            report(try ProofBenchmark(vectors: vectors, python: python).measure(runs: runs, note))
        }
        if let certificate {
            report(try CertificateBenchmark(path: certificate).measure(runs: runs))
        }
        if isWanted("ledger") {
            report(try LedgerBenchmark(entries: entries).measure(runs: runs, note))
        }
        if isWanted("log") {
            try LogBenchmark(entries: logEntries).measure(runs: runs, note, report)
        }
        if isWanted("state") {
            try StateBenchmark(decisions: decisions).measure(runs: runs, note, report)
        }
        if isWanted("replication") {
            try ReplicationBenchmark(requests: requests).measure(runs: runs, note, report)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(all), as: UTF8.self))
        }
    }

    private var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data("# \(text)\n".utf8))
    }
}
