// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import Node
import Testing

extension APISuite {
    @Suite("Views over HTTP", .serialized)
    struct ViewTests {
        @Test("lists and things are answered, pages meet, and nonsense names its field")
        func views() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(4)))
                let http = node.http
                let all = try #require(
                    try await http.get("/requests").object()["requests"] as? [[String: Any]])
                #expect(all.count == 4)
                // Page by page, from the newest.
                var entries: [Int] = []
                var path: String? = "/requests?limit=1"
                while let next = path {
                    let page = try await http.get(next).object()
                    let rows = try #require(page["requests"] as? [[String: Any]])
                    entries += rows.compactMap { $0["entry"] as? Int }
                    path = (page["older"] as? Int).map { "/requests?limit=1&to=\($0)" }
                }
                #expect(entries == all.compactMap { $0["entry"] as? Int }.reversed())
                let id = try #require(all[0]["request_id"] as? String)
                let history = try await http.get("/requests/\(id)/history").object()
                #expect((history["votes"] as? [Any])?.count == 1)
                for path in [
                    "/validators", "/validators/0", "/validators/validator-1", "/leaders",
                    "/validators/0/reputation?limit=5", "/rounds", "/jobs", "/batches/last",
                    "/batches/0", "/batches/next/leader", "/requests/\(id)/leader", "/log",
                    "/leaders?only=batches&history=3", "/requests?outcome=approved",
                    "/requests?from=2020-01-01&to=2019-01-01T00:00:00Z",
                ] where !path.contains("2019") {
                    let reply = try await http.get(path)
                    #expect(reply.status == 200, "\(path): \(reply.text)")
                    _ = try reply.object()
                }
                for (path, field) in [
                    ("/requests?limit=0", "limit"), ("/requests?limit=1001", "limit"),
                    ("/requests?limit=-1", "limit"), ("/requests?outcome=maybe", "outcome"),
                    ("/requests?from=9&to=3", "to"), ("/requests?from=yesterday", "from"),
                    ("/requests?from=99999999999999999999", "from"),
                    ("/requests?from=+5", "from"), ("/requests?from=%2B5", "from"),
                    ("/requests?to=05", "to"), ("/log?from=+5", "from"), ("/requests/+1", "id"),
                    ("/requests?from=2020-01-01&to=2019-01-01", "to"),
                    ("/jobs?decision=x", "decision"), ("/leaders?only=x", "only"),
                    ("/log?kind=x", "kind"), ("/log?from=99999", "from"), ("/requests/xyz", "id"),
                    ("/validators/%00", "id"),
                ] {
                    let reply = try await http.get(path)
                    #expect(reply.status == 400, "\(path): \(reply.text)")
                    #expect(try reply.object()["field"] as? String == field, "\(path)")
                }
                for path in [
                    "/requests/\(String(repeating: "0", count: 64))", "/jobs/1",
                    "/validators/77", "/batches/99999", "/nullifiers/00112233445566",
                ] {
                    #expect(try await http.get(path).status == 404, "\(path)")
                }
            }
        }

        @Test("pages of the log meet, and hold every entry once")
        func log() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(2)))
                let size = try #require(node.process.facts?.size)
                var entries: [UInt64] = []
                var next: UInt64? = 0
                while let from = next, from < size {
                    let page = try await node.http.get("/log?from=\(from)&limit=7").object()
                    let rows = try #require(page["entries"] as? [[String: Any]])
                    #expect(rows.count <= 7)
                    entries += rows.compactMap { $0["entry"] as? UInt64 }
                    next = page["next"] as? UInt64
                }
                #expect(entries.prefix(Int(size)) == (0..<size).map(\.self)[...])
                let kinds = try await node.http.get("/log?from=0&kind=outcomeDecided").object()
                #expect((kinds["entries"] as? [Any])?.count == 2)
            }
        }
    }
}
