// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let python = "/usr/bin/python3"

/// Stands before a node and passes on what it answers, changed by rules.
private final class LyingNode {
    /// What is done with questions whose target begins so.
    struct Rule: Encodable {
        var path: String
        /// Asked of the node in the place of the target.
        var target: String?
        /// Answered in the place of what the node says.
        var status: Int?
        var body: String?
        /// How often; then the rule counts no more.
        var times: Int?
    }

    /// Rules as JSON and the node's URL are its arguments; it prints its port.
    private static let script = """
        import http.server, json, sys, urllib.error, urllib.request
        rules, node = json.loads(sys.argv[1]), sys.argv[2]

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size) if size else None
                rule = next((r for r in rules if self.path.startswith(r["path"])
                             and r.get("times", 1) > 0), {})
                if "times" in rule:
                    rule["times"] -= 1
                status, said = rule.get("status", 200), rule.get("body", "").encode()
                if "body" not in rule:
                    kind = {"Content-Type": self.headers.get("Content-Type") or "text/plain"}
                    request = urllib.request.Request(
                        node + rule.get("target", self.path), data=body, headers=kind)
                    try:
                        with urllib.request.urlopen(request) as reply:
                            status, said = reply.status, reply.read()
                    except urllib.error.HTTPError as error:
                        status, said = error.code, error.read()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = answer

            def log_message(self, *rest):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    let url: String
    private let process = Process()

    init(_ node: AnsweringNode, _ rules: [Rule]) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            "-c", Self.script, String(decoding: try JSONEncoder().encode(rules), as: UTF8.self),
            node.url,
        ]
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        var told = ""
        while !told.hasSuffix("\n") {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { break }
            told += String(decoding: more, as: UTF8.self)
        }
        let port = try #require(Int(told.trimmingCharacters(in: .newlines)), "\(told)")
        url = "http://127.0.0.1:\(port)"
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// What commands make of answers that a right node does not give.
@Suite(
    .enabled(
        if: samplesAreThere && FileManager.default.isExecutableFile(atPath: python),
        "no samples at \(samplesFolder), or no \(python)"))
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
