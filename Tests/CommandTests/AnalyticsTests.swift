// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What of PyPI and Debian the tables and the audit on Spark want here.
private enum Wanted {
    static let python =
        ProcessInfo.processInfo.environment["RECOUNT_PYTHON"]
        ?? Vectors.repository.appendingPathComponent(".build/python/bin/python").path

    static func has(_ modules: String) -> Bool {
        let run = Result { try Command.execute(python, ["-c", "import \(modules)"]) }
        guard case .success(let result) = run else { return false }
        return result.status == 0
    }

    static let tables = has("pyarrow, duckdb")
    static let spark: Bool = {
        let java = Result { try Command.execute("/usr/bin/env", ["java", "-version"]) }
        guard case .success(let result) = java, result.status == 0 else { return false }
        return tables && has("pyspark")
    }()

    /// Runs a script of `Tools`, and returns what it printed of what is not as it should be.
    static func failures(_ script: String, _ arguments: [String]) throws -> [Substring] {
        let path = Vectors.repository.appendingPathComponent("Tools/\(script)").path
        let result = try Command.execute(python, [path] + arguments)
        let failed = result.lines.filter { $0.hasPrefix("FAILED") }
        guard result.status == 0, !result.lines.isEmpty else {
            return failed.isEmpty ? [Substring("\(result.output) \(result.errors)")] : failed
        }
        return failed
    }
}

/// Tables of a ledger, and its audit on Spark, by the scripts that try them.
struct AnalyticsTests {
    @Test(.enabled(if: Wanted.tables, "no pyarrow and duckdb from PyPI: Tools/analytics/setup"))
    func `tables are what the log gives, and questions are answered as by the projections`()
        throws
    {
        let folder = try TemporaryFolder()
        let made = try Command.run(
            "simulate", "--nodes", "4", "--seconds", "8", "--byzantine", "1", "--strategy",
            "false-verdicts", "--faults", "calm", "--seed", "5", "--out", folder.path + "/net")
        #expect(made.status != 2, "\(made.errors)")
        let arguments = [Command.path, folder.path + "/net/node-0"]
        let found = try Wanted.failures(
            "analytics/selftest.py", arguments + (Wanted.spark ? ["--spark"] : []))
        #expect(found == [])
    }

    @Test(.enabled(if: Wanted.spark, "no pyspark from PyPI, or no java: Tools/analytics/setup"))
    func `Spark finds what the plain audit finds, also where an executor is killed`() throws {
        let network = try SmallNetwork()
        for start in [0, 3, 6] {
            let run = try network.run(
                "--malicious", "1", requests: try network.samples(3, from: start))
            #expect(run.status != 2, "\(run.errors)")
        }
        let signed = try Command.run(
            "checkpoint", "sign", network.home(1), "--key-file", network.key)
        #expect(signed.status == 0, "\(signed.errors)")
        let found = try Wanted.failures("spark/selftest.py", [Command.path, network.home(1)])
        #expect(found == [])
    }

