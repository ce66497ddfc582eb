// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Audit
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

extension APISuite {
    @Suite("The console and what it asks", .serialized)
    struct ConsoleTests {
        private static let folder = Vectors.repository
            .appendingPathComponent("Sources/API/Console").path

        @Test("all files of the folder are served, and no other")
        func folder() throws {
            let there = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
            var carried = ["index.html": ConsoleFiles.page]
            for (name, bytes) in ConsoleFiles.all { carried[name] = bytes }
            #expect(Set(there) == Set(carried.keys))
            for (name, bytes) in carried {
                let file = URL(fileURLWithPath: Self.folder + "/" + name)
                #expect(try Array(Data(contentsOf: file)) == bytes, "\(name)")
            }
        }

        @Test("the page names files that never change, and is asked for again")
        func served() async throws {
            try await RunningNode.with(nodes: ["http://127.0.0.1:1"]) { node in
                let page = try await node.http.get("/")
                #expect(page.status == 200)
                #expect(page.headers["content-type"] == "text/html; charset=utf-8")
                #expect(page.headers["x-content-type-options"] == "nosniff")
                let policy = try #require(page.headers["content-security-policy"])
                #expect(policy.contains("default-src 'none'"))
                #expect(policy.contains("connect-src 'self' http://127.0.0.1:1;"))
                #expect(!policy.contains("unsafe-inline") && !policy.contains("*"))
                let tag = try #require(page.headers["etag"])
                let again = try await node.http.get("/", ["If-None-Match": tag])
                #expect(again.status == 304 && again.body.isEmpty)
                let names = page.text.matches(of: /"(console\/[0-9a-f]{16}\/[a-z.]+)"/)
                #expect(names.count == 8)
                for name in names {
                    let file = try await node.http.get("/\(name.1)")
                    #expect(file.status == 200, "\(name.1)")
                    #expect(file.headers["cache-control"]?.contains("immutable") == true)
                    #expect(file.headers["x-content-type-options"] == "nosniff")
                }
                let version = names[0].1.split(separator: "/")[1]
                for (name, type) in [
                    ("app.js", "text/javascript; charset=utf-8"),
                    ("proof.wasm", "application/wasm"),
                    ("icon.svg", "image/svg+xml"), ("console.css", "text/css; charset=utf-8"),
                ] {
                    let file = try await node.http.get("/console/\(version)/\(name)")
                    #expect(file.headers["content-type"] == type)
                }
                for path in [
                    "/console/\(version)/index.html", "/console/0000000000000000/app.js",
                    "/console/\(version)/..%2Fapp.js", "/console/\(version)/", "/console",
                    "/index.html", "/console/\(version)/app.js/x",
                ] { #expect(try await node.http.get(path).status == 404, "\(path)") }
                #expect(try await node.http.get("/?x=1").status == 400)
                #expect(try await node.http.post("/", []).status == 405)
            }
        }

        @Test("pages of listed nodes may read answers to GET, and nobody else may")
        func origins() async throws {
            let other = "http://127.0.0.1:1"
            try await RunningNode.with(nodes: [other]) { node in
                let lent = "access-control-allow-origin"
                let read = try await node.http.get("/status", ["Origin": other])
                #expect(read.headers[lent] == other && read.headers["vary"] == "Origin")
                #expect(read.headers["access-control-allow-credentials"] == nil)
                #expect(
                    try await node.http.get("/nothing", ["Origin": other]).headers[lent] == other)
                for origin in [
                    "http://127.0.0.1:2", "null", "*", "http://evil.example", other + "/",
                ] {
                    let reply = try await node.http.get("/status", ["Origin": origin])
                    #expect(reply.headers[lent] == nil, "\(origin)")
                    #expect(reply.headers["vary"] == "Origin")
                }
                #expect(try await node.http.get("/status").headers[lent] == nil)
                let post = try await node.http.send("POST", "/requests", ["Origin": other], [1])
                #expect(post.headers[lent] == nil)
                // A request that wants more than a simple one may not even be asked for.
                let asked = try await node.http.send("OPTIONS", "/requests", ["Origin": other], [])
                #expect(asked.status == 405 && asked.headers[lent] == nil)
            }
            try await RunningNode.with { node in
                let reply = try await node.http.get("/status", ["Origin": other])
                #expect(reply.headers["vary"] == nil)
                #expect(reply.headers["access-control-allow-origin"] == nil)
            }
        }

