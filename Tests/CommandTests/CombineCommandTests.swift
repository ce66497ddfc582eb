// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import Foundation
import TestSupport
import Testing

/// What `recount audit --combine` says of files that are no verdicts, and of what stands in them.
struct CombineCommandTests {
    /// A ledger, and the verdict on all of it.
    private struct Case: Sendable {
        let folder: TemporaryFolder
        let text: String
        var home: String { folder.path + "/net/node-0" }

        init(seed: String) throws {
            folder = try TemporaryFolder()
            let made = try Command.run(
                "simulate", "--nodes", "4", "--seconds", "5", "--faults", "calm", "--seed", seed,
                "--out", folder.path + "/net")
            #expect(made.status != 2, "\(made.errors)")
            text = try Command.run(
                "audit", folder.path + "/net/node-0", "--from", "0", "--json"
            ).output
        }

        /// The verdict with something else in it, as whoever made it would have written it.
        func verdict(_ change: (inout AuditReport) throws -> Void) throws -> String {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            var report = try decoder.decode(AuditReport.self, from: Data(text.utf8))
            try change(&report)
            report.digest = report.contentDigest
            return try AnswerJSON.encode(report)
        }
    }

    private static let made = Result { try Case(seed: "5") }

    @Test func `verdicts of more bytes than may be held are not read`() throws {
        let folder = try TemporaryFolder()
        let count = Int(AuditCombination.verdictBytesMax / UInt64(PartialVerdict.bytesMax)) + 1
        for number in 0..<count {
            let path = try folder.write([], "\(number).verdict")
            // They take no room on the disk.
            let file = try #require(FileHandle(forWritingAtPath: path))
            try file.truncate(atOffset: UInt64(PartialVerdict.bytesMax))
            try file.close()
        }
        let result = try Command.run("audit", "--combine", folder.path)
        #expect(result.status == 2)
        #expect(result.errors.contains("17 files of 1,140,850,688 bytes are too many"))
    }

    @Test func `where nothing can be joined the reason is all that is said`() throws {
        let made = try Self.made.get()
        let folder = try TemporaryFolder()
        let text = made.text
        let files: [(name: String, text: String, words: String)] = [
            ("empty", "", "it is no verdict"),
            ("garbage", "\u{1}\u{2}{]", "it is no verdict"),
            ("cut", String(text.prefix(text.count / 2)), "it is no verdict"),
            ("deep", String(repeating: "[", count: 200_000), "it is no verdict"),
            ("doubled", "{\"a\":1,\"a\":1}", "it is no verdict"),
            ("whole", try Command.run("audit", made.home, "--json").output, "it is of no range"),
        ]
        var paths: [(path: String, words: String)] = []
        for file in files {
            paths.append((try folder.write(Array(file.text.utf8), file.name), file.words))
        }
        let loop = folder.path + "/loop"
        try FileManager.default.createSymbolicLink(atPath: loop, withDestinationPath: loop)
        paths.append((loop, "cannot be read"))
        paths.append((folder.path + "/absent", "cannot be read"))
        for (path, words) in paths {
            let result = try Command.run("audit", "--combine", path)
            #expect(result.status == 2 && result.output.isEmpty, "\(path): \(result.output)")
            #expect(
                result.errors.hasPrefix("recount: no verdict could be joined: \(path): "),
                "\(result.errors)")
            #expect(result.errors.contains(words), "\(path): \(result.errors)")
            let told = try Command.run("audit", "--combine", path, "--json")
            #expect(told.status == 2 && told.output.isEmpty)
            let object =
                try JSONSerialization.jsonObject(with: Data(told.errors.utf8)) as? [String: Any]
            #expect((object?["message"] as? String)?.contains(words) == true, "\(told.errors)")
        }
        // All of them as a folder, with a folder in it.
        let inner = folder.path + "/inner"
        try FileManager.default.createDirectory(
            atPath: inner, withIntermediateDirectories: false)
        let result = try Command.run("audit", "--combine", folder.path)
        #expect(result.status == 2 && result.output.isEmpty)
        for (path, _) in paths.dropLast() + [(inner, "")] {
            #expect(result.errors.contains(path + ": "), "\(path): \(result.errors)")
        }
    }

    @Test func `what is missing or does not fit is told before what the others say`() throws {
        let made = try Self.made.get()
        let folder = try TemporaryFolder()
        let good = try folder.write(Array(made.text.utf8), "good")
        let none = try folder.write(Array("{}".utf8), "none")
        let other = try folder.write(Array(try Case(seed: "6").text.utf8), "other")
        let joined = try Command.run("audit", "--combine", good, none, other)
        #expect(joined.status == 2)
        let lines = joined.lines
        let problem = try #require(lines.firstIndex { $0.contains("none: it is no verdict") })
        let report = try #require(lines.firstIndex { $0.contains("looked at") })
        #expect(problem < report, "\(joined.output)")
        #expect(lines.count { $0.contains("it is no verdict") } == 1)
        #expect(lines.contains { $0.contains("other: ") || $0.contains("good: ") })
        let whole = try Command.run("audit", "--combine", good)
        #expect(whole.status != 2 && whole.output.contains("1 piece joined."), "\(whole.output)")
    }

    @Test(arguments: [9_007_199_254_740_993, UInt64.max])
    func `fuel that is text comes back as it was`(_ fuel: UInt64) throws {
        let made = try Self.made.get()
        let folder = try TemporaryFolder()
        let result = "\"status\":\"succeeded\",\"output\":\"\""
        let lie = """
            {"entry":1,"job":1,"jobId":"","validator":0,"name":"a","key":"b",
            "signed":{\(result),"fuel":\(fuel)},"recomputed":{\(result),"fuel":7}}
            """
        let item = try JSONDecoder().decode(ResultContradiction.self, from: Data(lie.utf8))
        let text = try made.verdict { $0.resultContradictions = [item] }
        #expect(text.contains("\"fuel\":\"\(fuel)\""))
        let file = try folder.write(Array(text.utf8), "verdict")
        let joined = try Command.run("audit", "--combine", file, "--json")
        #expect(joined.errors.isEmpty)
        let report = try joined.object()
        let pieces = report["pieces"] as? [String: Any]
        #expect((pieces?["problems"] as? [Any])?.isEmpty == true, "\(joined.output)")
        let lies = report["result_contradictions"] as? [[String: Any]]
        let signed = lies?.first?["signed"] as? [String: Any]
        #expect(signed?["fuel"] as? String == "\(fuel)")
    }

    /// A verdict names the snapshot that it started from, and can name anything.
    @Test func `what a verdict names as its snapshot holds nobody up`() throws {
        let made = try Self.made.get()
        let folder = try TemporaryFolder()
        let pipe = folder.path + "/pipe"
        #expect(try Command.execute("/usr/bin/mkfifo", [pipe]).status == 0)
        let plain = try folder.write([1, 2, 3], "plain")
        for snapshot in [pipe, plain, "/dev/zero", folder.path, folder.path + "/absent"] {
            let text = try made.verdict { $0.range?.snapshot = snapshot }
            let file = try folder.write(Array(text.utf8), "verdict")
            let again = try Command.execute(
                "/usr/bin/timeout",
                ["60", Command.path, "audit", made.home, "--combine", file, "--recheck", "1"]
                    + ["--json"])
            let pieces = try again.object()["pieces"] as? [String: Any]
            #expect(pieces?["rechecked"] as? Int == 1, "\(snapshot): \(again)")
        }
    }
}
