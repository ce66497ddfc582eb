// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Forensics
import Foundation
import Hosting
import Ledger
import Node

extension ProgramVersions {
    /// What this program is.
    static var ours: ProgramVersions {
        ProgramVersions(
            program: NodeLimits.programVersion, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version)
    }
}

/// `recount case verify`.
struct CaseVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that a case holds together, and say which side the rules confirm.",
        discussion: """
              recount case verify net/validator-3 --referee

            Needs no ledger. Checks that the last seal ends the log which the batch
            continues, that the state in the case has the roots of that seal, that the
            entries give the root that was signed, and that T validators in office signed
            it; then derives the batch. Of records that a batch does not find, such as a
            nullifier that is not spent, nothing but the node's word is in a case.

            --referee hands the batch to the second reader as well,
            Tools/recount_reader.py, which shares no code with this program; it needs
            Python with PyNaCl and lz4.

            JSON: lines (check, holds, detail), confirms (quorum, node, neither, unjudged),
            referee (confirms, entry, field, expected, found).

            Exit codes: 0 the case holds and the quorum is confirmed, or nobody is; 1 it
            does not hold, or the node is confirmed against T validators; 2 it cannot be
            read, or the second reader cannot run.
            """)

    @Argument(help: "Files of cases, or homes whose newest are meant.", completion: .file())
    var places: [String]

    @Flag(help: "Ask the second reader too.")
    var referee = false

    @Option(
        help: ArgumentHelp("Where the second reader is.", valueName: "file"), completion: .file())
    var reader: String?

    @Option(
        help: ArgumentHelp("The Python that runs it.", valueName: "program"), completion: .file())
    var python: String?

    @Flag(help: "Print JSON Lines.")
    var json = false

    private struct Result: Encodable {
        let path: String
        let holds: Bool
        let confirms: CaseCheck.Side
        let lines: [CaseCheck.Line]
        let referee: Referee.Answer?
    }

    mutating func run() throws {
        var isGood = true
        for argument in places {
            guard !referee || argument != "-" else {
                throw Failure("the second reader reads a file itself; name it in the place of -")
            }
            let place = try CasePlace.newest(argument)
            let check = CaseCheck(try place.load())
            let answer =
                try referee ? Referee(reader: reader, python: python).judge(place.path) : nil
            let result = Result(
                path: place.path, holds: check.holds, confirms: check.confirms,
                lines: check.lines, referee: answer)
            if json { try Output.json(result, isLine: true) } else { Self.show(result) }
            isGood = isGood && check.holds && check.confirms != .node && answer?.confirms != "node"
        }
        Output.flush()
        if !isGood { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private static func show(_ result: Result) {
        Output.line(Output.strong(result.path))
        for line in result.lines {
            let mark = line.holds.map { $0 ? "holds" : "WRONG" } ?? "open"
            Output.line("  \(mark)  \(line.check): \(line.detail)".visible)
        }
        Output.line("  this program \(words(result.confirms.rawValue))")
        if let answer = result.referee {
            let why = answer.difference.map { " (\($0))" } ?? ""
            Output.line("  the second reader \(words(answer.confirms))\(why)".visible)
        }
    }

    private static func words(_ side: String) -> String {
        switch side {
        case "quorum": "confirms those that agreed"
        case "node": "confirms the node"
        case "neither": "confirms neither side"
        default: "cannot judge"
        }
    }
}

/// The second reader, which shares no code with this program.
struct Referee {
    /// What it says of a case.
    struct Answer: Codable {
        /// `quorum`, `node`, `neither` or `unjudged`.
        let confirms: String
        /// Where the other side breaks a rule, in words.
        let difference: String?
    }

    private static let script = "Tools/recount_reader.py"
    private let script: String
    private let python: String

    /// Finds it: where it is said to be, or beside this program or the current folder.
    init(reader: String?, python: String?) throws(Failure) {
        let folders = [FileManager.default.currentDirectoryPath, Bundle.main.bundlePath]
        let found = reader ?? folders.lazy.compactMap(Self.above).first
        guard let found, FileManager.default.fileExists(atPath: found) else {
            throw Failure(
                "the second reader is not at \(reader ?? Self.script): name it with --reader")
        }
        script = found
        let root = URL(fileURLWithPath: found).deletingLastPathComponent()
            .deletingLastPathComponent()
        let own = root.appendingPathComponent(".build/python/bin/python").path
        self.python = python ?? (FileManager.default.fileExists(atPath: own) ? own : "python3")
    }

    private static func above(_ folder: String) -> String? {
        var place = URL(fileURLWithPath: folder)
        while place.path != "/" {
            let path = place.appendingPathComponent(script).path
            if FileManager.default.fileExists(atPath: path) { return path }
            place.deleteLastPathComponent()
        }
        return nil
    }

    /// Hands it a case.
    func judge(_ path: String) throws(Failure) -> Answer {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, script, "--case", "--json", path]
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
            let data = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            return try JSONDecoder().decode(Answer.self, from: data)
        } catch {
            throw Failure(
                "the second reader could not judge \(path): run \(python) \(script) --case \(path)"
                    + " to see why")
        }
    }
}
