// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Figures
import Foundation

/// Compiles modules where the engine asks for it, as the node's own program does, or measures.
@main
enum Program {
    static func main() {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[1] == ModuleCompiler.command {
            CompilerService.run(library: arguments[2])
        } else {
            Benchmarks.main()
        }
    }
}

struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measure Recount, beside the alternative where there is one.",
        discussion: """
            Prints median, lowest and highest of several runs of each figure. What a generated \
            ledger does not have for real is said before the figures. Paths count from the \
            repository, where it is to be run.
            """)

    @Option(help: "Folder of the third-party test vectors (for the key with 8 public inputs).")
    var vectors = "../shared/vectors"

    @Option(help: "A Python with groth16py, mclbn256 and wasmtime, for what stands beside.")
    var python = "python3"

    @Option(help: "Entries of a generated ledger, about.")
    var entries: UInt64 = 1_000_000

    @Option(help: "Entries of the log that proofs, checks and checkpoints are measured on.")
    var logEntries: UInt64 = 10_000_000

    @Option(help: "Decisions in the state that snapshots are measured on, of two nullifiers each.")
    var decisions: UInt64 = 500_000

    @Option(help: "A certificate made by `recount prove request`, of ten validators.")
    var certificate: String?

    @Option(help: "Requests that ten nodes decide together.")
    var requests = 400

    @Option(help: "Compute jobs that a node takes to their decision.")
    var jobs = 300

    @Option(help: "Entries of the ledger that is replayed million by million.")
    var scaleEntries: UInt64 = 10_000_000

    @Option(help: "The program whose commands are timed on networks of several sizes.")
    var recount = ".build/release/recount"

    @Option(
        name: .customLong("command-entries"),
        help: "Entries of a network that commands are timed on; may be repeated, rising.")
    var commandEntries: [UInt64] = [100_000, 1_000_000]

    @Option(help: "Only these parts: \(Part.allCases.map(\.rawValue).joined(separator: ", ")).")
    var only: [Part] = []

    @Option(help: "Runs of each figure.")
    var runs = 5

    @Flag(help: "Print JSON instead of a table: the machine, and its figures.")
    var json = false

    @Option(help: "What --json wrote before: say which figures moved beyond noise.")
    var compare: String?

    @Option(help: "Draw the figures beside their alternatives into this file (SVG).")
    var chart: String?

    @Option(help: "Only make a ledger of --entries entries, with real signatures, in this folder.")
    var generate: String?

    @Option(
        help: """
            Only make a local network in this folder, as recount init does, whose validators hold \
            a ledger of --entries entries.
            """)
    var network: String?

    @Option(help: "The configuration of --network.")
    var config = "Tools/samples/recount.toml"

    @Option(help: "The seed of --generate.")
    var seed: UInt64 = 1

    @Option(help: .hidden)
    var replay: String?

    /// What can be measured by itself.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case hashing, proofs, signatures, certificate, append, disk, replay, audit, projections,
            scale
        case log, state, replication, compute, commands
    }

    mutating func run() throws {
        if let replay { return try ScaleBenchmark.replay(replay) }
        if let generate {
            return try LedgerGenerator.make(
                entries: entries, at: generate, signing: true, seed: seed, note)
        }
        if let network {
            return try GeneratedNetwork.make(entries: entries, at: network, config: config, note)
        }
        guard runs > 0, entries > 0 else {
            throw ValidationError("--runs and --entries must be above zero")
        }
        let before = try compare.map(Report.read)
        let machine = Machine()
        note(machine.line)
        note("One core for each figure but where all are named.")
        var all: [Figure] = []
        func report(_ measurements: [Figure]) {
            all += measurements
            if !json { measurements.forEach { print($0.line) } }
        }
        for part in Part.allCases where only.isEmpty || only.contains(part) {
            let (seconds, _) = try timed { try measure(part, report) }
            note("\(part.rawValue) took \(Int(seconds)) s")
        }
        let result = Report(machine: machine, figures: all)
        if json { print(try result.json) }
        if let before { Comparison(before: before, after: result).lines.forEach(note) }
        if let chart {
            try Data(BarPicture(result).svg.utf8).write(to: URL(fileURLWithPath: chart))
        }
    }

    private func measure(_ part: Part, _ report: ([Figure]) -> Void) throws {
        switch part {
        case .hashing: report(HashBenchmark().measure(runs: runs, note))
        case .proofs:
            report(try ProofBenchmark(vectors: vectors, python: python).measure(runs: runs, note))
        case .signatures: report(try SignatureBenchmark().measure(runs: runs, note))
        case .certificate:
            guard let certificate else { return }
            report(try CertificateBenchmark(path: certificate).measure(runs: runs))
        case .append: report(try AppendBenchmark().measure(runs: runs, note))
        case .disk: report(try DiskBenchmark().measure(note))
        case .replay: report(try ReplayBenchmark(entries: entries).measure(runs: runs, note))
        case .audit: report(try AuditBenchmark(entries: entries).measure(runs: runs, note))
        case .projections:
            report(try ProjectionsBenchmark(entries: entries).measure(runs: runs, note))
        case .scale:
            report(try ScaleBenchmark(entries: scaleEntries).measure(runs: runs, note))
        case .log: try LogBenchmark(entries: logEntries).measure(runs: runs, note, report)
        case .state: try StateBenchmark(decisions: decisions).measure(runs: runs, note, report)
        case .replication:
            try ReplicationBenchmark(requests: requests).measure(runs: runs, note, report)
        case .compute:
            try ComputeBenchmark(python: python).measure(runs: runs, note, report)
            report(try JobPathBenchmark(jobs: jobs).measure(runs: runs, note))
        case .commands:
            guard FileManager.default.isExecutableFile(atPath: recount) else {
                return note("no program at \(recount): no command is timed")
            }
            report(
                try CommandsBenchmark(program: recount, config: config, sizes: commandEntries)
                    .measure(runs: runs, note))
        }
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data("# \(text)\n".utf8))
    }
}
