// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let samples = Vectors.repository.appendingPathComponent("Tools/samples").path
private let isThere = FileManager.default.fileExists(atPath: samples + "/requests.jsonl")

/// A home with a few decisions and a checkpoint.
private struct Proved: Sendable {
    let folder: TemporaryFolder
    let home: String
    let ledger: String
    let size: Int

    init() throws {
        folder = try TemporaryFolder()
        let network = folder.path + "/net"
        home = network + "/validator-1"
        let key = folder.path + "/unlock.key"
        let made = try Command.run(
            "init", network, "--config", samples + "/recount.toml", "--key-file", key, "--json")
        let requests = try String(contentsOfFile: samples + "/requests.jsonl", encoding: .utf8)
        let few = try folder.write(
            Array(requests.split(separator: "\n").prefix(4).joined(separator: "\n").utf8),
            "few.jsonl")
        _ = try Command.run("run", network, "--requests", few, "--key-file", key, "--json")
        _ = try Command.run("checkpoint", "sign", network, "--key-file", key)
        ledger = try made.object()["ledger_id"] as? String ?? ""
        size = try Command.run("ledger", "info", home, "--json").object()["size"] as? Int ?? 0
    }

    static let shared = Result { try Proved() }
}

@Suite(.enabled(if: isThere, "no samples at \(samples)"))
struct ProveTests {
    private static let commands = [
        ["prove"], ["prove", "entry"], ["prove", "consistency"], ["prove", "request"],
        ["prove", "check"], ["certificate"], ["certificate", "verify"], ["certificate", "show"],
    ]

    @Test(arguments: commands)
    func `help teaches the commands about proofs`(_ command: [String]) throws {
        let result = try Command.run(command + ["--help"])
        #expect(result.status == 0)
        #expect(result.output.contains("  recount "), "an example is missing")
        for line in result.lines where !line.hasPrefix("USAGE: ") {
            #expect(line.count <= 80, "\(line)")
        }
        #expect(try Command.run(command + ["--no-such-option"]).status == 2)
    }

    @Test func `an entry is proved and checked against the root alone`() throws {
        let proved = try Proved.shared.get()
        let size = "\(proved.size)"
        let made = try Command.run(
            "prove", "entry", proved.home, "3", "--size", size, "--json")
        #expect(made.status == 0, "\(made.errors)")
        let root = try #require(try made.object()["root"] as? String)
        let file = try proved.folder.write(Array(made.output.utf8), "3.json")
        #expect(try Command.run("prove", "check", file, "--root", root).status == 0)
        let other = String(root.reversed())
        #expect(try Command.run("prove", "check", file, "--root", other).status == 1)
        let changed = try proved.folder.write(
            Array(made.output.replacing("\"index\" : 3", with: "\"index\" : 4").utf8), "4.json")
        let wrong = try Command.run("prove", "check", changed, "--root", root, "--json")
        #expect(wrong.status == 1)
        #expect(try wrong.object()["result"] as? String == "invalid")
        #expect(try Command.run("prove", "check", file, "--root", "12").status == 2)
        #expect(try Command.run("prove", "check", "/absent", "--root", root).status == 2)
        #expect(try Command.run("prove", "entry", proved.home, size).status == 2)
        #expect(try Command.run("prove", "entry", proved.home, "3", "--size", "3").status == 2)
    }

    @Test func `consistency is proved and checked against both roots`() throws {
        let proved = try Proved.shared.get()
        let made = try Command.run(
            "prove", "consistency", proved.home, "5", "\(proved.size)", "--json")
        #expect(made.status == 0, "\(made.errors)")
        let root = try #require(try made.object()["root"] as? String)
        let old = try #require(try made.object()["old_root"] as? String)
        let file = try proved.folder.write(Array(made.output.utf8), "grown.json")
        #expect(
            try Command.run("prove", "check", file, "--root", root, "--old-root", old).status == 0)
        #expect(
            try Command.run("prove", "check", file, "--root", old, "--old-root", old).status == 1)
        #expect(try Command.run("prove", "check", file, "--root", root).status == 2)
        #expect(try Command.run("prove", "consistency", proved.home, "0", "5").status == 2)
        #expect(try Command.run("prove", "consistency", proved.home, "5", "4").status == 2)
    }

    @Test func `a decision goes to a stranger in one file`() throws {
        let proved = try Proved.shared.get()
        let requests = try Command.run(
            "log", proved.home, "--kind", "requestSubmitted", "--json"
        ).objects()
        for request in requests {
            let entry = try #require(request["entry"] as? Int)
            let file = proved.folder.path + "/\(entry).rcct"
            let made = try Command.run(
                "prove", "request", proved.home, "\(entry)", "--out", file, "--json")
            #expect(made.status == 0, "\(made.errors)")
            let verified = try Command.run(
                "certificate", "verify", file, "--policy", "7-of-10", "--ledger", proved.ledger,
                "--json")
            #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
            #expect(try verified.object()["is_valid"] as? Bool == true)
            #expect(try Command.run("certificate", "show", file).status == 0)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            bytes[bytes.count - 40] ^= 1
            let changed = try proved.folder.write(Array(bytes), "changed.rcct")
            let refused = try Command.run(
                "certificate", "verify", changed, "--policy", "7-of-10", "--ledger",
                proved.ledger)
            #expect(refused.status == 1)
            #expect(refused.output.contains("not valid"))
        }
        #expect(!requests.isEmpty)
    }

    @Test func `what cannot be judged gives 2 and says what to give`() throws {
        let proved = try Proved.shared.get()
        let file = try proved.folder.write(Array("RCCT".utf8), "short.rcct")
        let policy = ["certificate", "verify", file, "--policy"]
        let none = try Command.run(policy + ["7-of-10"])
        #expect(none.status == 2)
        #expect(none.errors.contains("--ledger") && none.errors.contains("--keys"))
        #expect(try Command.run(policy + ["7/10", "--ledger", proved.ledger]).status == 2)
        #expect(try Command.run(policy + ["7-of-10", "--ledger", "12"]).status == 2)
        // What is no certificate proves nothing: the answer is no.
        #expect(try Command.run(policy + ["7-of-10", "--ledger", proved.ledger]).status == 1)
        #expect(try Command.run("prove", "request", proved.home, "zz").status == 2)
        #expect(try Command.run("prove", "request", proved.home, "ffffffffff").status == 2)
    }
}
