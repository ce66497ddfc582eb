// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// Commands that ask a node over HTTP print what they print of its ledger.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct RemoteTests {
    /// The names of the node and its home, which stand in what people are told, are made equal.
    private func plain(_ text: String, _ node: AnsweringNode) -> String {
        text.replacingOccurrences(of: "--node \(node.url)", with: "PLACE")
            .replacingOccurrences(of: node.url, with: "PLACE")
            .replacingOccurrences(of: node.home + "/ledger", with: "PLACE")
            .replacingOccurrences(of: node.home, with: "PLACE")
    }

    @Test func `every view is the same from a ledger and from its node`() throws {
        let node = try AnsweringNode()
        try node.decide(5)
        let rows = try Command.run("requests", node.home, "--json").objects()
        let id = try #require(rows[0]["request_id"] as? String)
        let time = "2026-01-01T00:00:00Z"
        // The command, what stands before the place of the ledger, and what stands behind it.
        let commands: [([String], [String])] = [
            (["requests"], []), (["requests"], ["--outcome", "rejected", "--limit", "1"]),
            (["requests"], ["--limit", "2"]), (["requests"], ["--from", time, "--to", "9999"]),
            (["requests"], ["--to", "1"]),
            (["show", "request"], [id]), (["show", "request"], ["\(rows[1]["entry"] ?? 0)"]),
            (["show", "validator"], ["0"]), (["show", "validator"], ["validator-1"]),
            (["show", "reputation"], ["0"]), (["show", "reputation"], ["0", "--limit", "1"]),
            (["show", "leader"], []), (["show", "leader"], ["2"]), (["show", "leader"], [id]),
            (["show", "leader"], ["--request", "\(rows[0]["entry"] ?? 0)"]),
            (["show", "batch"], []), (["show", "batch"], ["1"]),
            (["show", "entry"], ["0"]), (["show", "entry"], ["7"]),
            (["validators"], []), (["validators"], ["--from", "3"]),
            (["validators", "--by-round"], []), (["validators", "--by-round"], ["--limit", "2"]),
            (["leaders"], []), (["leaders"], ["--only", "batches", "--history", "3"]),
            (["log"], []), (["log"], ["--from", "3", "--to", "9"]), (["log"], ["--last", "5"]),
            (["log"], ["--kind", "voteCast", "--kind", "votesCast"]),
            (["log"], ["--request", id]),
            (["log"], ["--validator", "0", "--last", "40"]), (["log"], ["--from", time]),
            (["job", "list"], []),
            (["prove", "entry"], ["3", "--size", "6"]), (["prove", "consistency"], ["3", "8"]),
        ]
        for (command, rest) in commands {
            for form in [[], ["--json"]] {
                let local = try Command.run(command + [node.home] + rest + form)
                let remote = try Command.run(command + ["--node", node.url] + rest + form)
                #expect(local.status == 0, "\(command) \(rest): \(local.errors)")
                #expect(
                    plain(remote.output, node) == plain(local.output, node)
                        && remote.status == local.status,
                    "\(command) \(rest) \(form): \(remote.errors)")
                #expect(!local.output.isEmpty || !form.isEmpty)
            }
        }
        #expect(node.stop() == 0)
    }

    @Test func `what is not there is told as of a ledger`() throws {
        let node = try AnsweringNode()
        try node.decide(1)
        for (command, rest) in [
            (["show", "request"], ["ffff"]), (["show", "validator"], ["nobody"]),
            (["show", "entry"], ["99999"]), (["show", "job"], ["ffff"]),
            (["job", "result"], ["ffff"]), (["show", "batch"], ["99999"]),
            (["show", "nullifier"], ["ffffffff"]), (["log"], ["--request", "ffff"]),
        ] {
            let result = try Command.run(command + ["--node", node.url] + rest)
            #expect(result.status == 2 && result.output.isEmpty, "\(command): \(result.output)")
            #expect(result.errors.contains(rest.last ?? ""), "\(result.errors)")
        }
        #expect(node.stop() == 0)
        let gone = try Command.run("requests", "--node", node.url)
        #expect(gone.status == 2)
        #expect(gone.errors.contains("is the node running"), "\(gone.errors)")
    }

    @Test func `requests, certificates and checkpoints go over HTTP`() throws {
        let node = try AnsweringNode()
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").prefix(4).joined(separator: "\n")
        let file = try node.folder.write(Array(lines.utf8), "requests.jsonl")
        let submit = [
            "submit", "--node", node.url, "--request", file, "--submitter",
            node.folder.path + "/net/submitters/submitter", "--key-file",
            node.folder.path + "/unlock.key", "--json",
        ]
        let wrong = try Command.run(
            submit + ["--ledger-id", String(repeating: "0", count: 64)])
        #expect(wrong.status == 2 && wrong.errors.contains("keeps the ledger"), "\(wrong.errors)")
        let result = try Command.run(submit + ["--wait"])
        let fates = try result.objects()
        #expect(
            fates.compactMap { $0["outcome"] as? String }
                == ["approved", "approved", "approved", "rejected"], "\(result.errors)")
        #expect(result.status == 1, "one was rejected")
        #expect(try Command.run(submit).status == 0, "what is known is handed in")
        let id = try #require(fates[0]["request_id"] as? String)
        let out = node.folder.path + "/request.rcct"
        var written = CommandResult(status: 2, output: "", errors: "")
        // The checkpoint that covers it is made a moment later.
        for _ in 0..<600 where written.status != 0 {
            written = try Command.run(
                "prove", "request", "--node", node.url, id, "--out", out, "--json")
            if written.status != 0 { Thread.sleep(forTimeInterval: 0.1) }
        }
        let about = try written.object()
        #expect(about["request_id"] as? String == id && about["outcome"] as? String == "approved")
        let ledger = try #require(about["ledger_id"] as? String)
        let verified = try Command.run(
            "certificate", "verify", out, "--policy", "1-of-1", "--ledger", ledger)
        #expect(verified.status == 0, "\(verified.output) \(verified.errors)")
        let shown = try Command.run("checkpoint", "show", "--node", node.url, "--json").object()
        #expect(shown["origin"] as? String == "recount/\(ledger)")
        #expect(node.stop() == 0)
    }

    @Test func `a change that is handed in over HTTP is said in words, as without`() throws {
        let node = try AnsweringNode()
        func propose(_ rest: String...) throws -> CommandResult {
            try Command.run(
                ["govern", "propose", node.home, "--key-file", node.folder.path + "/unlock.key"]
                    + rest + ["--force"])
        }
        let file = node.folder.path + "/change.json"
        let proposed = try propose(
            "stake", "validator=validator-1", "stake=77", "--sign", "--out", file)
        #expect(proposed.status == 0, "\(proposed.errors)")
        let words = "the stake of validator-1 becomes 77"
        let result = try Command.run(
            "govern", "submit", "--node", node.url, file, "--wait")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("Change 0, \(words): approved"), "\(result.output)")
        let second = try propose(
            "stake", "validator=validator-1", "stake=78", "--sign", "--out", file)
        #expect(second.status == 0, "\(second.errors)")
        let handed = try Command.run("govern", "submit", "--node", node.url, file)
        #expect(
            handed.output == "Handed in change 1: the stake of validator-1 becomes 78\n",
            "\(handed.output) \(handed.errors)")
        // The next number is known once the ledger holds the last change.
        var third = CommandResult(status: 2, output: "", errors: "")
        for _ in 0..<600 where third.status != 0 {
            _ = try propose("stake", "validator=validator-1", "stake=79", "--sign", "--out", file)
            third = try Command.run("govern", "submit", "--node", node.url, file, "--json")
            if third.status != 0 { Thread.sleep(forTimeInterval: 0.1) }
        }
        #expect(
            try third.object()["says"] as? String == "the stake of validator-1 becomes 79",
            "\(third.output) \(third.errors)")
        #expect(node.stop() == 0)
    }

    @Test func `a log is followed over HTTP`() throws {
        let node = try AnsweringNode()
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = [
            "log", "--node", node.url, "--kind", "outcomeDecided", "--follow", "--json",
        ]
        process.standardOutput = output
        try process.run()
        try node.decide(2)
        var told = ""
        while told.split(separator: "\n").count < 2 {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            told += String(decoding: more, as: UTF8.self)
        }
        // The tests' threads block SIGTERM, and what they start does too.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let local = try Command.run("log", node.home, "--kind", "outcomeDecided", "--json").output
        #expect(!told.isEmpty && told == local, "\(told)")
        #expect(node.stop() == 0)
    }

    @Test func `a ledger and a node are not named together, and one is`() throws {
        for arguments in [
            ["requests"], ["requests", "net", "--node", "http://127.0.0.1:1"],
            ["show", "request", "--node", "http://127.0.0.1:1"],
            ["show", "request", "net", "3f", "--node", "http://127.0.0.1:1"],
            ["show", "entry", "--node", "http://127.0.0.1:1", "x"],
            ["prove", "consistency", "--node", "http://127.0.0.1:1", "1"],
            ["requests", "--node", "ftp://host"], ["requests", "--node", "http://"],
            ["leaders", "--node", "http://127.0.0.1:1", "--history", "0"],
            ["checkpoint", "show"],
        ] {
            let result = try Command.run(arguments)
            #expect(result.status == 2 && result.errors.contains("Usage"), "\(arguments)")
        }
    }
}
