// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Synchronization
import TestSupport
import Testing

/// What becomes of payloads, and how validators take them.
@Suite(
    "Payloads of jobs among running nodes", .serialized,
    .enabled(if: JobEngine.isHere, "no engine: run Tools/setup, and build recount"))
struct PayloadTests {
    private static func share() -> NodeShare { NodeShare(engine: { JobEngine.loaded }) }

    /// Hands in a job to the first node, whose blobs alone hold what it needs.
    private static func submit(
        _ nodes: RunningNodes, input: [UInt8], inputBytes: UInt64? = nil
    ) throws -> JobID {
        let module = HostileModules.harmless()
        _ = try nodes.blobs(0).put(module)
        _ = try nodes.blobs(0).put(input)
        let job = nodes.job(
            module, input, engineVersion: ComputeEngine.version, inputBytes: inputBytes)
        nodes.node(0)?.submit(.job(job))
        return job.id(in: nodes.network.ledger)
    }

    private static func decision(_ nodes: RunningNodes, _ id: JobID) -> JobDecided? {
        nodes.state { state in
            state.entry(of: id).flatMap { state.closedJob(at: $0) }?.decision
        } ?? nil
    }

    @Test("validators abstain where a payload has another size than the job says")
    func sizes() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(
            try RunningNodes.network(folder), [0, 1, 2, 3], share: Self.share())
        let input = Array("ten bytes.".utf8)
        // One that is right, and the same input said to be shorter, longer, and nothing.
        let right = try Self.submit(nodes, input: input)
        let wrong = try [9, 11, 0].map { try Self.submit(nodes, input: input, inputBytes: $0) }
        let all = [right] + wrong
        let isClosed = try await nodes.wait {
            all.allSatisfy { Self.decision(nodes, $0) != nil }
        }
        #expect(isClosed)
        #expect(Self.decision(nodes, right)?.decision == .agreed)
        for id in wrong { #expect(Self.decision(nodes, id)?.decision != .agreed) }
        #expect(nodes.told.contains { $0.contains("has 10 bytes, and the job says") })
        let reputations = nodes.state { $0.validators.map(\.reputation) }
        #expect(reputations?.allSatisfy { $0 >= Reputation(1_000_000) } == true)
        #expect(nodes.stop().isEmpty)
    }

