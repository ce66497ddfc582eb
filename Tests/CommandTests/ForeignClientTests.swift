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
    @Test(.enabled(if: isThere(python), "no pynacl: see Tools/test"))
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
