// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Forensics
import Foundation
import Ledger

/// `recount evidence`.
struct EvidenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Judge files of evidence by themselves, without a ledger.",
        discussion: """
            recount culprits writes files of evidence. The documentation says byte by byte
            what is in them; Tools/recount_reader.py judges them too, and shares no code.

              recount evidence verify proofs
              recount evidence verify 0001-validator-3-contradiction.rcev --json
            """,
        subcommands: [EvidenceVerifyCommand.self])
}

/// `recount evidence verify`.
struct EvidenceVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Say whom each file of evidence convicts, accuses or clears.",
        discussion: """
            Each file is judged alone: every signature in it, that its parts belong
            together, and what the rules, the proof or the job then say. A file names keys;
            which validator has which, a ledger tells (recount validators).

              recount evidence verify 0001-validator-3-contradiction.rcev
              recount evidence verify proofs other.rcev --json

            What a file does: convicts; accuses (nothing is proved, the accused must
            answer); clears (an answer); nothing (it is forged, cut, or shows nothing
            wrong, and the reason is told); unjudged (a job that cannot be run here).

            Exit codes: 0 all files clear; 1 one convicts or accuses, and none is without
            effect; 2 a file cannot be read, has no effect, or cannot be judged here.
            """)

    @Argument(help: "Files of evidence, or folders of them.", completion: .file())
    var files: [String]

    @Flag(help: "Print one JSON object a file.")
    var json = false

    mutating func run() throws {
        let paths = files.flatMap { InputFile.expanded($0) }
        guard !paths.isEmpty else {
            throw Failure("there is no file to judge in \(files.joined(separator: ", "))")
        }
        var effects: Set<EvidenceVerdict.Effect> = []
        let runner = JobRunner { EngineChoice.load() }
        defer { runner.stop() }
        for path in paths {
            let told = EvidenceFileVerdict(path: path, runner)
            effects.insert(told.effect)
            if json { try Output.json(told, isLine: true) } else { print(told) }
        }
        Output.flush()
        if effects.contains(.nothing) || effects.contains(.unjudged) {
            throw ExitCode(ExitStatus.unusable.rawValue)
        }
        if effects != [.clears] { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private func print(_ told: EvidenceFileVerdict) {
        let style: Style
        switch told.effect {
        case .convicts: style = .bad
        case .clears: style = .good
        case .accuses, .nothing, .unjudged: style = .strong
        }
        Output.line(style.applied(to: told.effect.rawValue) + ": \(told.file)".visible)
        let words = told.sentence.visible.split(separator: " ").map(String.init)
        for line in Text.wrapped(words, columns: min(Output.columns, 100) - 2) {
            Output.line("  \(line)")
        }
    }
}

/// What one file does, as machines read it.
private struct EvidenceFileVerdict: Encodable {
    let file: String
    let effect: EvidenceVerdict.Effect
    let kind: String?
    let ledger: String?
    let keys: [String]
    let sentence: String

    init(path: String, _ runner: JobRunner) {
        file = path
        do {
            let bytes = try InputFile.read(path, bytesMax: EvidenceFile.bytesMax)
            let verdict = try EvidenceFile(bytes).verdict { runner.run($0, within: $1) }
            effect = verdict.effect
            kind = verdict.kind
            ledger = verdict.ledger
            keys = verdict.keys
            sentence = verdict.sentence
        } catch {
            effect = .nothing
            kind = nil
            ledger = nil
            keys = []
            sentence = (error as? Failure)?.message ?? "\(error)"
        }
    }
}

/// The engine that runs jobs again, where it is there.
private enum EngineChoice {
    static func load() -> Result<ComputeEngine, ComputeError> {
        do throws(ComputeError) { return .success(try ComputeEngine.load()) } catch {
            return .failure(error)
        }
    }
}
