// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Node
import TestSupport
import Testing

extension APISuite {
    @Suite("What strangers may have", .serialized)
    struct LimitTests {
        private static func short() -> APILimits {
            var limits = APILimits.patient
            limits.headMilliseconds = 1_500
            limits.bodyMilliseconds = 1_500
            limits.stallMilliseconds = 1_500
            limits.lingerMilliseconds = 100
            return limits
        }

        private static func seconds(_ start: ContinuousClock.Instant) -> Double {
            start.duration(to: .now) / .seconds(1)
        }

        @Test("a connection that says nothing, or a head that never ends, is closed")
        func slowHeads() async throws {
            try await RunningNode.with(limits: Self.short()) { node in
                for text in ["", "GET /hea", "GET /health HTTP/1.1\r\nHost: node\r\nA: b\r\n"] {
                    let start = ContinuousClock.now
                    try await node.http.connect { connection in
                        // A byte now and then does not buy time.
                        for _ in 0..<400 where !connection.isClosed {
                            if !text.isEmpty {
                                do { try await connection.say(text) } catch { break }
                            }
                            await connection.hear(seconds: 0.05)
                        }
                        #expect(connection.isClosed, "\(text)")
                    }
                    #expect(Self.seconds(start) < 30)
                }
            }
        }

        @Test("a body that comes too slowly, or lies about its length, ends its connection alone")
        func slowBodies() async throws {
            try await RunningNode.with(limits: Self.short()) { node in
                let head = "POST /requests HTTP/1.1\r\nHost: node\r\n"
                try await node.http.connect { connection in
                    try await connection.say(head + "Content-Length: 500\r\n\r\n{")
                    await connection.hear()
                    #expect(connection.isClosed)
                    #expect(!connection.text.contains("200"))
                }
                // Less than it says, then nothing: no answer, and no harm.
                // More than it says: the rest is no request.
                try await node.http.connect { connection in
                    try await connection.say(head + "Content-Length: 2\r\n\r\n{}garbage\r\n\r\n")
                    await connection.hear()
                    #expect(connection.isClosed)
                    #expect(connection.text.hasPrefix("HTTP/1.1 400"))
                }
                #expect(try await node.http.get("/health").status == 200)
            }
        }

        @Test("long bodies are refused, stated or in chunks, and so are long heads")
        func long() async throws {
            try await RunningNode.with { node in
                let max = APILimits().bodyBytesMax
                let body = [UInt8](repeating: 0x20, count: max + 1)
                let stated = try await node.http.post("/requests", body, type: "application/json")
                #expect(stated.status == 413, "\(stated.text)")
                #expect(try stated.object()["error"] as? String == "tooLong")
                try await node.http.connect { connection in
                    let head = "POST /requests HTTP/1.1\r\nHost: node\r\n"
                    try await connection.say(head + "Transfer-Encoding: chunked\r\n\r\n")
                    let chunk = String(repeating: " ", count: 1024)
                    for _ in 0..<200 where !connection.isClosed {
                        do { try await connection.say("400\r\n\(chunk)\r\n") } catch { break }
                    }
                    await connection.hear()
                    #expect(connection.text.hasPrefix("HTTP/1.1 413"), "\(connection.text)")
                    #expect(connection.isClosed)
                }
                let just = [UInt8](repeating: 0x20, count: max)
                #expect(
                    try await node.http.post("/requests", just, type: "application/json").status
                        == 400)
                let value = String(repeating: "a", count: 40_000)
                let long = try await node.http.raw(
                    Array("GET /health HTTP/1.1\r\nHost: n\r\nA: \(value)\r\n\r\n".utf8))
                #expect(Reply(long)?.status != 200)
                let many = (0..<200).map { "A\($0): b\r\n" }.joined()
                let reply = try await node.http.raw(
                    Array("GET /health HTTP/1.1\r\nHost: n\r\n\(many)\r\n".utf8))
                #expect(Reply(reply)?.status != 200)
                for bytes in [
                    Array("\u{0}\u{1}\u{2}\r\n\r\n".utf8), Array("GET\r\n\r\n".utf8),
                    [UInt8](repeating: 0xFF, count: 4096),
                    Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
                ] {
                    let heard = try await node.http.raw(bytes)
                    #expect(Reply(heard).map { $0.status >= 400 } ?? true)
                }
                #expect(try await node.http.get("/health").status == 200)
            }
        }

        @Test("HTTP/1.1 names its host once, and in characters of a host")
        func hosts() async throws {
            try await RunningNode.with { node in
                func status(_ version: String, _ hosts: String...) async throws -> Int? {
                    let lines = hosts.map { "Host:\($0)\r\n" }.joined()
                    let head = "GET /health HTTP/\(version)\r\n\(lines)Connection: close\r\n\r\n"
                    let bytes = try await node.http.raw(Array(head.utf8))
                    return Reply(bytes)?.status
                }
                for host in [" node", " 127.0.0.1:5100", " [::1]:80", "", " a%20b"] {
                    #expect(try await status("1.1", host) == 200, "\(host)")
                    #expect(try await status("1.0", host) == 200, "\(host)")
                }
                #expect(try await status("1.0") == 200)
                #expect(try await status("1.1") == 400)
                for version in ["1.0", "1.1"] {
                    #expect(try await status(version, " node", " node") == 400)
                    for host in [" a b", " a/b", " user@node", " node?x", " a#b", " \"a\""] {
                        #expect(try await status(version, host) == 400, "\(host)")
                    }
                }
                let bytes = try await node.http.raw(
                    Array("GET /health HTTP/1.1\r\n\r\n".utf8))
                #expect(try Reply(bytes)?.object()["field"] as? String == "Host")
            }
        }