    /// A node that comes late finds more at once than it looks for to keep them.
    @Test("however many jobs there are, each is agreed on and each node keeps its payloads")
    func manyAtOnce() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder), share: Self.share())
        let inputs = (0..<2 * NodeLimits.fetchesMax).map { Array("input \($0)".utf8) }
        let ids = try inputs.map { try Self.submit(nodes, input: $0) }
        let areAgreed = try await nodes.wait {
            ids.allSatisfy { Self.decision(nodes, $0)?.decision == .agreed }
        }
        #expect(areAgreed)
        try nodes.start(3)
        let names = inputs.map { Digest(hashing: $0).hex }
        let isKept = try await nodes.wait {
            try (0..<4).allSatisfy { place in
                Set(names).isSubset(of: try nodes.blobs(place).names())
            }
        }
        #expect(isKept)
        #expect(!nodes.told.contains { $0.contains("payloadMissing") }, "\(nodes.told)")
        #expect(nodes.stop().isEmpty)
    }

    @Test("payloads that nothing refers to go; those of agreed jobs and the newest others stay")
    func ends() async throws {
        let folder = try TemporaryFolder()
        var options = NodeOptions()
        options.pruningMilliseconds = 600
        let nodes = try RunningNodes(
            try RunningNodes.network(folder), [0, 1, 2, 3], options: options, share: Self.share())
        let agreed = try Self.submit(nodes, input: Array("kept for ever".utf8))
        #expect(
            try await nodes.wait { Self.decision(nodes, agreed)?.decision == .agreed })
        // As many as stay, and two more; each has an input of its own.
        let count = NodeLimits.unagreedJobsMax + 2
        let inputs = (0..<count).map { Array("input \($0)".utf8) }
        var ids: [JobID] = []
        for input in inputs {
            ids.append(try Self.submit(nodes, input: input, inputBytes: 1_000))
            // In this order, so that it is known which are the oldest.
            let id = ids[ids.count - 1]
            if ids.count <= 2 { #expect(try await nodes.wait { $0.entry(of: id) != nil }) }
        }
        let isClosed = try await nodes.wait {
            ids.allSatisfy { Self.decision(nodes, $0) != nil }
        }
        #expect(isClosed)
        let orphan = try nodes.blobs(0).put(Array("nobody's".utf8))
        let hashes = inputs.map { Digest(hashing: $0) }
        func has(_ hash: Digest) throws -> Bool {
            try nodes.blobs(0).names().contains(hash.hex)
        }
        let isPruned = try await nodes.wait {
            try !has(orphan) && !has(hashes[0]) && !has(hashes[1])
        }
        #expect(isPruned)
        for hash in hashes[2...] { #expect(try has(hash)) }
        let output = try #require(Self.decision(nodes, agreed)?.output)
        #expect(try nodes.blobs(0).get(output) == Array("kept for ever".utf8))
        #expect(nodes.stop().isEmpty)
        // Once it is started again, a node knows the same from its ledger alone.
        let again = try RunningNodes(
            nodes.network, [0, 1, 2, 3], options: options, share: Self.share(), clock: nodes.clock)
        let late = try again.blobs(0).put(Array("left behind".utf8))
        #expect(try await again.wait { try !has(late) })
        for hash in hashes[2...] { #expect(try has(hash)) }
        #expect(again.stop().isEmpty)
        for place in 0..<4 {
            let blobs = again.blobs(place)
            #expect(try blobs.get(output) == Array("kept for ever".utf8))
            #expect(try blobs.get(Digest(hashing: HostileModules.harmless())).count > 0)
        }
    }

    @Test("what was removed is given to nobody any more, though it was asked for shortly before")
    func removed() async throws {
        let folder = try TemporaryFolder()
        var options = NodeOptions()
        options.pruningMilliseconds = 2_000
        let network = try RunningNodes.network(folder)
        let asker = network.nodes[3].key.publicKey
        let nodes = try RunningNodes(network, options: options)
        let answers = Mutex<[UInt64]>([])
        let port = nodes.hub.join(asker, as: .validator)
        port.receive { arrival in
            guard case .blobPart(_, let size, _, _)? = Self.message(arrival.bytes) else { return }
            answers.withLock { $0.append(size) }
        }
        let payload = try nodes.blobs(0).put(Array("nobody's".utf8))
        /// The size that the first node says that the payload has.
        func asked() async throws -> UInt64? {
            answers.withLock { $0 = [] }
            let question = DutyMessage.wantBlob(payload, offset: 0)
            port.send(question.encoded, to: network.nodes[0].key.publicKey)
            _ = try await nodes.wait { answers.withLock { !$0.isEmpty } }
            return answers.withLock { $0.first }
        }
        #expect(try await asked() == 8)
        let isGone = try await nodes.wait {
            try !nodes.blobs(0).names().contains(payload.hex)
        }
        #expect(isGone)
        // The look that removed it says so a moment later.
        var size = try await asked()
        for _ in 0..<100 where size != 0 {
            try await Task.sleep(for: .milliseconds(100))
            size = try await asked()
        }
        #expect(size == 0)
        #expect(nodes.stop().isEmpty)
    }

    private static func message(_ bytes: [UInt8]) -> DutyMessage? {
        do throws(Ledger.DecodingError) { return try DutyMessage(decoding: bytes) } catch {
            return nil
        }
    }

    @Test("many jobs, while nodes stop and start again, come to one result each")
    func stopsAndStarts() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(
            try RunningNodes.network(folder), [0, 1, 2, 3], share: Self.share())
        var ids: [JobID] = []
        for number in 0..<24 {
            ids.append(try Self.submit(nodes, input: Array("job \(number)".utf8)))
        }
        for place in [3, 1, 2] {
            try await Task.sleep(for: .milliseconds(400))
            #expect(nodes.stop([place]).isEmpty)
            try await Task.sleep(for: .milliseconds(300))
            try nodes.start(place)
        }
        let isClosed = try await nodes.wait {
            ids.allSatisfy { Self.decision(nodes, $0) != nil }
        }
        #expect(isClosed)
        for (number, id) in ids.enumerated() {
            let decision = Self.decision(nodes, id)
            guard decision?.decision == .agreed else { continue }
            #expect(decision?.output == Digest(hashing: Array("job \(number)".utf8)))
        }
        #expect(ids.count { Self.decision(nodes, $0)?.decision == .agreed } >= ids.count / 2)
        #expect(nodes.state { $0.convictionCount } == 0)
        #expect(nodes.stop().isEmpty)
    }
}
