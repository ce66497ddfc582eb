// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Ledger
import Node
import Testing

extension APISuite {
    @Suite("Events over HTTP", .serialized)
    struct EventTests {
        private static let head = "HTTP/1.1\r\nHost: node\r\n"

        /// The lines of a stream, those of its chunks included. Swift takes a carriage return and a
        /// line feed for one character.
        private static func lines(_ text: String) -> [String] {
            text.replacing("\r\n", with: "\n").split(separator: "\n").map(String.init)
        }

        /// The ids of the events in a stream.
        private static func ids(_ text: String) -> [UInt64] {
            lines(text).filter { $0.hasPrefix("id: ") }
                .compactMap { UInt64($0.dropFirst(4).trimmingCharacters(in: .whitespaces)) }
        }

        @Test("every entry is an event, in order, and a stream goes on where it was left")
        func order() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(1)))
                let size = try #require(node.process.facts?.size)
                let all = try await node.http.connect { connection in
                    try await connection.say("GET /events?from=0 \(Self.head)\r\n")
                    await connection.hear { Self.ids($0).count >= Int(size) }
                    return connection.text
                }
                #expect(all.contains("text/event-stream"))
                #expect(Self.ids(all).prefix(Int(size)) == (0..<size).map(\.self)[...])
                #expect(
                    all.contains("event: ledgerOpened") && all.contains("event: outcomeDecided"))
                let rest = try await node.http.connect { connection in
                    try await connection.say(
                        "GET /events \(Self.head)Last-Event-ID: \(size - 3)\r\n\r\n")
                    await connection.hear { Self.ids($0).count >= 2 }
                    return connection.text
                }
                #expect(Self.ids(rest).prefix(2) == [size - 2, size - 1])
            }
        }

        @Test("what comes while a stream is open is told, as `recount log --json` prints it")
        func live() async throws {
            try await RunningNode.with { node in
                let request = try node.requests()[0]
                try await node.http.connect { connection in
                    try await connection.say("GET /events \(Self.head)\r\n")
                    await connection.hear { $0.contains(": events from entry") }
                    try await node.decide([request])
                    await connection.hear { $0.contains("event: outcomeDecided") }
                    let lines = Self.lines(connection.text)
                    let place = try #require(lines.firstIndex(of: "event: requestSubmitted"))
                    let entry = lines[place - 1].dropFirst(4)
                    let page = try await node.http.get("/log?from=\(entry)&limit=1").text
                    #expect(page.contains(lines[place + 1].dropFirst(6)), "\(page)")
                }
            }
        }

        @Test("a silent ledger still says that it is there, and the node's end ends the stream")
        func heartbeat() async throws {
            var limits = APILimits.patient
            limits.heartbeatMilliseconds = 100
            let node = try await RunningNode(limits: limits)
            let connection = try await Connection(node.server.address)
            try await connection.say("GET /events \(Self.head)\r\n")
            await connection.hear { $0.contains(": still here") }
            #expect(connection.text.contains(": still here"))
            await node.stop()
            await connection.hear()
            #expect(connection.isClosed)
        }

        @Test("a reader that has gone gives its place back, though nothing happens")
        func gone() async throws {
            var limits = APILimits.patient
            limits.subscribersMax = 1
            limits.heartbeatMilliseconds = 600_000
            try await RunningNode.with(limits: limits) { node in
                let first = try await Connection(node.server.address)
                try await first.say("GET /events \(Self.head)\r\n")
                await first.hear { $0.contains(": events") }
                #expect(try await node.http.get("/events?from=0").status == 503)
                first.close()
                var isFree = false
                for _ in 0..<400 where !isFree {
                    isFree = try await node.http.connect { next in
                        try await next.say("GET /events \(Self.head)\r\n")
                        await next.hear { $0.contains("\r\n\r\n") }
                        return next.text.hasPrefix("HTTP/1.1 200")
                    }
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(isFree)
            }
        }

        @Test("a reader that closes its side as soon as it has asked is let go")
        func hasty() async throws {
            var limits = APILimits.patient
            limits.heartbeatMilliseconds = 600_000
            try await RunningNode.with(limits: limits) { node in
                for path in ["/events", "/health"] {
                    try await node.http.connect { connection in
                        try await connection.say(
                            "GET \(path) \(Self.head)Connection: close\r\n\r\n")
                        connection.closeOutput()
                        await connection.hear()
                        #expect(connection.isClosed, "\(path)")
                        // What ends by itself is still answered.
                        if path == "/health" { #expect(connection.text.hasPrefix("HTTP/1.1 200")) }
                    }
                }
            }
        }

        @Test("readers that come at any time miss nothing, and get nothing twice")
        func many() async throws {
            try await RunningNode.with { node in
                var readers: [(start: UInt64, connection: Connection)] = []
                for (place, request) in try node.requests().prefix(6).enumerated() {
                    for number in 0..<4 {
                        // From the start, from where the ledger stands, and from in between.
                        let size = try #require(node.process.facts?.size)
                        let start = number == 0 ? 0 : size - UInt64(number - 1) * size / 3
                        let reader = try await Connection(node.server.address)
                        try await reader.say("GET /events?from=\(start) \(Self.head)\r\n")
                        readers.append((start, reader))
                    }
                    if place % 2 == 0 {
                        _ = try await node.http.post(
                            "/requests", Message.request(request).encoded)
                    } else {
                        try await node.decide([request])
                    }
                }
                for request in try node.requests().prefix(6) {
                    let reply = try await node.http.get("/requests/\(node.id(request))?wait=60")
                    try #require(reply.status == 200, "\(reply.text)")
                }
                let size = try #require(node.process.facts?.size)
                for (start, reader) in readers {
                    await reader.hear { Self.ids($0).last ?? 0 >= size - 1 }
                    let ids = Self.ids(reader.text)
                    #expect(ids.starts(with: start..<size), "from \(start): \(ids)")
                    reader.close()
                }
            }
        }

        @Test("the head of a stream alone is nothing, and what comes after is answered as itself")
        func heads() async throws {
            var limits = APILimits.patient
            limits.subscribersMax = 1
            try await RunningNode.with(limits: limits) { node in
                try await node.http.connect { connection in
                    for _ in 0..<2 {
                        try await connection.say("HEAD /events \(Self.head)\r\n")
                        try await connection.say("HEAD /health \(Self.head)\r\n")
                    }
                    // One at a time may follow, and nobody does.
                    try await connection.say("GET /events \(Self.head)\r\n")
                    await connection.hear { $0.contains(": events") }
                    let answers = connection.text.components(separatedBy: "\r\n\r\n")
                    #expect(
                        answers.prefix(5).map { $0.prefix(12) } == [
                            "HTTP/1.1 405", "HTTP/1.1 200", "HTTP/1.1 405", "HTTP/1.1 200",
                            "HTTP/1.1 200",
                        ], "\(connection.text)")
                    #expect(answers[0].contains("Allow: GET"))
                }
            }
        }

        @Test("entries that are not there yet are refused, and so are more than may follow")
        func bounds() async throws {
            var limits = APILimits.patient
            limits.subscribersMax = 2
            try await RunningNode.with(limits: limits) { node in
                for query in ["from=18446744073709551615", "from=x", "from=-1", "from=100000"] {
                    let reply = try await node.http.get("/events?\(query)")
                    #expect(reply.status == 400, "\(query)")
                    #expect(try reply.object()["field"] as? String == "from")
                }
                for text in ["99999", "18446744073709551615", "+1", "01", "-1", "1 ,2", "x", ""] {
                    let last = try await node.http.get("/events", ["Last-Event-ID": text])
                    #expect(last.status == 400, "\(text)")
                    #expect(try last.object()["field"] as? String == "Last-Event-ID")
                }
                var open: [Connection] = []
                for _ in 0..<2 {
                    let connection = try await Connection(node.server.address)
                    try await connection.say("GET /events \(Self.head)\r\n")
                    await connection.hear { $0.contains(": events") }
                    open.append(connection)
                }
                #expect(try await node.http.get("/events").status == 503)
                for connection in open { connection.close() }
            }
        }
    }
}
