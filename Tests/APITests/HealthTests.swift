// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Ledger
import Node
import Testing

extension APISuite {
    @Suite("The API says how the node is", .serialized)
    struct HealthTests {
        @Test("a node that takes part is alive and ready, and says where it stands")
        func ready() async throws {
            try await RunningNode.with { node in
                let health = try await node.http.get("/health")
                #expect(health.status == 200 && health.text == #"{"alive":true}"#)
                let ready = try await node.http.get("/ready")
                #expect(ready.status == 200, "\(ready.text)")
                #expect(ready.text == #"{"ready":true,"reasons":[]}"#)
                let status = try await node.http.get("/status").object()
                #expect(status["ledger"] as? String == node.network.ledger.hex)
                #expect(status["validators"] as? Int == 1 && status["reachable"] as? Int == 1)
                #expect(status["version"] as? String == NodeLimits.programVersion)
                let facts = try #require(node.process.facts)
                #expect(status["size"] as? UInt64 ?? 0 <= facts.size && facts.size > 0)
            }
        }

        @Test("a node that reaches too few says so, with 503")
        func unready() async throws {
            try await RunningNode.with(validators: 3) { node in
                let ready = try await node.http.get("/ready")
                #expect(ready.status == 503)
                let reasons = try #require(try ready.object()["reasons"] as? [String])
                #expect(
                    reasons == ["it reaches 1 validators, itself included, and 3 decide"],
                    "\(reasons)")
                #expect(try await node.http.get("/health").status == 200)
            }
        }

        @Test("what is not there is told in JSON, and unknown parameters are not passed over")
        func unknown() async throws {
            try await RunningNode.with { node in
                let missing = try await node.http.get("/nothing")
                #expect(missing.status == 404)
                #expect(try missing.object()["error"] as? String == "notFound")
                #expect(missing.headers["content-type"] == "application/json")
                let wrong = try await node.http.get("/requests?limits=3")
                #expect(wrong.status == 400)
                #expect(try wrong.object()["field"] as? String == "limits")
                let twice = try await node.http.get("/requests?limit=3&limit=4")
                #expect(twice.status == 400)
                #expect(try twice.object()["field"] as? String == "limit")
                #expect(try await node.http.send("HEAD", "/health", [:], []).status == 200)
            }
        }

        @Test("a port that is taken is an error that names it")
        func taken() async throws {
            try await RunningNode.with { node in
                let other = try #require(node.process.node)
                await #expect(throws: NodeError.self) {
                    _ = try await APIServer(
                        other, feed: NodeFeed(), listen: node.server.address, requestsPerSecond: 0,
                        around: APISurroundings(parties: { [] }))
                }
                #expect(try await node.http.get("/health").status == 200)
            }
        }
    }
}
