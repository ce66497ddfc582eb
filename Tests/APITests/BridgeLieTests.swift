// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Testing

/// A log that no validator signed, as a node gives it: its entries with their proofs, and whatever
/// precommits it has.
private struct ForgedLog: Sendable {
    private let log: EventLog
    private let height: Height
    private var precommits: [UInt8] = []

    var size: UInt64 { log.size }

    /// Holds these entries, of which the last seals a batch.
    init(_ entries: [[UInt8]]) throws {
        log = try EventLog.create(directory: "/forged", disk: SimulatedDisk())
        for bytes in entries { _ = try log.stage(bytes) }
        try log.commit()
        let last = try Event(decoding: try #require(entries.last))
        guard case .batchSealed(let seal) = last else { throw CocoaError(.coderInvalidValue) }
        height = seal.height
    }

    /// Has it signed by these.
    func signed(_ signatures: [IndexedSignature]) -> ForgedLog {
        var copy = self
        copy.precommits =
            Precommits(height: height, round: 0, root: log.root, signatures: signatures).encoded
        return copy
    }

    /// What it answers to a question for a path; nil to others.
    func answer(_ target: String) -> RawServer.Answer? {
        do {
            if target == "/precommits" { return RawServer.body(precommits) }
            if target == "/status" {
                let ledger = Digest(hashing: try log.entry(at: 0)).hex
                return .json(
                    #"{"ledger":"\#(ledger)","size":\#(size),"height":\#(height.rawValue)}"#)
            }
            if let tile = TilePath(String(target.dropFirst())) {
                return RawServer.body(try log.bytes(of: tile))
            }
            let words = target.split { "/?=&".contains($0) }.map(String.init)
            if words.count == 2, words[0] == "entries", let entry = UInt64(words[1]) {
                return RawServer.body(try log.entry(at: entry))
            }
            if words.count == 6, words[1] == "inclusion", let entry = UInt64(words[3]),
                let size = UInt64(words[5])
            {
                let proof = try log.inclusionProof(index: entry, size: size).map { "\"\($0.hex)\"" }
                return .json("{\"proof\":[\(proof.joined(separator: ","))]}")
            }
        } catch {
            return .json(#"{"error":"notFound","message":"\#(error)"}"#, status: "404 X")
        }
        return nil
    }
}

extension RunningNode {
    /// The entries of its ledger.
    fileprivate func entries() throws -> [[UInt8]] {
        let log = try #require(process.node?.log)
        return try (0..<log.size).map { try log.entry(at: $0) }
    }

    /// Its entries, and after them a batch that pays its first request again, to another.
    fileprivate func entriesWithFalseOrder() async throws -> [[UInt8]] {
        var entries = try self.entries()
        let events = try entries.map { try Event(decoding: $0) }
        let proof = try Precommits(decoding: try await http.get("/precommits").body)
        let order = try #require(
            events.lazy.compactMap { event in
                if case .settlementOrdered(let order) = event { order } else { nil }
            }.first)
        guard case .batchSealed(var seal) = try #require(events.last) else { return [] }
        var again = order
        again.recipient = Bytes32([UInt8](repeating: 0xAA, count: 32)) ?? .zero
        let height = Height(seal.height.rawValue + 1)
        seal.height = height
        seal.size = UInt64(entries.count) + 2
        entries += [
            Event.batchOpened(
                BatchOpened(
                    height: height, time: Time(order.nextTurn.rawValue + 1),
                    proposer: order.leader, round: 0, previousRoot: proof.root,
                    precommitRound: proof.round, precommits: proof.signatures, signature: .zero)),
            .settlementOrdered(again), .batchSealed(seal),
        ].map(\.encoded)
        return entries
    }

    /// Where its bridge keeps what it has read and believes.
    fileprivate func followed() throws -> String {
        try #require(network.bridge).path + "/followed"
    }
}

extension APISuite {
    /// Each lie is told in words, leaves nothing behind, and pays nothing.
    @Suite("Lies to a bridge", .serialized)
    struct BridgeLieTests {
        /// Has the bridge ask nodes that lie, each alone, and then the node itself.
        ///
        /// - Parameter words: What each lie is called.
        private func refuse(
            _ node: RunningNode,
            _ lies: [(words: String, change: @Sendable (String, [UInt8]) -> RawServer.Answer?)]
        ) async throws {
            for (words, change) in lies {
                let server = try await liar(node, change)
                let run = try await BridgeRun.run(
                    node.network, [server.url], rounds: 3, untilReported: 1)
                #expect(
                    run.problems.contains {
                        $0.hasPrefix("\(server.url) is not believed") && $0.contains(words)
                    }, "\(words): \(run.problems)")
                #expect(run.paid == 0 && run.handedIn == 0, "\(words): \(run)")
                #expect(
                    !FileManager.default.fileExists(atPath: try node.followed()),
                    "\(words): it keeps what nobody signed")
            }
            let honest = try #require(NodeURL("http://\(node.server.address)"))
            let run = try await BridgeRun.run(node.network, [honest], untilReported: 2)
            #expect(run.paid == 2 && run.reports == 2 && run.problems.isEmpty, "\(run)")
            #expect(
                run.total == (try node.requests()[0..<2].reduce(0) { $0 + $1.amount.rawValue }))
        }

