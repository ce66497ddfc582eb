// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import Foundation
import Ledger
import Node
import TestSupport
import Testing

extension APISuite {
    @Suite("Jobs over HTTP", .serialized)
    struct JobTests {
        private static let module: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]

        private static func message(
            _ node: RunningNode, input: [UInt8], by key: SigningKey? = nil
        ) throws -> JobMessage {
            let submitter = try #require(node.network.submitters.first).key
            return try JobSubmission.message(
                module: module, input: input, fuel: 1_000, memoryBytes: 1 << 20, milliseconds: 0,
                in: node.network.ledger, by: key ?? submitter, now: try SystemClock().checked())
        }

        private static func blobs(_ node: RunningNode) throws -> Int {
            try FileManager.default.contentsOfDirectory(
                atPath: node.network.nodes[0].path + "/ledger/blobs"
            ).count
        }

        @Test("a job is taken with what it needs, which is kept for its validators")
        func taken() async throws {
            // Jobs want three validators; one of them runs, so that nothing is decided.
            try await RunningNode.with(validators: 3) { node in
                // Longer than any other body may be.
                let input = [UInt8](repeating: 7, count: 300_000)
                let message = try Self.message(node, input: input)
                let upload = JobUpload(message, module: Self.module, input: input).encoded
                let id = message.id(in: node.network.ledger).hex
                for _ in 0..<2 {
                    let reply = try await node.http.post("/jobs", upload)
                    #expect(reply.status == 202, "\(reply.text)")
                    #expect(reply.text == #"{"id":"\#(id)","state":"taken"}"#)
                }
                #expect(try Self.blobs(node) == 2)
                #expect(try await node.http.get("/jobs/\(id)").status == 404)
                #expect(try await node.http.get("/jobs/\(id)/result").status == 404)
            }
        }

        @Test("a job for which there are too few validators is refused")
        func tooFew() async throws {
            try await RunningNode.with { node in
                let message = try Self.message(node, input: [])
                let upload = JobUpload(message, module: Self.module, input: []).encoded
                let reply = try await node.http.post("/jobs", upload)
                #expect(reply.status == 422, "\(reply.text)")
                #expect(try reply.object()["error"] as? String == "tooFewValidators")
            }
        }

        @Test("what is wrong with a job is told with the field, and nothing of it is kept")
        func wrong() async throws {
            try await RunningNode.with { node in
                let message = try Self.message(node, input: [1, 2, 3])
                let request = try node.requests()[0]
                var unsigned = message
                unsigned.fuel += 1
                let foreign = try Self.message(node, input: [1, 2, 3], by: SigningKey())
                func upload(_ job: JobMessage, _ module: [UInt8], _ input: [UInt8]) -> [UInt8] {
                    JobUpload(job, module: module, input: input).encoded
                }
                var other = BorshWriter()
                other.write(Message.request(request).encoded)
                other.write(Self.module)
                other.write([1, 2, 3] as [UInt8])
                let cases: [(body: [UInt8], status: Int, field: String?)] = [
                    ([], 400, "body"), ([1, 2, 3], 400, "body"),
                    (upload(message, Self.module, [1, 2, 3]) + [0], 400, "body"),
                    (upload(message, Self.module, [1, 2, 3]).dropLast(), 400, "body"),
                    (other.bytes, 400, "message"),
                    (upload(message, [9], [1, 2, 3]), 400, "module"),
                    (upload(message, Self.module, [1, 2]), 400, "input"),
                    (upload(unsigned, Self.module, [1, 2, 3]), 400, "signature"),
                    (upload(foreign, Self.module, [1, 2, 3]), 403, nil),
                ]
                for (number, (body, status, field)) in cases.enumerated() {
                    let reply = try await node.http.post("/jobs", body)
                    #expect(reply.status == status, "\(number): \(reply.text)")
                    #expect(try reply.object()["field"] as? String == field, "\(number)")
                }
                let json = try await node.http.post("/jobs", [0x7B], type: "application/json")
                #expect(json.status == 415)
                #expect(try Self.blobs(node) == 0)
            }
        }

        private static let head =
            "POST /jobs HTTP/1.1\r\nHost: node\r\n"
            + "Content-Type: application/octet-stream\r\nContent-Length: "

        /// Begins an upload of 100 bytes, and waits until the node has a place for it and says so.
        private static func begin(_ connection: Connection) async throws {
            try await connection.say(head + "100\r\nExpect: 100-continue\r\n\r\n")
            await connection.hear { $0.contains("\r\n\r\n") }
            #expect(connection.text.hasPrefix("HTTP/1.1 100 "), "\(connection.text)")
            try await connection.say("x")
        }

