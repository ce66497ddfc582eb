// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Stands before a node and passes on what it answers, changed by rules.
final class LyingNode {
    /// What runs it.
    static let python = "/usr/bin/python3"

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
        process.executableURL = URL(fileURLWithPath: Self.python)
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
