// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Forensics
import Foundation
import Hosting
import Ledger

/// `recount culprits`.
struct CulpritsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "culprits",
        abstract: "Name everyone proved to have contradicted itself or the mathematics.",
        discussion: """
            Three classes. Proved: a file of evidence each, that convicts by itself,
            without a ledger; --out writes them, and recount evidence verify judges them.
            Must answer: somebody claimed to hold what nobody has shown; nothing is proved,
            and recount answer clears it from the journal of the accused. Unprovable:
            something is wrong and convicts nobody, with the reason.

              recount culprits home-1 home-2 --journal home-1 --journal home-2 --out proofs
              recount culprits net --journal net --json
              recount culprits home --checkpoint old.checkpoint --recompute
              recount culprits home --case net/validator-3

            What is found: two votes, results, proposals, prevotes or precommits of one
            party that contradict each other; locks that were forgotten; votes against a
            proof; results that running the job again refutes; T precommits under a batch
            that the rules refute; proposals out of turn; checkpoints that a ledger
            contradicts. At the end it says which input is lacking for which of these.

            No journal is believed: nobody is proved by anything but its own signatures.

            Exit codes: 0 nothing found; 1 something found; 2 that could not be judged: an
            input cannot be read, or is of another ledger.
            """)

    @Argument(
        help: "Ledgers, homes, or local networks, which stand for all their validators'.",
        completion: .directory)
    var ledgers: [String]

    @Option(
        help: ArgumentHelp(
            "A journal, a home, or a local network; may be repeated.", valueName: "folder"),
        completion: .directory)
    var journal: [String] = []

    @Option(
        help: ArgumentHelp(
            "A certificate of a decision, or a file of precommits; may be repeated.",
            valueName: "file"), completion: .file())
    var certificate: [String] = []

    @Option(
        help: ArgumentHelp(
            "A signed checkpoint, or a folder of them; may be repeated.", valueName: "file"),
        completion: .file())
    var checkpoint: [String] = []

    @Option(
        name: .customLong("case"),
        help: ArgumentHelp(
            "The file of a case, or a home, for its cases; may be repeated.", valueName: "file"),
        completion: .file())
    var cases: [String] = []

    @Option(
        help: ArgumentHelp("Write the files of evidence into this folder.", valueName: "folder"),
        completion: .directory)
    var out: String?

    @Flag(help: "Do not derive the ledgers again: compare signatures alone.")
    var noRecount = false

    @Flag(help: "Run every decided compute job again too.")
    var recompute = false

    @Option(help: ArgumentHelp("Compare journals from this height on.", valueName: "height"))
    var from: UInt64 = 0

    @Option(help: ArgumentHelp("Compare journals up to this height.", valueName: "height"))
    var to: UInt64 = .max

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func validate() throws {
        guard from <= to else { throw ValidationError("--from is above --to: \(from), \(to)") }
        if noRecount, recompute {
            throw ValidationError("--recompute is a part of what --no-recount leaves out")
        }
    }

    mutating func run() throws {
        let inputs = try inputs()
        if let out { try Self.makeFolder(out) }
        let report: CulpritReport
        do throws(CulpritError) { report = try CulpritSearch.run(inputs) } catch {
            throw Failure("\(error)")
        }
        if let out {
            for (name, file) in zip(report.files, report.evidence) {
                try OutputFile.write(file.bytes, to: "\(out)/\(name)", force: false)
            }
        }
        if json { try Output.json(report) } else { CulpritText(report: report, out: out).print() }
        Output.flush()
        if report.isFound { throw ExitCode(ExitStatus.wrong.rawValue) }
        if !report.unread.isEmpty { throw ExitCode(ExitStatus.unusable.rawValue) }
    }

    private func inputs() throws(Failure) -> CulpritInputs {
        var inputs = CulpritInputs(ledgers: ledgers.flatMap { Place.copies($0) })
        inputs.journals = journal.flatMap { Place.copies($0) }
        for places in [inputs.ledgers, inputs.journals]
        where places.count > CulpritInputs.placesMax {
            throw Failure(
                "culprits takes \(CulpritInputs.placesMax) ledgers and as many journals at most;"
                    + " name fewer")
        }
        inputs.certificates = try files(certificate, bytesMax: 64 << 20)
        inputs.checkpoints = try files(checkpoint, bytesMax: 1 << 20)
        inputs.cases = try caseFiles()
        inputs.recounts = !noRecount
        inputs.engine = recompute ? try AuditCommand.engine() : nil
        inputs.heights = from...to
        return inputs
    }

    private func caseFiles() throws(Failure) -> [CulpritInputs.File] {
        var places: [CasePlace] = []
        for argument in cases { places += try CasePlace.all(argument) }
        guard places.count <= CulpritInputs.placesMax else {
            throw Failure("culprits takes \(CulpritInputs.placesMax) cases at most; name fewer")
        }
        var files: [CulpritInputs.File] = []
        for place in places {
            files.append(
                (try InputFile.read(place.path, bytesMax: CaseFile.bytesMax), place.path))
        }
        return files
    }

    /// Reads files, and those in folders.
    private func files(
        _ paths: [String], bytesMax: Int
    ) throws(Failure) -> [CulpritInputs.File] {
        var found: [String] = []
        for path in paths { found += InputFile.expanded(path) }
        guard found.count <= CulpritInputs.filesMax else {
            throw Failure("culprits takes \(CulpritInputs.filesMax) files at most; name fewer")
        }
        var files: [CulpritInputs.File] = []
        for path in found {
            files.append((try InputFile.read(path, bytesMax: bytesMax), path))
        }
        return files
    }

    private static func makeFolder(_ path: String) throws(Failure) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else {
                throw Failure("--out \(path) is not empty: name a new folder")
            }
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure("--out \(path) cannot be made: \(ErrorWords.of(error))")
        }
    }
}