        @Test("a batch that too few of those in office signed is no part of the ledger")
        func unsigned() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<2]))
                let forged = try ForgedLog(try await node.entriesWithFalseOrder())
                let (own, stranger) = (ValidatorIndex(0), ValidatorIndex(7))
                let before = try Precommits(decoding: try await node.http.get("/precommits").body)
                let none = IndexedSignature(validator: own, signature: .zero)
                let signatures = [
                    [none], before.signatures, [none, none], [],
                    [IndexedSignature(validator: stranger, signature: .zero)],
                ]
                try await refuse(
                    node,
                    signatures.map { signatures in
                        let log = forged.signed(signatures)
                        return (
                            "the root of \(log.size) entries", { path, _ in log.answer(path) }
                        )
                    })
            }
        }

        @Test("precommits say nothing of other entries than those under their root")
        func otherEntries() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<2]))
                var entries = try node.entries()
                guard case .batchSealed(var seal) = try Event(decoding: entries.removeLast())
                else { return }
                seal.stateRoot = Digest(hashing: [1])
                entries.append(Event.batchSealed(seal).encoded)
                let log = try ForgedLog(entries)
                // All else is the node's own, and true: what is read is not what it proves.
                try await refuse(
                    node,
                    [
                        (
                            "its precommits of batch \(seal.height.rawValue) are of other entries",
                            { path, _ in path.hasPrefix("/tile/") ? log.answer(path) : nil }
                        )
                    ])
            }
        }

        @Test("a proof is a list of hashes, and of no more than a tree has levels")
        func proofs() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<2]))
                let hash = "\"\(String(repeating: "ab", count: 32))\","
                let lists = [
                    "\"\",", "\"no hash\",", String(hash.dropLast(4)) + "\",",
                    String(repeating: hash, count: 65),
                ]
                try await refuse(
                    node,
                    lists.map { more in
                        (
                            "is no list of hashes",
                            { path, bytes in
                                guard path.hasPrefix("/proof") else { return nil }
                                let text = String(decoding: bytes, as: UTF8.self)
                                let start = "\"proof\":["
                                return .json(text.replacing(start, with: start + more))
                            }
                        )
                    })
            }
        }

        @Test("a request and an order of other words than the ledger's are paid to nobody")
        func otherWords() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests()[0..<2]))
                let mine = Bytes32([UInt8](repeating: 0xAA, count: 32)) ?? .zero
                let entries = try node.entries()
                var (requests, orders): ([String: [UInt8]], [String: [UInt8]]) = ([:], [:])
                for (index, bytes) in entries.enumerated() {
                    switch try Event(decoding: bytes) {
                    case .requestSubmitted(var event):
                        event.recipient = mine
                        requests["/entries/\(index)"] = Event.requestSubmitted(event).encoded
                    case .settlementOrdered(var event):
                        event.recipient = mine
                        orders["/entries/\(index)"] = Event.settlementOrdered(event).encoded
                    default: break
                    }
                }
                try #require(requests.count == 2 && orders.count == 2)
                let both = requests.merging(orders) { first, _ in first }
                // What is asked first is what was read and signed, so this is kept, and true.
                for (words, changed) in [
                    ("another sum or recipient", requests), ("another sum or recipient", orders),
                    ("has not signed the request", both),
                ] {
                    let server = try await liar(node) { path, _ in
                        changed[path].map(RawServer.body)
                    }
                    let run = try await BridgeRun.run(
                        node.network, [server.url], rounds: 3, untilReported: 1)
                    #expect(run.paid == 0 && run.handedIn == 0, "\(words): \(run)")
                    #expect(
                        run.problems.contains {
                            $0.hasPrefix("\(server.url) is not believed") && $0.contains(words)
                        }, "\(words): \(run.problems)")
                }
                let honest = try #require(NodeURL("http://\(node.server.address)"))
                let run = try await BridgeRun.run(node.network, [honest], untilReported: 2)
                #expect(run.paid == 2 && run.problems.isEmpty, "\(run)")
            }
        }
    }
}
