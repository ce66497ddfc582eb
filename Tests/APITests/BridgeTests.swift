// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import Foundation
import Ledger
import Node
import Synchronization
import Testing

extension APISuite {
    @Suite("A bridge away from its nodes", .serialized)
    struct BridgeTests {
        private static func url(_ node: RunningNode) throws -> NodeURL {
            try #require(NodeURL("http://\(node.server.address)"))
        }

        /// Waits until the ledger holds the reports of the first requests.
        private static func settled(_ node: RunningNode, _ count: Int) async throws {
            for _ in 0..<6_000 {
                let page = try await node.http.get("/requests?outcome=approved").object()
                let rows = page["requests"] as? [[String: Any]] ?? []
                if rows.count(where: { $0["settlement"] as? String == "settled" }) >= count {
                    return
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            Issue.record("the reports do not come into the ledger")
        }

        @Test("pays what is ordered, once, and reports it; a change of the ledger is followed")
        func honest() async throws {
            try await RunningNode.with { node in
                let requests = try node.requests()
                try await node.decide(Array(requests[0..<3]))
                let url = try Self.url(node)
                let first = try await BridgeRun.run(node.network, [url], untilReported: 3)
                #expect(first.paid == 3 && first.problems.isEmpty, "\(first)")
                #expect(first.total == requests[0..<3].reduce(0) { $0 + $1.amount.rawValue })
                try await Self.settled(node, 3)

                let stranger = SigningKey().publicKey
                var proposal = ChangeProposal(
                    ledger: node.network.ledger, number: 0,
                    change: .submitterListed(key: stranger, name: "another", quota: 1))
                proposal.sign(with: node.network.nodes[0].key)
                let reply = try await node.http.post(
                    "/governance", Message.governance(proposal.message).encoded)
                #expect(reply.status == 202, "\(reply.text)")
                try await node.decide([requests[4]])
                // A process that begins again goes on where the last one was, and where the file
                // that says so is damaged, from the start.
                let followed = try #require(node.network.bridge).path + "/followed"
                var kept = try [UInt8](Data(contentsOf: URL(fileURLWithPath: followed)))
                kept[80] ^= 1
                try Data(kept).write(to: URL(fileURLWithPath: followed))
                let second = try await BridgeRun.run(node.network, [url], untilReported: 1)
                #expect(second.reports == 1 && second.paid == 4, "\(second)")
                #expect(second.problems.isEmpty, "\(second)")
                #expect(second.changes == 1)
                try await Self.settled(node, 4)
                let third = try await BridgeRun.run(
                    node.network, [url], rounds: 20, untilReported: 1)
                #expect(
                    third.reports == 0 && third.handedIn == 0,
                    "what the ledger has is not reported again")
            }
        }

        @Test(
            "a node that lies, omits or stops is left for another, and nothing is paid on its word")
        func liars() async throws {
            try await RunningNode.with { node in
                let requests = try node.requests()
                try await node.decide(Array(requests[0..<2]))
                let early = try await node.http.get("/status").body
                let earlyProof = try await node.http.get("/precommits").body
                // Every number of entries is a multiple of nothing that these would know.
                let lies: [(String, @Sendable (String, [UInt8]) -> RawServer.Answer?)] = [
                    (
                        "forged",
                        { path, bytes in
                            path.hasPrefix("/tile/")
                                ? RawServer.body(bytes.bent(at: 1, of: 2)) : nil
                        }
                    ),
                    (
                        "truncated",
                        { path, bytes in
                            path.hasPrefix("/tile/") ? RawServer.body(bytes.dropLast(9)) : nil
                        }
                    ),
                    (
                        "cut",
                        { path, bytes in
                            path.hasPrefix("/tile/")
                                ? .bytes(
                                    Array("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n".utf8)
                                        + bytes) : nil
                        }
                    ),
                    (
                        "false signatures",
                        { path, bytes in
                            path == "/precommits" ? RawServer.body(bytes.bent(at: 9, of: 10)) : nil
                        }
                    ),
                    (
                        "false proofs",
                        { path, bytes in
                            guard path.hasPrefix("/proof") else { return nil }
                            let text = String(decoding: bytes, as: UTF8.self)
                            return .json(text.replacing("[\"", with: "[\"00"))
                        }
                    ),
                    ("stopped", { _, _ in .bytes([]) }),
                    ("garbage", { _, _ in .text("\u{1B}[2J\n\n") }),
                ]
                var servers: [RawServer] = []
                for (name, change) in lies {
                    let server = try await liar(node, change)
                    servers.append(server)
                    let run = try await BridgeRun.run(
                        node.network, [server.url], rounds: 3, untilReported: 1)
                    #expect(run.paid == 0 && run.reports == 0, "\(name): \(run)")
                    #expect(
                        run.problems.contains { $0.contains("\(server.url)") }, "\(name): \(run)")
                    #expect(run.problems.contains { $0.contains("no node gives") }, "\(name)")
                    #expect(!run.problems.joined().contains("\u{1B}"))
                }
                // One that shows what was, before the last orders, is merely behind.
                let behind = try await liar(node) { path, _ in
                    path == "/status"
                        ? RawServer.body(early)
                        : path == "/precommits" ? RawServer.body(earlyProof) : nil
                }
                try await node.decide([requests[2]])
                let old = try await BridgeRun.run(
                    node.network, [behind.url], rounds: 10, untilReported: 100)
                #expect(old.paid <= 2, "\(old)")
                // Old precommits under a new size prove nothing.
                let replaying = try await liar(node) { path, _ in
                    path == "/precommits" ? RawServer.body(earlyProof) : nil
                }
                let before = old.paid
                let replayed = try await BridgeRun.run(
                    node.network, [replaying.url], rounds: 10, untilReported: 100)
                #expect(replayed.paid == before, "\(replayed)")
                let all = servers.map(\.url) + [behind.url, try Self.url(node)]
                let run = try await BridgeRun.run(node.network, all, untilReported: 3)
                #expect(run.paid == 3, "\(run)")
                #expect(run.total == requests[0..<3].reduce(0) { $0 + $1.amount.rawValue })
                try await Self.settled(node, 3)
            }
        }

