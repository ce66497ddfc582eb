// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let tools = Vectors.repository.appendingPathComponent("Tools").path
private let build = Vectors.repository.appendingPathComponent(".build").path
private let python = build + "/python/bin/python"
private let schemathesis = build + "/schemathesis/python/bin/schemathesis"

private func isThere(_ path: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: path)
}

/// Programs that are not ours, or not in Swift, against a node.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct ForeignClientTests {
    @Test(.enabled(if: Reader.isThere, "no pynacl: see Tools/test"))
    func `the client in Python signs, follows and verifies`() throws {
        let node = try AnsweringNode()
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n")
        // Some that are approved, some that are rejected, and one that the rules refuse.
        let file = try node.folder.write(
            Array((lines[0..<8] + lines[47...47]).joined(separator: "\n").utf8), "requests.jsonl")
        let result = try Command.execute(
            python,
            [
                tools + "/client/recount_client.py", node.url, file, "--submitter",
                node.folder.path + "/net/submitters/submitter", "--key-file",
                node.folder.path + "/unlock.key", "--recount", Command.path, "--policy", "1-of-1",
            ])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(result.lines.first?.hasPrefix("entry ") ?? false, "\(result.output)")
        let told = result.lines.dropFirst().map { $0.split(separator: " ") }
        #expect(told.count == 9)
        let expected = try lines[0..<8].map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (object?["expect"] as? [String: Any])?["outcome"] as? String ?? ""
        }
        for (row, outcome) in zip(told, expected) {
            #expect(row.dropFirst().joined(separator: " ") == "\(outcome) certificate verified")
        }
        #expect(told.last?.dropFirst().first == "refused")
        #expect(node.stop() == 0)
    }

    /// The first two sample requests, of which the first is to come to `outcome`.
    private static func twoRequests(expecting outcome: String, in folder: TemporaryFolder)
        throws -> String
    {
        var lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").prefix(2).map(String.init)
        lines[0] = lines[0].replacingOccurrences(
            of: #""outcome":"approved""#, with: #""outcome":"\#(outcome)""#)
        return try folder.write(Array(lines.joined(separator: "\n").utf8), "\(outcome).jsonl")
    }

    /// What the client makes of a node at an address.
    private static func ask(
        _ url: String, _ node: AnsweringNode, expecting outcome: String = "approved",
        submitter: String? = nil, _ more: [String] = []
    ) throws -> CommandResult {
        let folder = node.folder
        return try Command.execute(
            python,
            [
                tools + "/client/recount_client.py", url,
                try twoRequests(expecting: outcome, in: folder), "--submitter",
                submitter ?? folder.path + "/net/submitters/submitter", "--key-file",
                folder.path + "/unlock.key", "--recount", Command.path, "--policy", "1-of-1",
            ] + more)
    }

    /// A node that answers so, and for the rest as an honest one does to who has handed in already.
    private static func lying(
        _ node: AnsweringNode, _ rules: [LyingNode.Rule]
    ) throws -> LyingNode {
        let event = #"{"entry":9,"fields":{"outcome":"approved"},"kind":"outcomeDecided"}"#
        return try LyingNode(
            node,
            rules + [
                .init(path: "/events", body: "data: \(event)\n\n"), .init(path: "/requests/"),
                .init(path: "/requests", body: #"{"state":"taken"}"#),
            ])
    }

    @Test(.enabled(if: Reader.isThere, "no pynacl: see Tools/test"))
    func `the client in Python believes no node, and tells what is not as it is to be`() throws {
        let node = try AnsweringNode()
        try node.decide(2)
        let honest = try Self.lying(node, [.init(path: "/status", status: 503, body: "", times: 1)])
        let status = try JSONSerialization.jsonObject(with: node.get("/status"))
        let id = try #require((status as? [String: Any])?["ledger"] as? String)
        let right = try Self.ask(honest.url, node, ["--ledger-id", id])
        #expect(right.status == 0, "\(right.output) \(right.errors)")
        let names = right.lines.dropFirst().map { String($0.prefix(64)) }
        #expect(
            right.lines.dropFirst().map(String.init)
                == names.map { "\($0)  approved  certificate verified" })
        try #require(names.count == 2)

        let other = try Self.ask(
            honest.url, node, ["--ledger-id", String(repeating: "ab", count: 32)])
        #expect(other.status == 1 && other.output.isEmpty)
        #expect(other.errors.contains("is of the ledger \(id), which is not yours"))
        let (first, row) = ("/requests/\(names[0])", "/requests/\(names[0])?wait")
        let lies: [(rule: LyingNode.Rule, expected: String, said: String)] = [
            (
                .init(path: first + "/certificate", target: "/requests/\(names[1])/certificate"),
                "approved", "approved  not verified"
            ),
            (.init(path: first + "/certificate", body: "no"), "approved", "approved  not verified"),
            (
                .init(path: row, body: #"{"outcome":"rejected"}"#), "rejected",
                "rejected  not verified"
            ),
            // Nothing is false but what was expected.
            (.init(path: row), "rejected", "approved  certificate verified"),
            (
                .init(path: row, status: 422, body: #"{"error":"nullifierSpent"}"#), "approved",
                "refused  not verified"
            ),
        ]
        for (rule, expected, said) in lies {
            let liar = try Self.lying(node, [rule])
            let result = try Self.ask(liar.url, node, expecting: expected)
            #expect(result.status == 1, "\(said): \(result.output) \(result.errors)")
            #expect(result.lines.dropFirst().first == "\(names[0])  \(said)", "\(result.output)")
            #expect(result.lines.last == "\(names[1])  approved  certificate verified")
        }
        let broken = try Self.lying(node, [.init(path: "/circuits", status: 500, body: "oh")])
        let ended = try Self.ask(broken.url, node)
        #expect(ended.status == 1 && ended.output.isEmpty)
        #expect(ended.errors.contains("/circuits: 500 'oh'"), "\(ended.errors)")
        #expect(node.stop() == 0)
    }

    @Test(.enabled(if: Reader.isThere, "no pynacl: see Tools/test"))
    func `the client in Python opens keys that a key file seals, and no others`() throws {
        let node = try AnsweringNode()
        let home = node.folder.path + "/net/submitters/submitter"
        let file = "\(home)/keys/submitter.key"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        // The kind of the seal: a passphrase.
        bytes[8] = 1
        try FileManager.default.removeItem(atPath: file)
        try bytes.write(to: URL(fileURLWithPath: file))
        let result = try Self.ask(node.url, node)
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.contains("the key is not sealed by a key file"), "\(result.errors)")
        #expect(node.stop() == 0)
    }

    @Test(.enabled(if: isThere(schemathesis), "no schemathesis: see Tools/schemathesis/setup"))
    func `a node answers as its document says, whatever it is asked`() throws {
        let node = try AnsweringNode()
        try node.decide(3)
        let given = ProcessInfo.processInfo.environment["RECOUNT_SEED"].flatMap { UInt32($0) }
        // Always the same, unless one is given: what others find is found by trying them.
        let seed = given ?? 1
        print("schemathesis: RECOUNT_SEED=\(seed)")
        let result = try Command.execute(
            schemathesis,
            [
                "run", node.url + "/openapi.json", "--seed", "\(seed)", "--max-examples", "20",
                "--phases", "examples,coverage,fuzzing", "--no-color", "--no-shrink",
                // An endless answer is no case for it; other tests follow events.
                "--exclude-path", "/events",
                // What is well formed may still be unsigned, unknown or out of the ledger's range.
                "--exclude-checks", "positive_data_acceptance", "--warnings", "off",
                "--request-timeout", "120", "--suppress-health-check", "all",
            ])
        #expect(result.status == 0, "seed \(seed)\n\(result.output)\n\(result.errors)")
        #expect(result.output.contains("No issues found"), "\(result.output)")
        #expect(node.stop() == 0)
    }
}
