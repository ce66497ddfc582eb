// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What the commands of the bridge print for machines, held against their schemas.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct BridgeCommandTests {
    private func schema(_ words: String...) throws -> SchemaCheck {
        SchemaCheck(root: try JSONValue(parsing: try Command.run(["schema"] + words).output))
    }

    /// What holds as it is, and with any member less or more does not.
    private func expect(_ value: JSONValue, fits schema: SchemaCheck) throws {
        #expect(try schema.problems(value) == [], "\(value)")
        for name in schema.root.members["required"]?.elements.compactMap(\.text) ?? [] {
            var members = value.members
            members[name] = nil
            #expect(try !schema.problems(.object(members)).isEmpty, "without \(name)")
        }
        var members = value.members
        members["surplus"] = .null
        #expect(try !schema.problems(.object(members)).isEmpty)
    }

    @Test(.timeLimit(.minutes(30))) func `payments nobody is sure of are said to be made or not`()
        throws
    {
        let one = try OneValidator()
        let node = try AnsweringNode(one.home, key: one.key, in: one.folder, validator: one)
        defer { _ = node.stop() }
        try node.decide(3)
        let (network, key) = (one.folder.path + "/net", one.key)
        func bridge(_ words: String...) throws -> CommandResult {
            try Command.run(
                ["bridge", words[0], network] + words.dropFirst() + ["--key-file", key, "--json"])
        }
        let rebuilt = try bridge("rebuild")
        #expect(rebuilt.status == 0, "\(rebuilt.errors)")
        let uncertain = try #require(try rebuilt.object()["uncertain"] as? [String])
        try #require(uncertain.count >= 2)
        let confirm = try schema("bridge", "confirm")
        for (place, word) in ["--unpaid", "--paid"].enumerated() {
            let said = try bridge("confirm", uncertain[place], word)
            #expect(said.status == 0, "\(said.errors)")
            let value = try JSONValue(parsing: said.output)
            try expect(value, fits: confirm)
            #expect(value.members["request_id"]?.text == uncertain[place])
            #expect(value.members["is_paid"] == .bool(word == "--paid"))
        }
        let again = try bridge("confirm", uncertain[0], "--paid")
        #expect(again.status == 2 && again.output.isEmpty)
        try expectRun(node, network + "/bridge", key)
    }

    /// Runs the bridge until it has reported, and holds every line against the schema.
    private func expectRun(_ node: AnsweringNode, _ home: String, _ key: String) throws {
        let output = try node.folder.write([], "bridge-lines")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = [
            "bridge", "run", home, "--node", node.url, "--key-file", key, "--every", "50", "--json",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        func said() throws -> [JSONValue] {
            try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
                .map { try JSONValue(parsing: $0) }
        }
        for _ in 0..<600 where process.isRunning {
            Thread.sleep(forTimeInterval: 0.1)
            let text = try String(contentsOfFile: output, encoding: .utf8)
            if text.contains("\"reported\"") { break }
        }
        process.terminate()
        process.waitUntilExit()
        let schema = try schema("bridge", "run")
        let lines = try said()
        for line in lines { try expect(line, fits: schema) }
        let kinds = Set(lines.compactMap { $0.members["event"]?.text })
        #expect(kinds.isSuperset(of: ["started", "read", "handed-in", "reported"]), "\(kinds)")
    }
}