        /// Asks until the answer has a status; the last answer.
        private static func ask(
            _ http: HTTP, until status: Int
        ) async throws -> Reply {
            var reply = try await http.post("/jobs", [1])
            for _ in 0..<600 where reply.status != status {
                try await Task.sleep(for: .milliseconds(20))
                reply = try await http.post("/jobs", [1])
            }
            return reply
        }

        /// A metric as a scrape that is not an older one tells it.
        private static func count(_ status: Int, _ node: RunningNode) async throws -> Double {
            try await Task.sleep(for: .milliseconds(300))
            let text = try await node.http.get("/metrics").text
            return try Exposition(text)
                .number("recount_api_responses_total", ["status": "\(status)"]) ?? 0
        }

        @Test("a body that is too long is refused, and one address has one place of several")
        func bounds() async throws {
            var limits = APILimits.patient
            limits.uploadsMax = 2
            limits.uploadMilliseconds = 120_000
            try await RunningNode.with(limits: limits) { node in
                let long = try await node.http.raw(
                    Array((Self.head + "\(JobUpload.bytesMax + 1)\r\n\r\n").utf8))
                #expect(try #require(Reply(long)).status == 413)
                let (second, third) = (
                    HTTP(node.server.address, from: "127.0.0.2"),
                    HTTP(node.server.address, from: "127.0.0.3")
                )
                try await node.http.connect { slow in
                    try await Self.begin(slow)
                    let own = try await Self.ask(node.http, until: 429)
                    #expect(own.status == 429 && own.headers["retry-after"] != nil, "\(own.text)")
                    #expect(try own.object()["error"] as? String == "tooManyUploads")
                    // It holds one place of two: others have the rest.
                    #expect(try await second.post("/jobs", [1]).status == 400)
                    try await second.connect { other in
                        try await Self.begin(other)
                        let full = try await Self.ask(third, until: 503)
                        #expect(full.status == 503 && full.headers["retry-after"] != nil)
                        #expect(try full.object()["error"] as? String == "busy")
                    }
                    #expect(try await Self.ask(third, until: 400).status == 400)
                    // Nobody else waits for it.
                    #expect(try await node.http.get("/health").status == 200)
                    #expect(try await Self.count(429, node) >= 1)
                    #expect(try await Self.count(503, node) >= 1)
                }
                let again = try await Self.ask(node.http, until: 400)
                #expect(again.status == 400, "the place is given back")
            }
        }

        @Test("an upload that is too slow is ended by its own limit, and gives its place back")
        func slow() async throws {
            var limits = APILimits.patient
            limits.uploadMilliseconds = 500
            try await RunningNode.with(limits: limits) { node in
                try await node.http.connect { slow in
                    try await slow.say(Self.head + "100000\r\n\r\n")
                    let start = ContinuousClock.now
                    // A byte now and then does not buy time, and other bodies have more of it.
                    for _ in 0..<600 where !slow.isClosed {
                        do { try await slow.say("x") } catch { break }
                        await slow.hear(seconds: 0.05)
                    }
                    #expect(slow.isClosed && start.duration(to: .now) < .seconds(60))
                    #expect(try await Self.ask(node.http, until: 400).status == 400)
                }
            }
        }

        /// Waits until the node keeps so many payloads, and others no more.
        private static func keeps(_ node: RunningNode, _ payloads: [[UInt8]]) async throws -> Bool {
            let wanted = Set(payloads.map { Digest(hashing: $0).hex })
            let folder = node.network.nodes[0].path + "/ledger/blobs"
            for _ in 0..<600 {
                let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                if Set(names) == wanted { return true }
                try await Task.sleep(for: .milliseconds(50))
            }
            return false
        }

        @Test("payloads of a job that is refused go at once, but for those that another needs")
        func dropped() async throws {
            try await RunningNode.with { node in
                // Refused as it comes: one validator runs no jobs.
                let message = try Self.message(node, input: [1])
                let upload = JobUpload(message, module: Self.module, input: [1]).encoded
                #expect(try await node.http.post("/jobs", upload).status == 422)
                #expect(try await Self.keeps(node, []))
            }
            try await RunningNode.with(validators: 3) { node in
                let good = try Self.message(node, input: [1])
                let first = JobUpload(good, module: Self.module, input: [1]).encoded
                #expect(try await node.http.post("/jobs", first).status == 202)
                // Refused later: no job may have no fuel.
                var bad = try Self.message(node, input: [2, 2])
                bad.fuel = 0
                bad = bad.signed(
                    by: node.network.submitters[0].key, in: node.network.ledger)
                let second = JobUpload(bad, module: Self.module, input: [2, 2]).encoded
                let reply = try await node.http.post("/jobs", second)
                #expect(reply.status == 202, "\(reply.text)")
                #expect(try await Self.keeps(node, [Self.module, [1]]))
            }
        }
    }
}
