// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Ledger
import Node
import Replication
import Synchronization
import TestSupport
import Testing

/// Whom nodes ask for payloads, and for how long.
@Suite(
    "Looking for payloads", .serialized,
    .enabled(if: JobEngine.isHere, "no engine: run Tools/setup, and build recount"))
struct PayloadSearchTests {
    /// The questions for payloads that a hub has carried, by who was asked.
    private final class Questions: Sendable {
        private let asked = Mutex<[(hash: Digest, peer: PublicKey)]>([])

        func note(_ bytes: [UInt8], _ receiver: PublicKey) {
            guard case .wantBlob(let hash, _)? = try? DutyMessage(decoding: bytes) else { return }
            asked.withLock { $0.append((hash, receiver)) }
        }

        func count(for hash: Digest) -> Int { asked.withLock { $0.count { $0.hash == hash } } }
        func count(to peers: Set<PublicKey>) -> Int {
            asked.withLock { $0.count { peers.contains($0.peer) } }
        }
    }

    private static func isClosed(_ nodes: RunningNodes, _ ids: [JobID]) async throws -> Bool {
        try await nodes.wait(seconds: 60, [0, 1, 2, 3]) { state in
            ids.allSatisfy { id in state.entry(of: id).flatMap { state.closedJob(at: $0) } != nil }
        }
    }

    /// Hands in jobs whose payloads the first node has, and waits until every node has all of them.
    private static func run(
        _ numbers: Range<Int>, _ nodes: RunningNodes,
        module: [UInt8] = HostileModules.harmless()
    ) async throws {
        var (ids, payloads): ([JobID], [Digest]) = ([], [try nodes.blobs(0).put(module)])
        for number in numbers {
            let input = Array("input \(number)".utf8)
            payloads.append(try nodes.blobs(0).put(input))
            let job = nodes.job(module, input, engineVersion: ComputeEngine.version)
            nodes.node(0)?.submit(.job(job))
            ids.append(job.id(in: nodes.network.ledger))
        }
        #expect(try await isClosed(nodes, ids))
        let isKept = try await nodes.wait(seconds: 60) {
            try (0..<4).allSatisfy { place in
                Set(payloads.map(\.hex)).isSubset(of: try nodes.blobs(place).names())
            }
        }
        #expect(isKept)
    }

    @Test("who ran a job is asked first, then who gave the last, and last who failed to give")
    func order() {
        let peers = (0..<5).map { _ in SigningKey().publicKey }
        var asking = AskingOrder()
        func order(_ holders: [Int], at uptime: UInt64 = 0) -> [Int] {
            asking.order(of: peers, holders: holders.map { peers[$0] }, at: uptime)
                .compactMap(peers.firstIndex)
        }
        #expect(order([]) == [0, 1, 2, 3, 4])
        #expect(order([3, 1]) == [1, 3, 0, 2, 4])
        asking.note(gave: peers[2])
        #expect(order([4]) == [4, 2, 0, 1, 3])
        asking.note(failed: peers[2], at: 5)
        asking.note(failed: peers[4], at: 7)
        let end = 5 + NodeLimits.peerDoubtedMilliseconds
        #expect(order([4, 3], at: end - 1) == [3, 0, 1, 2, 4])
        // It is forgotten, and who gave the last but failed since is as others are.
        #expect(order([3], at: end) == [3, 0, 1, 2, 4])
        #expect(order([3, 4], at: end + 2) == [3, 4, 0, 1, 2])
    }

    @Test("every node has the payloads in the end where two of four give nothing")
    func withheld() async throws {
        let folder = try TemporaryFolder()
        let network = try RunningNodes.network(folder)
        let liars: Set = [network.nodes[2].key.publicKey, network.nodes[3].key.publicKey]
        let questions = Questions()
        let hub = LocalHub { bytes, sender, receiver in
            questions.note(bytes, receiver)
            guard liars.contains(sender), case .blobPart? = try? DutyMessage(decoding: bytes) else {
                return true
            }
            return false
        }
        let nodes = try RunningNodes(
            network, [0, 1, 2, 3], share: NodeShare(engine: { JobEngine.loaded }), hub: hub)
        try await Self.run(0..<96, nodes)
        #expect(questions.count(to: liars) > 0, "no liar was asked, and the test shows nothing")
        #expect(nodes.stop().isEmpty)
    }

    @Test("what all agree that it fails can be run again by every node, too")
    func failures() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(
            try RunningNodes.network(folder), [0, 1, 2, 3],
            share: NodeShare(engine: { JobEngine.loaded }))
        try await Self.run(0..<8, nodes, module: HostileModules.withoutExecute())
        let decided = try #require(
            nodes.state { state in
                (0..<state.size).compactMap { state.closedJob(at: EntryIndex($0))?.decision }
            })
        #expect(decided.count == 8)
        #expect(decided.allSatisfy { $0.decision == .agreed && $0.status.kind == .invalidModule })
        #expect(nodes.stop().isEmpty)
    }

    @Test("nobody looks any longer for what nobody had, once the job is decided")
    func absent() async throws {
        let folder = try TemporaryFolder()
        let questions = Questions()
        let hub = LocalHub { bytes, _, receiver in
            questions.note(bytes, receiver)
            return true
        }
        let nodes = try RunningNodes(
            try RunningNodes.network(folder), [0, 1, 2, 3],
            share: NodeShare(engine: { JobEngine.loaded }), hub: hub)
        let (module, input) = (HostileModules.harmless(), Array("nobody's".utf8))
        _ = try nodes.blobs(0).put(module)
        let shortest = try #require(nodes.state { $0.parameters.jobMillisecondsMin })
        let job = nodes.job(
            module, input, engineVersion: ComputeEngine.version, milliseconds: shortest)
        nodes.node(0)?.submit(.job(job))
        #expect(try await Self.isClosed(nodes, [job.id(in: nodes.network.ledger)]))
        let count = questions.count(for: job.input)
        #expect(count > 0)
        try await Task.sleep(for: .seconds(2))
        // What was on its way when it was decided.
        #expect(questions.count(for: job.input) - count <= 3)
        #expect(nodes.stop().isEmpty)
    }
}