/// A report as people read it.
private struct CulpritText {
    private static let shown = 50
    private static var columns: Int { min(Output.columns, 100) - 4 }

    let report: CulpritReport
    let out: String?

    func print() {
        if !report.isFound, report.unread.isEmpty {
            Output.line(Output.strong("Nothing is found against anybody."))
        }
        print("Proved", report.proved)
        if let out, !report.files.isEmpty {
            Output.line()
            let files = Text.count(
                UInt64(report.files.count), "file of evidence", "files of evidence")
            Output.line("  \(files) in \(out):".visible)
            Output.line("  recount evidence verify \(out)".visible)
        }
        print("Must answer", report.mustAnswer)
        if !report.mustAnswer.isEmpty {
            Output.line("  recount answer HOME --accusation FILE clears what its journal answers")
        }
        if report.leftOut > 0 {
            Output.line("  and \(report.leftOut) more of the same kinds against the same parties")
        }
        tell("Wrong, and unprovable", report.unprovable.map { "\($0.found): \($0.reason)" })
        tell("Could not be read", report.unread)
        tell("Not looked for", report.lacking.map { "\($0.crime): it takes \($0.input)" })
    }

    private func print(_ title: String, _ charged: [CulpritReport.Charged]) {
        guard !charged.isEmpty else { return }
        var seen: Set<Int> = []
        let sentences = charged.filter { seen.insert($0.file).inserted }.map {
            "\($0.sentence) [\(report.files[$0.file])]"
        }
        tell(title, sentences)
    }

    private func tell(_ title: String, _ lines: [String]) {
        guard !lines.isEmpty else { return }
        Output.line()
        Output.line(Output.strong(title))
        for text in lines.prefix(Self.shown) {
            let words = text.visible.split(separator: " ").map(String.init)
            for (place, line) in Text.wrapped(words, columns: Self.columns).enumerated() {
                Output.line((place == 0 ? "  - " : "    ") + line)
            }
        }
        if lines.count > Self.shown {
            Output.line("  and \(lines.count - Self.shown) more; --json has all")
        }
    }
}
