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
    private static func run(_ numbers: Range<Int>, _ nodes: RunningNodes) async throws {
        let module = HostileModules.harmless()
        _ = try nodes.blobs(0).put(module)
        var (ids, inputs): ([JobID], [Digest]) = ([], [])
        for number in numbers {
            let input = Array("input \(number)".utf8)
            inputs.append(try nodes.blobs(0).put(input))
            let job = nodes.job(module, input, engineVersion: ComputeEngine.version)
            nodes.node(0)?.submit(.job(job))
            ids.append(job.id(in: nodes.network.ledger))
        }
        #expect(try await isClosed(nodes, ids))
        let isKept = try await nodes.wait(seconds: 60) {
            try (0..<4).allSatisfy { place in
                Set(inputs.map(\.hex)).isSubset(of: try nodes.blobs(place).names())
            }
        }
        #expect(isKept)
    }

    @Test("who says that it ran jobs and gives nothing of them is soon asked last")
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
        try await Self.run(0..<12, nodes)
        let first = questions.count(to: liars)
        #expect(first > 0, "no liar was asked by anybody, and the test shows nothing")
        // Of each four jobs one lacks at node 1, which asks both before node 0, and one at node 2,
        // which asks the other. Of a busy machine some that are honest are late as well.
        try await Self.run(12..<108, nodes)
        #expect(questions.count(to: liars) - first < 36)
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
