// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import Cryptography
import Foundation
import Ledger
import NIOCore
import TestSupport
import Testing

/// Runs what blocks away from the threads of tasks.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}

/// A client of a node that may say anything.
struct ClientTests {
    private static func status(
        _ answer: RawServer.Answer, seconds: Int64 = 60
    ) async throws -> Result<UInt64, ClientError> {
        let server = try await RawServer { _ in answer }
        let node = RemoteNode(server.url, seconds: seconds)
        return await blocking {
            Result { () throws(ClientError) in try node.status().size }
        }
    }

    private static let good = #"{"ledger":"00","size":7,"height":3,"more":[{}]}"#

    @Test("addresses")
    func addresses() {
        for text in [
            "http://127.0.0.1:5100", "http://[::1]:80", "http://node.example:1/under/a-path",
        ] {
            #expect(NodeURL(text)?.description == text)
        }
        #expect(NodeURL("http://node.example/")?.description == "http://node.example:80")
        for text in [
            "", "http://", "https://node", "ftp://node", "node", "http://a:0", "http://a:x",
            "http://a:65536", "http://a b", "http://u@a", "http://a/?q", "http://[::1",
            "http://[x]",
            "http://a\r\nHost: b", "http://" + String(repeating: "a", count: 600),
        ] {
            #expect(NodeURL(text) == nil, "\(text)")
        }
    }

    @Test("a good answer is read, also in parts, also after a first word")
    func good() async throws {
        let chunked = """
            HTTP/1.1 100 Continue

            HTTP/1.1 200 OK
            Transfer-Encoding: chunked

            10
            {"ledger":"00","
            19
            size":7,"height":3,"a":1}
            0


            """
        #expect(try await Self.status(.json(Self.good)).get() == 7)
        #expect(try await Self.status(.text(chunked)).get() == 7)
    }

