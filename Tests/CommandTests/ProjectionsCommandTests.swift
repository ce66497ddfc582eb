// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let samples = Vectors.repository.appendingPathComponent("Tools/samples").path
private let isThere = FileManager.default.fileExists(atPath: samples + "/requests.jsonl")

/// The home of a validator that was run on the samples.
private final class Place: Sendable {
    let folder: TemporaryFolder
    var network: String { folder.path + "/net" }
    var home: String { network + "/validator-1" }
    var link: String { home + "/ledger/projections.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
        let key = folder.path + "/unlock.key"
        let made = try Command.run(
            "init", network, "--config", samples + "/recount.toml", "--key-file", key)
        let run = try Command.run(
            "run", network, "--requests", samples + "/requests.jsonl", "--key-file", key, "--json")
        try #require(made.status == 0 && run.status == 0, "\(made.errors)\(run.errors)")
        let summary = try #require(try run.objects().last?["summary"] as? [String: Any])
        let projections = try #require(summary["projections"] as? [String: Any])
        #expect(projections["behind"] as? Int == 0)
        #expect(projections["entries"] as? Int == summary["entries"] as? Int)
    }

    func recount(_ arguments: String...) throws -> CommandResult { try Command.run(arguments) }

    /// Changes the projections behind everybody's back.
    func edit(_ sql: String) throws {
        let script = """
            import sqlite3, sys
            with sqlite3.connect(sys.argv[1]) as base: base.executescript(sys.argv[2])
            """
        let done = try Command.execute("/usr/bin/env", ["python3", "-c", script, link, sql])
        try #require(done.status == 0, "\(done.errors)")
    }

    /// What `ledger info` and `projections info` say, which is the same.
    func condition() throws -> [String: Any] {
        let ledger = try recount("ledger", "info", home, "--json").object()["projections"]
        let own = try recount("projections", "info", home, "--json").object()
        #expect(NSDictionary(dictionary: own).isEqual(ledger))
        return own
    }
}

@Suite(.enabled(if: isThere, "no samples at \(samples)"))
struct ProjectionsCommandTests {
    @Test func `projections follow a run, are found wrong when changed, and are rebuilt`() throws {
        let place = try Place()
        let home = place.home
        var found = try place.condition()
        #expect(found["condition"] as? String == "follows")
        #expect(found["behind"] as? Int == 0)
        let right = try place.recount("projections", "verify", home, "--json")
        #expect(right.status == 0, "\(right.errors)")
        #expect(try right.object()["verdict"] as? String == "equal")
        #expect(try place.recount("ledger", "check", home).status == 0)

        try Data("no database".utf8).write(to: URL(fileURLWithPath: place.link))
        found = try place.condition()
        #expect(found["condition"] as? String == "unfit")
        let wrong = try place.recount("projections", "verify", home)
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("do not fit the log"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: place.link)).count == 11)

        let rebuilt = try place.recount("projections", "rebuild", home, "--json")
        #expect(rebuilt.status == 0, "\(rebuilt.errors)")
        #expect(try rebuilt.object()["entries"] as? Int ?? 0 > 1000)
        #expect(try place.condition()["behind"] as? Int == 0)
        let again = try place.recount("projections", "verify", home)
        #expect(again.status == 0)
        #expect(again.output.hasPrefix("All "))
    }

    @Test func `a spent nullifier that somebody sets free is not shown as free`() throws {
        let place = try Place()
        let approved = try place.recount("requests", place.home, "--outcome", "approved", "--json")
        let request = try #require(try approved.objects().first?["request_id"] as? String)
        let told = try place.recount("show", "request", place.home, request, "--json").object()
        let fields = try #require(told["request"] as? [String: Any])
        let decimal = try #require((fields["nullifiers"] as? [String])?.first)
        func shown() throws -> CommandResult {
            try place.recount("show", "nullifier", place.home, decimal, "--json")
        }
        #expect(try shown().object()["condition"] as? String == "spent")
        let edit = "UPDATE nullifier SET spent = NULL"
        try place.edit(edit)
        let found = try shown()
        #expect(try found.object()["condition"] as? String == "spent")
        #expect(found.errors.contains("written to its table nullifier"), "\(found.errors)")
        #expect(try shown().errors.isEmpty)
        // Whoever forges the seal as well is held against the log.
        try place.edit("\(edit); UPDATE seal SET changed = NULL")
        let forged = try shown()
        #expect(forged.status == 1)
        #expect(forged.errors.contains("forged"), "\(forged.errors)")
        #expect(forged.output.isEmpty)
    }

    @Test func `without projections there is a clear word`() throws {
        let place = try Place()
        for name in try FileManager.default.contentsOfDirectory(atPath: place.home + "/ledger")
        where name.hasPrefix("projections") {
            try FileManager.default.removeItem(atPath: place.home + "/ledger/" + name)
        }
        #expect(try place.condition()["condition"] as? String == "absent")
        let verdict = try place.recount("projections", "verify", place.home)
        #expect(verdict.status == 2)
        #expect(verdict.errors.contains("no projections"))
        let info = try place.recount("ledger", "info", place.home)
        #expect(info.output.contains("none; whoever needs them first builds them"))
    }

    @Test func `a disk that is full under the projections leaves the ledger running`() throws {
        let folder = try TemporaryFolder()
        let (network, key) = (folder.path + "/net", folder.path + "/unlock.key")
        let home = network + "/validator-1"
        _ = try Command.run(
            "init", network, "--config", samples + "/recount.toml", "--key-file", key)
        // No file may grow beyond 220 KiB: log and journal need less, the projections more. Of the
        // output only the lines that speak of them are kept, or it would not fit either.
        let limited = Process()
        limited.executableURL = URL(fileURLWithPath: "/bin/sh")
        limited.arguments = [
            "-c",
            "trap '' XFSZ; ulimit -f 440; \"$0\" \"$@\" | grep projections > '\(folder.path)/out'",
            Command.path, "run", network, "--requests", samples + "/requests.jsonl", "--key-file",
            key,
            "--json",
        ]
        try limited.run()
        limited.waitUntilExit()
        #expect(limited.terminationStatus == 0)
        let output = try String(contentsOfFile: folder.path + "/out", encoding: .utf8)
        #expect(output.contains("\"event\":\"projections_stopped\""))
        let last = try #require(output.split(separator: "\n").last)
        let line = try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any]
        let summary = try #require(line?["summary"] as? [String: Any])
        #expect(summary["approved"] as? Int == 64)
        let stopped = try #require(summary["projections"] as? [String: Any])
        #expect(stopped["failure"] is String)
        #expect(stopped["behind"] as? Int ?? 0 > 0)
        #expect(try Command.run("audit", home, "--quiet").status == 0)
        // What was written is right as far as it goes, and the next run goes on from there.
        #expect(try Command.run("projections", "verify", home).status == 0)
        _ = try Command.run("run", network, "--requests", "/dev/null", "--key-file", key)
        let info = try Command.run("projections", "info", home, "--json").object()
        #expect(info["behind"] as? Int == 0)
        #expect(try Command.run("projections", "verify", home).status == 0)
    }
}
