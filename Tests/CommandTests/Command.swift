// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// What a run of the program left behind.
struct CommandResult: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// The lines of standard output.
    var lines: [Substring] { output.split(separator: "\n") }

    /// Standard output as a JSON object.
    func object() throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
    }

    /// Standard output as JSON Lines.
    func objects() throws -> [[String: Any]] {
        try lines.map { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        }
    }
}

/// The built program, as users run it.
enum Command {
    static let path = Program.path

    static func run(_ arguments: String...) throws -> CommandResult { try run(arguments) }

    static func run(_ arguments: [String]) throws -> CommandResult {
        try execute(path, arguments)
    }

    /// Runs another program.
    static func execute(_ program: String, _ arguments: [String]) throws -> CommandResult {
        let folder = try TemporaryFolder()
        let output = URL(fileURLWithPath: folder.path + "/output")
        let errors = URL(fileURLWithPath: folder.path + "/errors")
        for file in [output, errors] { try Data().write(to: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        return CommandResult(
            status: process.terminationReason == .exit ? process.terminationStatus : -1,
            output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
    }
}