    @Test("what is no answer of a node is told in words")
    func nonsense() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        let cases: [(RawServer.Answer, String)] = [
            (.bytes([]), "ended the connection"),
            (.bytes(Array("\u{1B}[2Jgarbage\r\n\r\n".utf8)), "not HTTP"),
            (.bytes(Array("SSH-2.0-x\r\n".utf8)), "not HTTP"),
            (.json("no JSON"), "it is no JSON"), (.json("[]"), "is no"),
            (.json("{}"), "has no ledger"),
            (.json(#"{"ledger":"00","size":-1,"height":3}"#), "is not what a node"),
            (.json(#"{"ledger":"00","size":"7","height":3}"#), "size is no"),
            (.json(String(repeating: "[", count: 100_000)), "no JSON"),
            (.bytes(Array((head + "Content-Length: 99\r\n\r\n{}").utf8)), "ended"),
            (.bytes(Array((head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{").utf8)), "ended"),
            (
                .text("HTTP/1.1 302 Found\nLocation: http://else\nContent-Length: 0\n\n"),
                "sends on to http://else"
            ),
            (
                .bytes(
                    Array(("HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 99_999)).utf8)),
                "not HTTP"
            ),
            (
                .json(#"{"error":"notFound","message":"no \u001b[31m"}"#, status: "404 X"),
                "no \\u{1B}"
            ),
            (.json("<html>", status: "404 Not Found"), "says no (404"),
            (.json("", status: "500 X"), "failed (500)"),
            (
                .text(
                    "HTTP/1.1 429 X\nRetry-After: 7\nContent-Length: 33\n\n"
                        + #"{"error":"a","message":"slowly "}"#), "come again in 7 s"
            ),
            (
                .text(
                    "HTTP/1.1 503 X\nContent-Length: 33\n\n"
                        + #"{"error":"a","message":"joining"}"#), "cannot answer now: joining"
            ),
        ]
        for (answer, words) in cases {
            let result = try await Self.status(answer)
            guard case .failure(let error) = result else {
                Issue.record("\(answer) is taken")
                continue
            }
            #expect("\(error)".contains(words), "\(error)")
            #expect(!"\(error)".contains("\u{1B}"))
        }
    }

    @Test("an endless body, silence, and an answer that drips end in time and bounds")
    func endless() async throws {
        let head = Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".utf8)
        let spaces = [UInt8](repeating: 0x20, count: 1 << 16)
        let long = try await Self.status(.endless(head, spaces))
        #expect(throws: ClientError.self) { try long.get() }
        if case .failure(let error) = long { #expect("\(error)".contains("more than")) }
        let body = [UInt8](repeating: 0x20, count: 10_000)
        for answer in [
            RawServer.Answer.silence([]), .silence(head),
            .drip(head + body, milliseconds: 50),
        ] {
            let result = try await Self.status(answer, seconds: 2)
            guard case .failure(.slow) = result else {
                Issue.record("\(result)")
                continue
            }
        }
    }

    @Test("a bundle of entries holds as many as were asked for, and nothing else")
    func bundles() async throws {
        let entry = Event.settlementReported(
            SettlementReported(
                request: EntryIndex(1), reference: [1], result: .settled, signature: .zero)
        ).encoded
        let bundle = [UInt8(entry.count >> 8), UInt8(entry.count & 0xFF)] + entry
        for (bytes, isGood) in [
            (bundle, true), (bundle + [0], false), (bundle + bundle, false),
            (Array(bundle.dropLast()), false), ([], false),
        ] {
            let server = try await RawServer { _ in
                let head = "HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n"
                return .bytes(Array(head.utf8) + bytes)
            }
            let node = RemoteNode(server.url)
            let result = await blocking {
                Result { () throws(ClientError) in
                    var entries = node.entries(from: 0, to: 1)
                    return try entries.entry()?.bytes
                }
            }
            if isGood {
                #expect(try result.get() == entry)
            } else {
                #expect(throws: ClientError.self, "\(bytes.count)") { try result.get() }
            }
        }
    }

    @Test("a stream of events that is none, or names no entries, is told")
    func events() async throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        func next(_ answer: RawServer.Answer) async throws -> Result<UInt64, ClientError> {
            let server = try await RawServer { _ in answer }
            let node = RemoteNode(server.url)
            return await blocking {
                Result { () throws(ClientError) in
                    var stream = try EventStream(node, from: 3)
                    return try stream.next()
                }
            }
        }
        let good = head + ": hello\n\nid: 3\nevent: voteCast\ndata: {}\n\nid: 4\ndata: x\n\n"
        #expect(try await next(.silence(Array(good.utf8))).get() == 5)
        for (answer, words) in [
            (RawServer.Answer.json("{}"), "no stream"),
            (.bytes(Array((head + "id: x\n").utf8)), "no entry"),
            (.bytes(Array((head + "id: 18446744073709551615\n").utf8)), "no entry"),
            (.bytes(Array(head.utf8)), "ended"),
            (
                .endless(Array(head.utf8), [UInt8](repeating: 0x61, count: 1 << 16)), "more than"
            ),
        ] {
            let result = try await next(answer)
            guard case .failure(let error) = result else {
                Issue.record("\(answer) is taken")
                continue
            }
            #expect("\(error)".contains(words), "\(error)")
        }
    }

    @Test("no command lets a node control the terminal")
    func escapes() async throws {
        let evil = "evil \\u001b]0;title\\u0007\\u202e"
        let name = #""\#(evil)""#
        let row = """
            {"entry":1,"request_id":\(name),"batch":1,"time":1,"circuit":\(name),"submitter":0,
            "submitter_name":\(name),"amount":1,"recipient":\(name),"timestamp":1,"leader":0,
            "leader_name":\(name),"threshold":1,"deadline":1,"outcome":\(name),"reason":\(name),
            "approvals":1,"rejections":0,"abstentions":0,"margin":0,"settlement":\(name)}
            """
        let validator = """
            {"validator":0,"name":\(name),"key":\(name),"stake":1,"reputation":1,"is_member":true,
            "asked":1,"approved":1,"rejected":0,"abstained":0,"missed":0,"cut_short":0,
            "contradicted":0,"convicted":0,"leads":0}
            """
        let job = """
            {"entry":1,"job_id":\(name),"batch":1,"time":1,"submitter":0,"submitter_name":\(name),
            "module":\(name),"input":\(name),"fuel":1,"memory_bytes":1,"milliseconds":1,
            "engine":\(name),"engine_version":\(name),"timestamp":1,"decision":\(name),
            "status":\(name),"reason":\(name),"reports":[{"validator":0,"name":\(name),
            "status":\(name),"output":\(name)}]}
            """
        let batch = """
            {"batch":1,"entry":1,"sealed":2,"entries":2,"time":1,"proposer":0,
            "proposer_name":\(name),"round":0,"root":\(name),"state_root":\(name),"votes":0,
            "jobs":0,"settlements_ordered":0,"settlements_reported":0,"evidence":0,"refusals":0,
            "governance":0,"requests":[{"request":1,"request_id":\(name),"is_submitted":true,
            "outcome":\(name)}]}
            """
        let ranking = """
            {"request":1,"request_id":\(name),"leader":0,"leader_name":\(name),"is_next":false,
            "ranking":[{"rank":0,"validator":0,"name":\(name),"key":\(name),"stake":1,
            "reputation":1,"weight_share":1,"chance":1}]}
            """
        let history = """
            {"entry":1,"batch":1,"request":{"request_id":\(name),"circuit":\(name),
            "proof":"","public_inputs":[],"amount":1,"recipient":\(name),"timestamp":1,
            "nullifiers":[\(name)],"submitter":\(name),"submitter_name":\(name),"signature":""},
            "submitter":0,"leader":0,"leader_name":\(name),"threshold":1,"deadline":1,
            "pinned":[{"validator":0,"name":\(name),"key":\(name),"stake":1,"reputation":1}],
            "votes":[],"events":[],"refused":[{"entry":3,"refusal":\(name)}],"decision_entry":2,
            "result":{"request_id":\(name),"outcome":\(name),"reason":\(name),
            "tally":{"approvals":1,"rejections":0,"abstentions":0},"votes":[],"final_timestamp":1}}
            """
        let answers: [(command: [String], path: String, json: String)] = [
            (["requests"], "/requests?", #"{"requests":[\#(row)]}"#),
            (["job", "list"], "/jobs?", #"{"jobs":[\#(job)]}"#),
            (["job", "show", "1"], "/jobs/1", job),
            (["validators"], "/validators", #"{"validators":[\#(validator)]}"#),
            (
                ["validators", "--by-round"], "/rounds",
                #"""
                {"rounds":[{"request":1,"request_id":\#(name),"outcome":\#(name),"is_open":true,
                "answers":[{"validator":0,"name":\#(name),"answer":\#(name),
                "is_contradicted":false,"is_convicted":false}]}]}
                """#
            ),
            (
                ["show", "validator", "0"], "/validators/0",
                #"""
                {"summary":\#(validator),"memberships":[],"stakes":[],"convictions":[{"entry":1,
                "slot":\#(name)}],"causes":[{"cause":\#(name),"count":1,"change":1}],"proposed":0,
                "jobs_assigned":0,"jobs_reported":0}
                """#
            ),
            (
                ["show", "reputation", "0"], "/validators/0/reputation",
                #"""
                {"validator":0,"name":\#(name),"key":\#(name),"reputation":1,"causes":[],
                "changes":[{"entry":1,"time":1,"cause":\#(name),"before":0,"after":1}]}
                """#
            ),
            (["show", "batch"], "/batches/last", batch),
            (["show", "leader", "ab"], "/requests/ab/leader", ranking),
            (["show", "request", "ab"], "/requests/ab/history", history),
            (
                ["show", "nullifier", "ab"], "/nullifiers/ab",
                #"""
                {"nullifier":\#(name),"decimal":\#(name),"condition":\#(name),
                "claims":[{"request":1,"request_id":\#(name),"outcome":\#(name),
                "condition":\#(name)}]}
                """#
            ),
            (
                ["leaders", "--only", "requests"], "/leaders",
                #"""
                {"requests":{"shares":{"kind":"requests","count":1,"passed_over":0,
                "validators":[{"validator":0,"name":\#(name),"candidate":1,"led":1,"share":1,
                "weight_share":1,"predicted_share":1,"deviation":0}]},"history":[{"request":1,
                "leader":0,"leader_name":\#(name)}]}}
                """#
            ),
        ]
        for (command, path, json) in answers {
            let server = try await RawServer { asked in
                if asked == "/names" {
                    return .json(#"{"validators":[],"submitters":[],"circuits":[]}"#)
                }
                return asked.hasPrefix(path)
                    ? .json(json) : .json(#"{"error":"x","message":"x"}"#, status: "404 X")
            }
            let at = command.prefix { !$0.hasPrefix("--") && $0.count > 2 }.count
            var arguments = command
            arguments.insert(contentsOf: ["--node", "\(server.url)"], at: at)
            let (status, output) = try Self.run(arguments)
            let text = String(decoding: output, as: UTF8.self)
            #expect(status == 0, "\(command): \(text)")
            #expect(text.contains("evil \\u{1B}"), "\(command): \(text)")
            for control in ["\u{1B}", "\u{7}", "\u{202E}"] {
                #expect(!text.contains(control), "\(command)")
            }
        }
    }

    /// Runs the program; returns its status and all that it says.
    static func run(_ arguments: [String]) throws -> (status: Int32, output: Data) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }
}
