// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let python = "/usr/bin/python3"
private let pythonIsThere = FileManager.default.isExecutableFile(atPath: python)
private let mandoc = "/usr/bin/mandoc"
private let mandocIsThere = FileManager.default.isExecutableFile(atPath: mandoc)

/// The manual pages that `Tools/packaging` writes from what the commands say of themselves.
@Suite(.enabled(if: pythonIsThere, "no python"))
struct ManualTests {
    private func pages() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let dump = try Command.run("--experimental-dump-help")
        let file = try folder.write(Array(dump.output.utf8), "help.json")
        let script = Vectors.repository.appendingPathComponent("Tools/packaging/manuals.py").path
        let made = try Command.execute(
            "/bin/sh",
            [
                "-c", "exec \"$1\" \"$2\" \"$3\" 2026-01-01 1.0.0 < \"$4\"", "sh", python, script,
                folder.path + "/man", file,
            ])
        #expect(made.status == 0, "\(made.errors)")
        return folder
    }

    @Test func `each command has a page that teaches what its help teaches`() throws {
        let folder = try pages()
        let man = folder.path + "/man"
        let names = try FileManager.default.contentsOfDirectory(atPath: man)
        #expect(names.count > 90)
        for name in ["recount.1", "recount-doctor.1", "recount-show-request.1"] {
            #expect(names.contains(name))
        }
        #expect(!names.contains("recount-compile-module.1"), "it is hidden")
        let audit = try String(contentsOfFile: man + "/recount-audit.1", encoding: .utf8)
        for words in [
            ".TH \"RECOUNT\\-AUDIT\" 1 \"2026-01-01\"", ".SH EXIT STATUS\n0 nothing is wrong",
            ".EX\nrecount audit home \\-\\-since last\\-week.checkpoint\n", "\\fB\\-\\-strict\\fR",
        ] {
            #expect(audit.contains(words), "\(words)")
        }
        #expect(
            try String(contentsOfFile: man + "/recount.1", encoding: .utf8)
                .contains("\\fBrecount\\-audit\\fR(1)"))
    }

    @Test(.enabled(if: mandocIsThere, "no mandoc"))
    func `mandoc has nothing to complain of`() throws {
        let folder = try pages()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/man")
        let result = try Command.execute(
            mandoc, ["-T", "lint", "-W", "warning"] + names.map { "\(folder.path)/man/\($0)" })
        #expect(result.status == 0, "\(result.output)")
    }
}
