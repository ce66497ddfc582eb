// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import TestSupport
import Testing

/// A node that runs by itself, with its outputs in files or wherever a test wants them.
private final class LoggedNode {
    let validator: OneValidator
    private let process = Process()
    private let port = TestPorts.reserve(1)

    init(_ validator: OneValidator, _ arguments: [String], output: FileHandle, errors: FileHandle)
        throws
    {
        self.validator = validator
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments =
            ["node", validator.home, "--key-file", validator.key, "--api", "127.0.0.1:\(port)"]
            + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    /// What it answers, once it does.
    func get(_ path: String) throws -> String {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
        for _ in 0..<600 where process.isRunning {
            do { return String(decoding: try Data(contentsOf: url), as: UTF8.self) } catch {
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
        throw CocoaError(.fileReadUnknown)
    }

    func stop() -> Int32 {
        process.terminate()
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }

    /// Starts one, has it decide three requests, and gives what it said until its end.
    static func lines(
        _ validator: OneValidator, _ arguments: [String]
    ) throws -> (output: [String], errors: String) {
        let files = try ["output", "errors"].map { try validator.folder.write([], $0) }
        let node = try LoggedNode(
            validator, arguments, output: try #require(FileHandle(forWritingAtPath: files[0])),
            errors: try #require(FileHandle(forWritingAtPath: files[1])))
        #expect(try node.get("/health").contains("true"))
        try validator.submit(3)
        #expect(node.stop() == 0)
        let said = try files.map { try String(contentsOfFile: $0, encoding: .utf8) }
        return (said[0].split(separator: "\n").map(String.init), said[1])
    }
}

/// What `recount node` says.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"), .serialized)
struct NodeLogTests {
    /// The keys of each event, as the article lists them.
    private static func documentedKeys() throws -> [String: Set<String>] {
        let path = "Sources/recount/Recount.docc/Monitoring.md"
        let article = try String(
            contentsOf: Vectors.repository.appendingPathComponent(path), encoding: .utf8)
        let table = try #require(article.components(separatedBy: "| event | its keys |").last)
        var result: [String: Set<String>] = [:]
        for row in table.split(separator: "\n") where row.hasPrefix("| `") {
            let cells = row.split(separator: "|")
            let keys = Set(cells[1].matches(of: /`([a-z_]+)`/).map { String($0.1) })
            for name in cells[0].matches(of: /`([a-z_ ]+)`/) { result[String(name.1)] = keys }
        }
        return result
    }

    @Test func `machines get every event as an object with the keys that are listed`() throws {
        let said = try LoggedNode.lines(try OneValidator(), ["--json"])
        let documented = try Self.documentedKeys()
        var kinds: Set<String> = []
        let schema = SchemaCheck(
            root: try JSONValue(parsing: try Command.run("schema", "node").output))
        for line in said.output {
            let value = try JSONValue(parsing: line)
            #expect(try schema.problems(value) == [], "\(line)")
            var surplus = value.members
            surplus["surplus"] = .null
            #expect(try !schema.problems(.object(surplus)).isEmpty, "\(line)")
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)"
            )
            let kind = try #require(object["event"] as? String)
            kinds.insert(kind)
            let keys = try #require(documented[kind], "\(kind) is not listed")
            let own = Set(object.keys).subtracting(["event", "level", "time"])
            #expect(own.isSubset(of: keys), "\(kind): \(own.subtracting(keys))")
            #expect(object["level"] is String && object["time"] is UInt64, "\(line)")
            // Whoever looks for an event without reading the object finds it so.
            #expect(line.contains("\"event\":\"\(kind)\""))
        }
        #expect(
            kinds.isSuperset(of: ["listening", "accepted", "voted", "decided", "batch", "traffic"]),
            "\(kinds)")
        #expect(said.errors.contains("recount: ending in order"))
        let voted = try said.output.map { try JSONValue(parsing: $0).members }
            .filter { $0["event"]?.text == "voted" }
        #expect(voted.count == 3)
        for vote in voted {
            #expect(vote["validator"]?.whole == 0 && vote["name"]?.text == "validator-1")
        }
    }

    /// A validator whose configuration has it say what is a warning or worse.
    private static func quiet() throws -> OneValidator {
        let validator = try OneValidator()
        let file = validator.home + "/recount.toml"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacingOccurrences(of: "[node]\n", with: "[node]\nlog_level = \"warning\"\n")
            .write(toFile: file, atomically: true, encoding: .utf8)
        return validator
    }

    @Test func `levels bound what is said, the command line before the configuration`() throws {
        let quiet = try LoggedNode.lines(try Self.quiet(), [])
        #expect(quiet.output.isEmpty, "\(quiet.output)")
        let named = try LoggedNode.lines(
            try Self.quiet(), ["--json", "--log-level", "info"])
        #expect(named.output.contains { $0.contains("\"event\":\"decided\"") })
        for line in named.output {
            #expect(line.contains("\"level\":\"info\"") || line.contains("\"level\":\"notice\""))
        }
        let people = try LoggedNode.lines(try OneValidator(), [])
        #expect(people.output.first?.hasPrefix("listening at /ip4/") == true)
        #expect(people.output.contains { $0.contains(" for, ") })
        #expect(!people.output.contains { $0.contains(" votes ") || $0.hasPrefix("batch ") })
        let verbose = try LoggedNode.lines(try OneValidator(), ["--verbose"])
        #expect(!verbose.output.contains { $0.contains(" votes ") })
        #expect(verbose.output.contains { $0.hasPrefix("batch ") })
        let all = try LoggedNode.lines(try OneValidator(), ["--log-level", "trace"])
        #expect(all.output.contains { $0.contains(" votes ") })
    }

    @Test func `a level that is none is refused where it is named`() throws {
        let validator = try OneValidator()
        let argument = try Command.run("node", validator.home, "--log-level", "loud")
        #expect(argument.status == 2 && argument.errors.contains("--log-level loud"))
        #expect(argument.errors.contains("trace, debug, info, notice, warning, error"))
        let file = validator.home + "/recount.toml"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try text.replacingOccurrences(of: "[node]\n", with: "[node]\nlog_level = \"loud\"\n")
            .write(toFile: file, atomically: true, encoding: .utf8)
        let written = try Command.run("node", validator.home, "--key-file", validator.key)
        #expect(written.status == 2 && written.errors.contains("node.log_level"))
    }

    @Test func `readers that are gone neither stop nor trap it, and are counted`() throws {
        for arguments in [[], ["--json"], ["--verbose"]] {
            let (output, errors) = (Pipe(), Pipe())
            let node = try LoggedNode(
                try OneValidator(), arguments, output: output.fileHandleForWriting,
                errors: errors.fileHandleForWriting)
            for pipe in [output, errors] {
                try pipe.fileHandleForReading.close()
                try pipe.fileHandleForWriting.close()
            }
            #expect(try node.get("/health").contains("true"))
            try node.validator.submit(3)
            let read = try Exposition(try node.get("/metrics"))
            #expect(try #require(read.number("recount_log_lines_dropped_total")) > 0)
            let decided = ["approved", "rejected"].compactMap {
                read.number("recount_decisions_total", ["outcome": $0])
            }
            #expect(decided.reduce(0, +) == 3)
            #expect(node.stop() == 0)
        }
    }
}
