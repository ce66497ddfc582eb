// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Testing

extension APISuite {
    @Suite("The OpenAPI document", .serialized)
    struct DocumentTests {
        /// The path of a route as the document writes it.
        private static func documented(_ route: String) -> String {
            route.split(separator: "/").map { part in
                part == "**"
                    ? "{path}" : part.hasPrefix(":") ? "{\(part.dropFirst())}" : String(part)
            }.joined(separator: "/")
        }

        @Test("every route is in it, nothing else is, and every reference leads somewhere")
        func complete() async throws {
            try await RunningNode.with { node in
                let reply = try await node.http.get("/openapi.json")
                #expect(reply.headers["content-type"] == "application/json")
                let document = try reply.object()
                let paths = try #require(document["paths"] as? [String: [String: Any]])
                let said = paths.flatMap { path, methods in
                    methods.keys.map { "\($0.uppercased()) \(path)" }
                }
                let there = node.server.operations.map { operation in
                    let parts = operation.split(separator: " ")
                    // The page itself has a path without parts.
                    return "\(parts[0]) /" + Self.documented(String(parts.dropFirst().first ?? ""))
                }
                #expect(Set(said) == Set(there))
                #expect(there.count > 20)
                let names = reply.text.matches(of: /"#\/components\/([a-z]+)\/([A-Za-z0-9]+)"/)
                let parts = try #require(document["components"] as? [String: [String: Any]])
                for name in names {
                    #expect(parts[String(name.1)]?[String(name.2)] != nil, "\(name.0)")
                }
                #expect(names.count > 50)
            }
        }

        @Test("answers are of the statuses and types that it says")
        func answers() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(1)))
                let document = try await node.http.get("/openapi.json").object()
                let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
                for (path, methods) in paths where path != "/events" {
                    for (method, operation) in methods {
                        let filled = path.replacing(/{[a-z]+}/) { _ in "0" }
                        let reply = try await node.http.send(method.uppercased(), filled, [:], [])
                        let responses = try #require(operation["responses"] as? [String: Any])
                        #expect(
                            responses["\(reply.status)"] != nil, "\(method) \(path) \(reply.status)"
                        )
                        guard reply.status == 200,
                            let said = responses["200"] as? [String: Any],
                            let content = said["content"] as? [String: Any]
                        else { continue }
                        let type = reply.headers["content-type"]?.split(separator: ";").first ?? ""
                        #expect(content[String(type)] != nil, "\(method) \(path) \(type)")
                    }
                }
            }
        }
    }
}
