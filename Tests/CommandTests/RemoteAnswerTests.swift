// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What commands make of answers that a right node does not give.
@Suite(
    .enabled(
        if: samplesAreThere && FileManager.default.isExecutableFile(atPath: LyingNode.python),
        "no samples at \(samplesFolder), or no \(LyingNode.python)"))
struct RemoteAnswerTests {
    /// A sample request for `submit`, with what it needs.
    private func submit(_ node: AnsweringNode, at url: String) throws -> [String] {
        let lines = try String(contentsOfFile: samplesFolder + "/requests.jsonl", encoding: .utf8)
        let first = lines.split(separator: "\n")[0]
        let file = try node.folder.write(Array(first.utf8), "requests.jsonl")
        return [
            "submit", "--node", url, "--request", file, "--submitter",
            node.folder.path + "/net/submitters/submitter", "--key-file",
            node.folder.path + "/unlock.key", "--json",
        ]
    }

    @Test func `lists that give too much, or have no first page, end the command`() throws {
        let node = try AnsweringNode()
        try node.decide(3)
        let more = try LyingNode(node, [.init(path: "/requests", target: "/requests?limit=3")])
        let rows = try Command.run("requests", "--node", more.url, "--limit", "1")
        #expect(rows.status == 2 && rows.output.isEmpty, "\(rows.output)")
        #expect(rows.errors.contains("more rows than it was asked for"), "\(rows.errors)")
        let page = try node.get("/requests?limit=1")
        let text = String(decoding: page, as: UTF8.self)
        let object = try JSONSerialization.jsonObject(with: page) as? [String: Any]
        let older = try #require(object?["older"] as? Int)
        #expect(text.contains("\"older\":\(older)"))
        for body in [text, #"{"requests":[],"older":1}"#] {
            let round = try LyingNode(node, [.init(path: "/requests", body: body)])
            let endless = try Command.run("requests", "--node", round.url, "--limit", "0")
            #expect(endless.status == 2, "\(endless.output)")
            #expect(endless.errors.contains("a page before the first"), "\(endless.errors)")
        }
        #expect(node.stop() == 0)
    }

    @Test func `rows of many pages stand as in the ledger`() throws {
        let node = try AnsweringNode()
        try node.decide(4)
        var rules: [LyingNode.Rule] = []
        var query: String? = ""
        while let rest = query, rules.count < 10 {
            let target = "/requests?limit=1" + rest
            rules.append(.init(path: "/requests", target: target, times: 1))
            let page = try JSONSerialization.jsonObject(with: try node.get(target))
            query = ((page as? [String: Any])?["older"] as? Int).map { "&to=\($0)" }
        }
        #expect(rules.count >= 4)
        let narrow = try LyingNode(node, rules)
        let result = try Command.run("requests", "--node", narrow.url, "--limit", "0", "--json")
        let local = try Command.run("requests", node.home, "--limit", "0", "--json")
        #expect(result.output == local.output && result.lines.count == 4, "\(result.errors)")
        #expect(node.stop() == 0)
    }

    @Test func `a busy node is asked again, and one that took something else is not believed`()
        throws
    {
        let node = try AnsweringNode()
        let busy = try LyingNode(
            node,
            [429, 503].map {
                .init(
                    path: "/requests", status: $0, body: #"{"error":"busy","message":"later"}"#,
                    times: 1)
            })
        let taken = try Command.run(try submit(node, at: busy.url) + ["--wait"])
        #expect(taken.status == 0, "\(taken.errors)")
        #expect(try taken.object()["outcome"] as? String == "approved")
        let id = String(repeating: "ab", count: 32)
        let other = try LyingNode(
            node, [.init(path: "/requests", body: #"{"id":"\#(id)","state":"taken"}"#)])
        let wrong = try Command.run(try submit(node, at: other.url))
        #expect(wrong.status == 2, "\(wrong.output)")
        #expect(wrong.errors.contains("it took \(id)"), "\(wrong.errors)")
        #expect(node.stop() == 0)
    }

    @Test func `a refusal that comes while a request is followed is its fate`() throws {
        let node = try AnsweringNode()
        let id = try #require(
            try Command.run(try submit(node, at: node.url)).object()["request_id"] as? String)
        let late = try LyingNode(
            node,
            [
                .init(
                    path: "/requests/\(id)", status: 422,
                    body: #"{"error":"nullifierSpent","message":"it is spent"}"#)
            ])
        let result = try Command.run(try submit(node, at: late.url) + ["--wait"])
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.output.contains("it is spent"), "\(result.output)")
        #expect(node.stop() == 0)
    }

    @Test func `the certificate of another request is not written`() throws {
        let node = try AnsweringNode()
        try node.decide(2)
        let rows = try Command.run("requests", node.home, "--json").objects()
        let ids = rows.compactMap { $0["request_id"] as? String }
        let out = node.folder.path + "/it.rcct"
        var right = try Command.run("prove", "request", "--node", node.url, ids[1], "--out", out)
        // The checkpoint that covers it is made a moment later.
        for _ in 0..<600 where right.status != 0 {
            Thread.sleep(forTimeInterval: 0.1)
            right = try Command.run("prove", "request", "--node", node.url, ids[1], "--out", out)
        }
        #expect(right.status == 0, "\(right.errors)")
        try FileManager.default.removeItem(atPath: out)
        let liar = try LyingNode(
            node,
            [
                .init(
                    path: "/requests/\(ids[0])/certificate",
                    target: "/requests/\(ids[1])/certificate")
            ])
        let result = try Command.run(
            "prove", "request", "--node", liar.url, ids[0], "--out", out)
        #expect(result.status == 2, "\(result.output)")
        #expect(result.errors.contains("of another request"), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: out))
        #expect(node.stop() == 0)
    }
}
