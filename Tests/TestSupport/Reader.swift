// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// `Tools/recount_reader.py`, the reader that shares nothing with this code.
package enum Reader {
    /// The Python that has what the reader needs: `.build/python`, as `Tools/test` makes it, or
    /// `RECOUNT_PYTHON`.
    private static let python =
        ProcessInfo.processInfo.environment["RECOUNT_PYTHON"]
        ?? Vectors.repository.appendingPathComponent(".build/python/bin/python").path

    /// Whether the reader can run here.
    package static let isThere: Bool = {
        do { return try execute(["-c", "import lz4.block, nacl.bindings"]).status == 0 } catch {
            return false
        }
    }()

    /// Reads a ledger and returns how it ended, and what was said, a JSON object a line.
    package static func read(_ ledger: String) throws -> (status: Int32, lines: [String]) {
        let script = Vectors.repository.appendingPathComponent("Tools/recount_reader.py").path
        let result = try execute([script, ledger, "--json"])
        return (result.status, result.output.split(separator: "\n").map(String.init))
    }

    /// Has it judge a case, and returns how it ended and the line that it said.
    package static func judge(_ file: String) throws -> (status: Int32, output: String) {
        let script = Vectors.repository.appendingPathComponent("Tools/recount_reader.py").path
        return try execute([script, "--case", file, "--json"])
    }

    /// Judges files of evidence and returns how it ended, and what was said, a JSON object a line.
    package static func judge(_ files: [String]) throws -> (status: Int32, lines: [String]) {
        let script = Vectors.repository.appendingPathComponent("Tools/recount_reader.py").path
        let result = try execute([script, "evidence", "--json"] + files)
        return (result.status, result.output.split(separator: "\n").map(String.init))
    }

    private static func execute(
        _ arguments: [String]
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