        @Test("an end between paying and reporting pays nothing twice")
        func crash() async throws {
            try await RunningNode.with { node in
                let requests = try node.requests()
                try await node.decide(Array(requests[0..<2]))
                let deaf = try await liar(node) { path, _ in
                    path == "/settlements"
                        ? .json(#"{"error":"failed","message":"no"}"#, status: "500 X") : nil
                }
                let first = try await BridgeRun.run(
                    node.network, [deaf.url], rounds: 3, untilReported: 1)
                #expect(first.paid == 2 && first.reports == 0, "\(first)")
                let home = try #require(node.network.bridge)
                for isForgotten in [false, true] {
                    // What was read may be lost as well: it is read again.
                    if isForgotten {
                        try FileManager.default.removeItem(atPath: home.path + "/followed")
                    }
                    let again = try await BridgeRun.run(
                        node.network, [deaf.url], rounds: 3, untilReported: 1)
                    #expect(again.paid == 2 && again.total == first.total, "\(again)")
                }
                let last = try await BridgeRun.run(
                    node.network, [deaf.url, try Self.url(node)], untilReported: 2)
                #expect(last.paid == 2 && last.total == first.total && last.reports == 2, "\(last)")
                try await Self.settled(node, 2)
            }
        }

        @Test("a node that refuses a good report is named once, and another is given it")
        func refusing() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<2]))
                for status in ["422 X", "403 X", "400 X"] {
                    let refusing = try await liar(node) { path, _ in
                        path == "/settlements"
                            ? .json(
                                #"{"error":"notOrdered","message":"no \u001b[2J"}"#,
                                status: status) : nil
                    }
                    let run = try await BridgeRun.run(
                        node.network, [refusing.url], rounds: 6, untilReported: 1)
                    #expect(run.paid == 2 && run.reports == 0 && run.handedIn == 0, "\(run)")
                    #expect(run.refused.count == 1 && run.problems.isEmpty, "\(run)")
                    #expect(run.refused[0].hasPrefix("\(refusing.url) "))
                    #expect(!run.refused[0].contains("\u{1B}"))
                }
                // One that says that the ledger has it, which its log does not show.
                let hiding = try await liar(node) { path, _ in
                    path == "/settlements"
                        ? .json(
                            #"{"error":"alreadyRecorded","message":"no"}"#, status: "422 X") : nil
                }
                let hidden = try await BridgeRun.run(
                    node.network, [hiding.url], rounds: 6, untilReported: 1)
                #expect(hidden.reports == 0 && hidden.handedIn == 0, "\(hidden)")
                let last = try await BridgeRun.run(
                    node.network, [hiding.url, try Self.url(node)], untilReported: 2)
                #expect(last.paid == 2 && last.reports == 2 && last.handedIn == 2, "\(last)")
                try await Self.settled(node, 2)
            }
        }

        @Test("a node that takes reports and passes nothing on does not keep them from the ledger")
        func silent() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<2]))
                let asked = Mutex(0)
                let silent = try await liar(node) { path, _ in
                    guard path == "/settlements" else { return nil }
                    asked.withLock { $0 += 1 }
                    return .json(#"{"id":"x","state":"taken"}"#)
                }
                let alone = try await BridgeRun.run(
                    node.network, [silent.url], rounds: 10, untilReported: 1)
                #expect(alone.handedIn == 2 && alone.reports == 0, "\(alone)")
                #expect(asked.withLock { $0 } < 12, "it is given time")
                let both = try await BridgeRun.run(
                    node.network, [silent.url, try Self.url(node)], untilReported: 2)
                #expect(both.reports == 2 && both.handedIn == 2, "\(both)")
                try await Self.settled(node, 2)
            }
        }

        @Test("a node of another ledger is named, and not asked again at once")
        func foreign() async throws {
            try await RunningNode.with { node in
                try await RunningNode.with { other in
                    try await other.decide(Array(try other.requests()[0..<1]))
                    let asked = Mutex(0)
                    let foreign = try await liar(other) { path, _ in
                        if path == "/status" { asked.withLock { $0 += 1 } }
                        return nil
                    }
                    let run = try await BridgeRun.run(
                        node.network, [foreign.url], rounds: 20, untilReported: 1)
                    #expect(run.paid == 0 && run.handedIn == 0, "\(run)")
                    #expect(
                        run.problems.contains { $0.contains("that of another ledger") }, "\(run)")
                    #expect(asked.withLock { $0 } < 10, "it is left alone for a while")
                }
            }
        }

        @Test("only the bridge reports payments")
        func strangers() async throws {
            try await RunningNode.with { node in
                let request = try node.requests()[0]
                try await node.decide([request])
                let key = SigningKey()
                let id = request.id(in: node.network.ledger)
                let foreign = SettlementMessage(
                    request: id, bridge: key.publicKey, reference: [1], result: .settled,
                    signature: .zero
                ).signed(by: key, in: node.network.ledger)
                let reply = try await node.http.post(
                    "/settlements", Message.settlement(foreign).encoded)
                #expect(reply.status == 403, "\(reply.text)")
                var unsigned = foreign
                unsigned.bridge = try #require(node.network.bridge).key.publicKey
                let second = try await node.http.post(
                    "/settlements", Message.settlement(unsigned).encoded)
                #expect(second.status == 400, "\(second.text)")
                #expect(try second.object()["field"] as? String == "signature")
                let other = try await node.http.post(
                    "/settlements", Message.request(request).encoded)
                #expect(other.status == 400)
                let json = try await node.http.post(
                    "/settlements", [0x7B], type: "application/json")
                #expect(json.status == 415)
            }
        }
    }
}