        @Test("what the console asks is answered, and its bounds hold")
        func answers() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(3)))
                let http = node.http
                let rows = try #require(
                    try await http.get("/requests").object()["requests"] as? [[String: Any]])
                let id = try #require(rows[0]["request_id"] as? String)
                for path in [
                    "/overview", "/totals", "/kinds", "/search?name=\(id.prefix(8))", "/tape",
                    "/tape?from=0&limit=10000", "/disagreements", "/evidence?limit=1",
                    "/announcements", "/pairs", "/cases", "/reputations?points=2&axis=entry",
                    "/requests/\(id)/proof", "/why/request:\(id)", "/why/validator:0",
                    "/requests?at=1", "/validators?at=0", "/reputations?at=0",
                ] {
                    let reply = try await http.get(path)
                    #expect(reply.status == 200, "\(path): \(reply.text)")
                    _ = try reply.object()
                }
                for (path, field) in [
                    ("/tape?limit=0", "limit"), ("/tape?limit=10001", "limit"),
                    ("/tape?from=99999", "from"), ("/search", "name"), ("/search?name=", "name"),
                    ("/search?name=\(String(repeating: "a", count: 65))", "name"),
                    ("/reputations?points=1", "points"), ("/reputations?points=201", "points"),
                    ("/reputations?axis=x", "axis"), ("/requests?at=x", "at"),
                    ("/validators?at=-1", "at"), ("/why/nothing:x", "thing"),
                    ("/evidence?limit=1001", "limit"), ("/disagreements?from=9&to=3", "to"),
                    ("/overview?x=1", "x"),
                ] {
                    let reply = try await http.get(path)
                    #expect(reply.status == 400, "\(path): \(reply.text)")
                    #expect(try reply.object()["field"] as? String == field, "\(path)")
                }
                for path in [
                    "/requests?at=99999", "/validators?at=99999", "/reputations?at=99999",
                    "/why/batch:99999", "/requests/\(String(repeating: "0", count: 64))/proof",
                ] { #expect(try await http.get(path).status == 404, "\(path)") }
                #expect(
                    try await http.get("/requests/\(id)/proof").object()["verdict"] as? String
                        == "holds")
                // Before the requests came there were none.
                let before = try #require(rows[0]["batch"] as? UInt64) - 1
                let then = try await http.get("/requests?at=\(before)").object()
                #expect((then["requests"] as? [Any])?.isEmpty == true)
            }
        }

        @Test("a tape says what the log says, piece by piece")
        func tape() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(2)))
                let size = try #require(node.process.facts?.size)
                let said = try await node.http.get("/kinds").object()
                let kinds = try #require(said["kinds"] as? [[String: Any]])
                var names: [Int: String] = [:]
                for kind in kinds {
                    names[try #require(kind["tag"] as? Int)] = kind["kind"] as? String
                }
                var found: [String] = []
                var next: Int? = 0
                while let from = next, from < Int(size) {
                    let piece = try await node.http.get("/tape?from=\(from)&limit=7").object()
                    let tags = try #require(piece["tags"] as? [Int])
                    #expect(tags.count <= 7)
                    found += tags.compactMap { names[$0] }
                    next = piece["next"] as? Int
                }
                let log = try await node.http.get("/log?from=0&limit=1000").object()
                let entries = try #require(log["entries"] as? [[String: Any]])
                let known = entries.compactMap { $0["kind"] as? String }
                #expect(found.count >= Int(size) && Array(found.prefix(known.count)) == known)
            }
        }

        @Test("a history from where the projections say it stands is that of a fold")
        func histories() async throws {
            try await RunningNode.with { node in
                // Some that are approved, and some rejected.
                let requests = try node.requests()
                try await node.decide(Array(requests.prefix(8)))
                let rows = try #require(
                    try await node.http.get("/requests").object()["requests"] as? [[String: Any]])
                #expect(rows.count == 8)
                for row in rows {
                    let entry = try #require(row["entry"] as? UInt64)
                    let reply = try await node.http.get("/requests/\(entry)/history")
                    let log = try #require(node.process.node?.log)
                    let folded = RequestAnswer(
                        try RequestHistory.find(.entry(entry), in: log))
                    #expect(reply.text == (try AnswerJSON.encode(folded)))
                }
            }
        }
    }
}