    /// Verdicts as files, as people hand them to the program.
    @Test func `verdicts on pieces are joined, and what is wrong with them is named`() throws {
        let folder = try TemporaryFolder()
        let net = folder.path + "/net"
        let made = try Command.run(
            "simulate", "--nodes", "4", "--seconds", "5", "--byzantine", "1", "--strategy",
            "false-verdicts", "--faults", "calm", "--seed", "5", "--out", net)
        #expect(made.status != 2, "\(made.errors)")
        let home = net + "/node-0"
        let marks = folder.path + "/marks"
        let series = try Command.run(
            "snapshot", home, "--every", "50", "--out", marks, "--json")
        let written = try #require(try series.object()["written"] as? [[String: Any]])
        try #require(written.count > 2, "\(series.output)")
        let size = try #require(try series.object()["size"] as? Int)
        let starts = [0] + written.compactMap { $0["size"] as? Int }
        var files: [String] = []
        for (place, start) in starts.enumerated() {
            let end = place + 1 < starts.count ? starts[place + 1] : size
            var command = ["audit", home, "--from", "\(start)", "--to", "\(end)", "--json"]
            if place > 0, let path = written[place - 1]["path"] as? String {
                command += ["--snapshot", path]
            }
            let piece = try Command.run(command)
            #expect(piece.status != 2 || place + 1 == starts.count, "\(piece.errors)")
            files.append(try folder.write(Array(piece.output.utf8), "\(place).verdict"))
        }
        let whole = try Command.run("audit", home, "--json", "--no-projections").object()
        let joined = try Command.run(["audit", home, "--combine"] + files + ["--json"])
        let report = try joined.object()
        let pieces = try #require(report["pieces"] as? [String: Any])
        #expect((pieces["problems"] as? [Any])?.isEmpty == true, "\(pieces)")
        #expect(pieces["is_held_against_log"] as? Bool == true)
        for name in ["root", "state_root"] {
            #expect(report[name] as? String == whole[name] as? String, "\(name)")
        }
        for name in ["contradictions", "network", "findings", "participation"] {
            #expect(
                (report[name] as? NSArray) == (whole[name] as? NSArray), "\(name)")
        }
        let again = try Command.run(
            ["audit", home, "--combine"] + files + ["--recheck", "2", "--json"])
        let rechecked = try again.object()["pieces"] as? [String: Any]
        #expect(rechecked?["rechecked"] as? Int == 2, "\(again.errors)")

        // Without one of them, with one that is changed, and with one that is none.
        let missing = try Command.run(["audit", "--combine"] + files.dropLast())
        #expect(missing.status == 2 && missing.output.contains("no verdict speaks of entries"))
        let text = try String(contentsOfFile: files[1], encoding: .utf8)
        let changed = try folder.write(
            Array(text.replacingOccurrences(of: "\"derived\" : ", with: "\"derived\" : 1").utf8),
            "changed.verdict")
        var all = files
        all[1] = changed
        let named = try Command.run(["audit", "--combine"] + all)
        #expect(named.status == 2 && named.output.contains("changed.verdict: it was changed"))
        let none = try folder.write(Array("{}".utf8), "none.verdict")
        let refused = try Command.run(["audit", "--combine"] + files + [none])
        #expect(refused.status == 2 && refused.output.contains("none.verdict: it is no verdict"))

        let split = try Command.run("audit", home, "--jobs", "2", "--json", "--snapshots", marks)
        #expect(try split.object()["root"] as? String == whole["root"] as? String)
    }

    @Test(arguments: [
        "requests H", "validators H", "validators H --by-round", "leaders H", "log H --last 5",
        "disagreements H", "job list H", "show request H 3", "show entry H 0", "show batch H 2",
        "show validator H 1", "show reputation H 1", "show leader H 2", "chart reputation H",
        "chart leaders H", "case list H",
    ])
    func `every view is a table for spreadsheets`(_ line: String) throws {
        let run = try Self.simulated.get()
        let words = line.split(separator: " ").map { $0 == "H" ? run.home : String($0) }
        let result = try Command.run(words + ["--csv"])
        // The answer may be no: there are disagreements.
        #expect(result.status != 2, "\(result.errors)")
        let rows = result.output.components(separatedBy: "\r\n")
        #expect(rows.count >= 2 && rows.last == "", "\(result.output.prefix(200))")
        #expect(!(rows.first ?? "").isEmpty && rows.first?.contains(" ") == false)
        let both = try Command.run(words + ["--csv", "--json"])
        #expect(both.status == 2 && both.errors.contains("not both"), "\(both.errors)")
    }

    private struct Simulated: Sendable {
        let folder: TemporaryFolder
        var home: String { folder.path + "/net/node-0" }
    }

    private static let simulated = Result {
        let folder = try TemporaryFolder()
        let made = try Command.run(
            "simulate", "--nodes", "4", "--seconds", "5", "--byzantine", "1", "--strategy",
            "false-verdicts", "--faults", "calm", "--seed", "5", "--out", folder.path + "/net")
        #expect(made.status != 2, "\(made.errors)")
        return Simulated(folder: folder)
    }
}
