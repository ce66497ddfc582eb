// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import Foundation
import Ledger
import Node
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

        @Test("a body that is too long is refused, and only so many may be on their way")
        func bounds() async throws {
            var limits = APILimits.patient
            limits.uploadsMax = 1
            try await RunningNode.with(limits: limits) { node in
                let head =
                    "POST /jobs HTTP/1.1\r\nHost: node\r\n"
                    + "Content-Type: application/octet-stream\r\nContent-Length: "
                let long = try await node.http.raw(
                    Array((head + "\(JobUpload.bytesMax + 1)\r\n\r\n").utf8), seconds: 60)
                #expect(try #require(Reply(long)).status == 413)
                try await node.http.connect { slow in
                    try await slow.say(head + "100\r\n\r\nx")
                    var second: Reply?
                    for _ in 0..<600 {
                        second = try await node.http.post("/jobs", [1])
                        if second?.status == 503 { break }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    #expect(second?.status == 503, "\(second?.text ?? "")")
                    #expect(second?.headers["retry-after"] != nil)
                    // Nobody else waits for it.
                    #expect(try await node.http.get("/health").status == 200)
                }
                var third: Reply?
                for _ in 0..<600 {
                    third = try await node.http.post("/jobs", [1])
                    if third?.status == 400 { break }
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(third?.status == 400, "the place is given back")
            }
        }
    }
}
