// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// `Tools/torture`, which kills a running network and looks for what was lost.
private enum Torture {
    /// Whether there is a Python for it; it needs nothing beside the standard library.
    static let isThere: Bool = {
        do {
            return try Command.execute("/usr/bin/env", ["python3", "-c", "import sqlite3"]).status
                == 0
        } catch { return false }
    }()

    static func run(_ arguments: String...) throws -> CommandResult {
        let script = Vectors.repository.appendingPathComponent("Tools/torture").path
        return try Command.execute(
            "/usr/bin/env", ["python3", script, "--recount", Command.path] + arguments)
    }
}

@Suite(
    .enabled(if: samplesAreThere, "no samples at \(samplesFolder)"),
    .enabled(if: Torture.isThere, "no Python 3 with SQLite"))
struct TortureTests {
    @Test(.timeLimit(.minutes(30))) func `a network that is killed again and again loses nothing`()
        throws
    {
        let result = try Torture.run(
            "--kills", "5", "--jobs", "1", "--seed", "12", "--check-every", "3")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(result.output.contains("all still there"), "\(result.output)")
    }

    @Test(.timeLimit(.minutes(30))) func `whatever is lost on purpose is noticed`() throws {
        let result = try Torture.run("--self-test", "--seed", "12")
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        let lines = result.lines.dropFirst()
        #expect(lines.count >= 13 && lines.allSatisfy { $0.contains(": reported: ") })
        let cut = lines.first { $0.hasPrefix("votes cut out of a journal") }
        #expect(cut?.contains("a vote of validator-1, is not in its journal") == true)
    }
}
