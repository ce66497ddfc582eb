// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let scriptPath = "/usr/bin/script"
private let isScriptThere = FileManager.default.isExecutableFile(atPath: scriptPath)

/// What people see who read a terminal.
@Suite(.enabled(if: samplesAreThere && isScriptThere, "no samples, or no \(scriptPath)"))
struct TerminalTests {
    /// What the program writes to a terminal of 80 columns.
    private func show(_ arguments: String...) throws -> CommandResult {
        let words = ([Command.path] + arguments).map { "'\($0)'" }.joined(separator: " ")
        return try Command.execute(
            scriptPath, ["-qec", "stty cols 80; unset COLUMNS; NO_COLOR=1 \(words)", "/dev/null"])
    }

    /// The lines without styles.
    private func lines(_ result: CommandResult) -> [String] {
        result.output.split(whereSeparator: \.isNewline).map { line in
            String(line.replacing(/\u{1B}\[[0-9]*m/, with: ""))
        }
    }

    @Test func `requests keep the reason at 80 columns`() throws {
        let home = try Journey.shared.get().home
        let lines = try lines(show("requests", home, "--limit", "0"))
        #expect(lines.count > 60)
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        let head = lines[0].split(separator: " ")
        for name in ["entry", "request", "outcome", "reason", "votes"] {
            #expect(head.contains { $0 == name }, "\(head)")
        }
        #expect(lines.contains { $0.contains(" approvalOutOfReach") })
        #expect(lines.contains { $0.contains(" quorumApproved") && $0.contains("/") })
    }

    @Test func `validators keep their names at 80 columns`() throws {
        let lines = try lines(show("validators", try Journey.shared.get().home))
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        for number in 1...10 {
            #expect(lines.contains { $0.contains(" validator-\(number) ") }, "\(lines)")
        }
    }

    @Test func `a run counts on one line what is as it should be`() throws {
        let one = try OneValidator()
        let samples = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n")
        func run(_ some: ArraySlice<Substring>, _ more: String...) throws -> CommandResult {
            let text = some.joined(separator: "\n") + "\n"
            let file = try one.folder.write(Array(text.utf8), "few.jsonl")
            let words = more.map { "'\($0)'" }.joined(separator: " ")
            let command = "'\(Command.path)' run '\(one.folder.path)/net' --requests '\(file)'"
            return try Command.execute(
                scriptPath, ["-qec", "\(command) --key-file '\(one.key)' \(words)", "/dev/null"])
        }
        let usual = try run(samples[..<3])
        #expect(usual.status == 0, "\(usual.output)")
        #expect(usual.output.contains("\r\u{1B}[K3 accepted, 0 refused, 3 decided"))
        #expect(!usual.output.contains("approved ") && usual.output.contains("Done."))
        let quiet = try run(samples[3..<5], "--quiet")
        #expect(!quiet.output.contains("line 1") && quiet.output.contains("Done."))
        #expect(!quiet.output.contains("\u{1B}[K"), "\(quiet.output)")
        let verbose = try run(samples[5..<7], "--verbose")
        #expect(verbose.output.contains(" votes ") && verbose.output.contains("line 1: accepted"))
        #expect(!verbose.output.contains("\u{1B}[K"))
    }
}
