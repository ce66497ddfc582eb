// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import Foundation
import Ledger
import Node
import Testing

extension APISuite {
    @Suite("Handing in over HTTP", .serialized)
    struct SubmitTests {
        @Test("a signed request is taken, followed to its decision, and known afterwards")
        func decided() async throws {
            try await RunningNode.with { node in
                let request = try node.requests()[0]
                let id = node.id(request)
                let before = try await node.http.get("/requests/\(id)")
                #expect(before.status == 404)
                let taken = try await node.http.post(
                    "/requests", try node.line(), type: "application/json")
                #expect(taken.status == 202, "\(taken.text)")
                #expect(taken.text == #"{"id":"\#(id)","state":"taken"}"#)
                let followed = try await node.http.get("/requests/\(id)?wait=60")
                #expect(followed.status == 200, "\(followed.text)")
                let row = try followed.object()
                #expect(
                    row["outcome"] as? String == "approved" && row["request_id"] as? String == id)
                // Borsh of the same is the same request.
                let known = try await node.http.post("/requests", Message.request(request).encoded)
                #expect(known.status == 200)
                let result = try #require(try known.object()["result"] as? [String: Any])
                #expect(result["outcome"] as? String == "approved")
                #expect((result["votes"] as? [Any])?.count == 1)
                // By the first digits, and by the entry.
                let entry = try #require(row["entry"] as? Int)
                #expect(try await node.http.get("/requests/\(id.prefix(12))").body == followed.body)
                #expect(try await node.http.get("/requests/\(entry)").body == followed.body)
            }
        }

        @Test("bad lines are refused with the field that is wrong")
        func fields() async throws {
            try await RunningNode.with { node in
                let cases: [(String, (inout [String: Any]) -> Void)] = [
                    ("signature", { $0["signature"] = nil }),
                    ("signature", { $0["amount"] = 1 }),
                    ("signature", { $0["signature"] = "00" }),
                    ("circuit", { $0["circuit"] = "no-such" }),
                    ("submitter", { $0["submitter"] = "nobody" }),
                    ("submitter", { $0["submitter"] = nil }),
                    ("public_inputs[0]", { $0["public_inputs"] = ["x"] }),
                    ("public_inputs", { $0["public_inputs"] = 7 }),
                    ("recipient", { $0["recipient"] = "zz" }),
                    ("amounts", { $0["amounts"] = 1 }),
                    ("request_id", { $0["request_id"] = String(repeating: "0", count: 64) }),
                ]
                for (field, change) in cases {
                    let reply = try await node.http.post(
                        "/requests", try node.line(change), type: "application/json")
                    #expect(reply.status == 400, "\(field): \(reply.text)")
                    #expect(try reply.object()["field"] as? String == field, "\(reply.text)")
                }
                let bodies: [(String, String)] = [
                    ("", "body"), ("{", "body"), ("[]", "body"), ("{}", "proof"),
                    (#"{"proof":"00","proof":"00"}"#, "body"),
                    (String(repeating: "[", count: 1000), "body"),
                ]
                for (text, field) in bodies {
                    let reply = try await node.http.post(
                        "/requests", Array(text.utf8), type: "application/json")
                    #expect(reply.status == 400, "\(text): \(reply.text)")
                    #expect(try reply.object()["field"] as? String == field, "\(reply.text)")
                }
                let type = try await node.http.post("/requests", [1], type: "text/html")
                #expect(type.status == 415)
                // The name of a submitter stands for its key.
                let name = node.network.submitters[0].named.name
                let named = try node.line { $0["submitter"] = name }
                let taken = try await node.http.post("/requests", named, type: "application/json")
                #expect(taken.status == 202, "\(taken.text)")
            }
        }

        @Test("bytes that are no message, or another, or cut anywhere, are refused")
        func bytes() async throws {
            try await RunningNode.with { node in
                let good = Message.request(try node.requests()[0]).encoded
                for count in stride(from: 0, to: good.count, by: 37) {
                    let reply = try await node.http.post("/requests", Array(good.prefix(count)))
                    #expect(reply.status == 400)
                }
                #expect(try await node.http.post("/requests", good + [0]).status == 400)
                for place in stride(from: 1, to: good.count, by: 53) {
                    var bad = good
                    bad[place] ^= 0x40
                    let reply = try await node.http.post("/requests", bad)
                    #expect(reply.status == 400, "\(place): \(reply.text)")
                }
                let vote = Message.vote(
                    VoteMessage(
                        request: RequestID(Digest(hashing: [1])),
                        validator: node.network.nodes[0].key
                            .publicKey, vote: .approve, reason: .proofHolds, timestamp: Time(1),
                        signature: .zero))
                let reply = try await node.http.post("/requests", vote.encoded)
                #expect(reply.status == 400 && reply.text.contains("another kind"))
                #expect(try await node.http.post("/governance", good).status == 400)
                #expect(node.process.facts?.openRounds == 0)
            }
        }

        @Test("strangers are refused, and what the rules refuse for good says why")
        func refused() async throws {
            try await RunningNode.with { node in
                var request = try node.requests()[0]
                let stranger = SigningKey()
                request.submitter = stranger.publicKey
                request = request.signed(by: stranger, in: node.network.ledger)
                let reply = try await node.http.post("/requests", Message.request(request).encoded)
                #expect(reply.status == 403, "\(reply.text)")
                #expect(try reply.object()["error"] as? String == "unknownSubmitter")
                // The same nullifier again, once it is spent.
                let good = try node.requests()[0]
                try await node.decide([good])
                var again = good
                again.timestamp = Time(good.timestamp.rawValue + 1)
                again = again.signed(by: node.network.submitters[0].key, in: node.network.ledger)
                let spent = try await node.http.post("/requests", Message.request(again).encoded)
                #expect(spent.status == 422, "\(spent.text)")
                #expect(try spent.object()["error"] as? String == "nullifierSpent")
            }
        }

        @Test("a submitter beyond its quota is told to wait, and takes no room from others")
        func quota() async throws {
            // Whether one is still undecided when the next comes is a matter of time.
            try await RunningNode.with(quota: 1) { node in
                let requests = try node.requests()
                var statuses: [Int] = []
                for request in requests.prefix(8) {
                    let reply = try await node.http.post(
                        "/requests", Message.request(request).encoded)
                    statuses.append(reply.status)
                    if reply.status == 429 {
                        #expect(reply.headers["retry-after"] == "5")
                        #expect(try reply.object()["error"] as? String == "quotaExceeded")
                    }
                }
                #expect(
                    statuses[0] == 202 && Set(statuses).isSubset(of: [202, 429]), "\(statuses)")
            }
        }

        @Test("a wait that makes no sense is refused, and one for nothing ends")
        func waits() async throws {
            try await RunningNode.with { node in
                let nobody = String(repeating: "ab", count: 32)
                for wait in ["61", "-1", "1.5", "x", ""] {
                    let reply = try await node.http.get("/requests/\(nobody)?wait=\(wait)")
                    #expect(reply.status == 400, "\(wait)")
                    #expect(try reply.object()["field"] as? String == "wait")
                }
                let start = ContinuousClock.now
                #expect(try await node.http.get("/requests/\(nobody)?wait=1").status == 404)
                #expect(start.duration(to: .now) >= .milliseconds(900))
                let short = try await node.http.get("/requests/abcd?wait=1")
                #expect(short.status == 400)
            }
        }
    }
}