        @Test("a body is waited for only where it may come")
        func waiting() async throws {
            try await RunningNode.with { node in
                let max = APILimits().bodyBytesMax
                func head(_ version: String, _ length: Int) -> String {
                    "POST /requests HTTP/\(version)\r\nHost: node\r\n"
                        + "Content-Type: application/json\r\nConnection: close\r\n"
                        + "Expect: 100-continue\r\nContent-Length: \(length)\r\n\r\n"
                }
                try await node.http.connect { connection in
                    try await connection.say(head("1.1", max + 1))
                    await connection.hear()
                    #expect(connection.text.hasPrefix("HTTP/1.1 413"), "\(connection.text)")
                    #expect(!connection.text.contains(" 100 "))
                }
                try await node.http.connect { connection in
                    try await connection.say(head("1.1", 2))
                    await connection.hear { $0.contains("\r\n\r\n") }
                    #expect(connection.text.hasPrefix("HTTP/1.1 100"), "\(connection.text)")
                    try await connection.say("{}")
                    await connection.hear()
                    #expect(connection.text.contains("HTTP/1.1 400"), "\(connection.text)")
                }
                // HTTP/1.0 knows no such answer.
                try await node.http.connect { connection in
                    try await connection.say(head("1.0", 2) + "{}")
                    await connection.hear()
                    #expect(connection.text.hasPrefix("HTTP/1.0 400"), "\(connection.text)")
                }
            }
        }

        @Test("a stream of events that nobody reads is dropped, and the others go on")
        func deaf() async throws {
            var limits = Self.short()
            limits.subscribersMax = 1
            // What it asks has come whole, or nearly: only its deafness can end it.
            limits.headMilliseconds = 60_000
            limits.bodyMilliseconds = 60_000
            try await RunningNode.with(limits: limits) { node in
                try await node.decide(Array(try node.requests().prefix(4)))
                let deaf = try await Connection(node.server.address, isDeaf: true)
                // The same stream again and again, pipelined, fills every buffer on the way.
                let ask = "GET /log?from=0&limit=1000 HTTP/1.1\r\nHost: node\r\n\r\n"
                try await deaf.say(String(repeating: ask, count: 400))
                let end = ContinuousClock.now + .seconds(testPatienceSeconds)
                while node.server.connectionCount == 0, .now < end {
                    try await Task.sleep(for: .milliseconds(1))
                }
                #expect(node.server.connectionCount == 1)
                #expect(try await node.http.get("/health").status == 200)
                while node.server.connectionCount > 0, .now < end {
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(node.server.connectionCount == 0)
                deaf.close()
            }
        }

        @Test("connections beyond the bound are turned away, and room comes back")
        func connections() async throws {
            var limits = APILimits.patient
            limits.connectionsPerAddressMax = 8
            try await RunningNode.with(limits: limits) { node in
                var open: [Connection] = []
                for _ in 0..<8 { open.append(try await Connection(node.server.address)) }
                let end = ContinuousClock.now + .seconds(testPatienceSeconds)
                while node.server.connectionCount < 8, .now < end {
                    try await Task.sleep(for: .milliseconds(10))
                }
                try await node.http.connect { connection in
                    await connection.hear()
                    #expect(connection.isClosed)
                    #expect(connection.text.hasPrefix("HTTP/1.1 503"), "\(connection.text)")
                }
                for connection in open { connection.close() }
                while node.server.connectionCount > 0, .now < end {
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try await node.http.get("/health").status == 200)
                let read = try Exposition(try await node.http.get("/metrics").text)
                #expect(read.number("recount_api_connections_refused_total") ?? 0 >= 1)
            }
        }

        @Test("idle connections without number do not stop decisions")
        func idle() async throws {
            try await RunningNode.with { node in
                var open: [Connection] = []
                // As many as the bound of this process on open files leaves to both ends.
                for _ in 0..<300 { open.append(try await Connection(node.server.address)) }
                let start = ContinuousClock.now
                try await node.decide(Array(try node.requests().prefix(2)))
                #expect(Self.seconds(start) < 30)
                #expect(node.server.connectionCount >= 300)
                for connection in open { connection.close() }
            }
        }

        @Test("an address beyond its rate is told to come again, and may")
        func rate() async throws {
            // Few, so that a machine with much else to do still asks too often.
            try await RunningNode.with(requestsPerSecond: 5) { node in
                var refused = 0
                for _ in 0..<80 {
                    let reply = try await node.http.get("/health")
                    guard reply.status == 429 else { continue }
                    refused += 1
                    #expect(reply.headers["retry-after"] == "1")
                }
                #expect(refused > 0)
                try await Task.sleep(for: .seconds(1))
                #expect(try await node.http.get("/health").status == 200)
            }
        }
    }
}
