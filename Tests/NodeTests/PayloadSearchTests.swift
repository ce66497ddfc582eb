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
        private let asked = Mutex<[(hash: Digest, asker: PublicKey, peer: PublicKey)]>([])

        func note(_ bytes: [UInt8], from asker: PublicKey, to peer: PublicKey) {
            guard case .wantBlob(let hash, _)? = try? DutyMessage(decoding: bytes) else { return }
            asked.withLock { $0.append((hash, asker, peer)) }
        }

        /// Whom a node asked first.
        func first(by asker: PublicKey, for hash: Digest) -> PublicKey? {
            asked.withLock { $0.first { $0.hash == hash && $0.asker == asker }?.peer }
        }

        func count(for hash: Digest) -> Int { asked.withLock { $0.count { $0.hash == hash } } }
        func count(to peers: Set<PublicKey>) -> Int {
            asked.withLock { $0.count { peers.contains($0.peer) } }
        }
    }

    /// Four nodes; `heard` gets what each sends another.
    private static func start(
        _ folder: TemporaryFolder,
        heard: @escaping @Sendable ([UInt8], _ sender: PublicKey, _ receiver: PublicKey) -> Void
    ) throws -> RunningNodes {
        let hub = LocalHub { bytes, sender, receiver in
            heard(bytes, sender, receiver)
            return true
        }
        return try RunningNodes(
            try RunningNodes.network(folder), [0, 1, 2, 3],
            share: NodeShare(engine: { JobEngine.loaded }), hub: hub)
    }

    private static func isClosed(_ nodes: RunningNodes, _ ids: [JobID]) async throws -> Bool {
        try await nodes.wait([0, 1, 2, 3]) { state in
            ids.allSatisfy { id in state.entry(of: id).flatMap { state.closedJob(at: $0) } != nil }
        }
    }

    /// Hands in jobs whose payloads the first node has, and waits until every node has all of them.
    /// Returns who ran which input, that of the module aside.
    @discardableResult
    private static func run(
        _ numbers: Range<Int>, _ nodes: RunningNodes,
        module: [UInt8] = HostileModules.harmless(), inputBytes: Int = 0
    ) async throws -> [(input: Digest, runners: [ValidatorIndex])] {
        let inputs = numbers.map { number in
            let text = Array("input \(number)".utf8)
            return text + [UInt8](repeating: 0, count: max(0, inputBytes - text.count))
        }
        let payloads = try ([module] + inputs).map { try nodes.blobs(0).put($0) }
        let jobs = inputs.map { nodes.job(module, $0, engineVersion: ComputeEngine.version) }
        for job in jobs { nodes.node(0)?.submit(.job(job)) }
        let ids = jobs.map { $0.id(in: nodes.network.ledger) }
        #expect(try await isClosed(nodes, ids))
        let isKept = try await nodes.wait {
            try (0..<4).allSatisfy { place in
                Set(payloads.map(\.hex)).isSubset(of: try nodes.blobs(place).names())
            }
        }
        #expect(isKept)
        return zip(payloads.dropFirst(), ids).map { input, id in
            let runners = nodes.state { state in
                state.entry(of: id).flatMap { state.closedJob(at: $0) }?.validators
            }
            return (input, (runners ?? nil) ?? [])
        }
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

    @Test("whoever passed a job on is asked first for what a run needs")
    func passedOn() async throws {
        let folder = try TemporaryFolder()
        let questions = Questions()
        let nodes = try Self.start(folder, heard: questions.note)
        let keys = nodes.network.nodes.map(\.key.publicKey)
        var count = 0
        for (input, runners) in try await Self.run(0..<24, nodes) {
            for runner in runners where runner.rawValue > 0 {
                // It may have been asked for what it keeps of an earlier job, but never in vain.
                #expect(questions.first(by: keys[Int(runner.rawValue)], for: input) == keys[0])
                count += 1
            }
        }
        #expect(count >= 24)
        #expect(nodes.stop().isEmpty)
    }

    /// Which parts of payloads nodes have asked for, in order.
    private final class Parts: Sendable {
        private let asked = Mutex<[(asker: PublicKey, hash: Digest, offset: UInt64)]>([])

        func note(_ bytes: [UInt8], from asker: PublicKey, to peer: PublicKey) {
            guard case .wantBlob(let hash, let offset)? = try? DutyMessage(decoding: bytes) else {
                return
            }
            asked.withLock { $0.append((asker, hash, offset)) }
        }

        /// The most payloads that a node held parts of at once, of those that are looked at.
        ///
        /// It holds one from the question behind the first part to the last question before it
        /// begins anew, which it does where time was up: then what it had is gone.
        func heldMax(by asker: PublicKey, _ hashes: Set<Digest>) -> Int {
            var spans: [(first: Int, last: Int)] = []
            var held: [Digest: Int] = [:]
            let own = asked.withLock { $0.filter { $0.asker == asker && hashes.contains($0.hash) } }
            for (number, question) in own.enumerated() {
                if question.offset == 0 {
                    held[question.hash] = nil
                } else if let span = held[question.hash] {
                    spans[span].last = number
                } else {
                    held[question.hash] = spans.count
                    spans.append((number, number))
                }
            }
            return spans.map { span in
                spans.count { $0.first <= span.first && span.first <= $0.last }
            }.max() ?? 0
        }
    }

    @Test("the payloads that are fetched at once have a bound, and those beyond it come later")
    func bytesAtOnce() async throws {
        let folder = try TemporaryFolder()
        let parts = Parts()
        let nodes = try Self.start(folder, heard: parts.note)
        let keys = nodes.network.nodes.map(\.key.publicKey)
        let bytes = EngineLimits.inputBytesMax
        let room = Int(NodeLimits.fetchedBytesMax) / bytes
        var most: [Int] = []
        // How many jobs a batch brings is a matter of time: it is tried until one has brought a
        // node as many as there is room for.
        for number in 0..<4 where !most.contains(room) {
            let ran = try await Self.run(8 * number..<8 * number + 8, nodes, inputBytes: bytes)
            most += (1...3).map { place in
                let own = ran.filter { $0.runners.contains(ValidatorIndex(UInt16(place))) }
                return parts.heldMax(by: keys[place], Set(own.map(\.input)))
            }
        }
        #expect(most.allSatisfy { $0 <= room }, "payloads at once: \(most)")
        #expect(most.contains(room), "no node had as many to fetch as there is room for: \(most)")
        #expect(nodes.stop().isEmpty)
    }

    @Test("every node has the payloads in the end where two of four give nothing")
    func withheld() async throws {
        let folder = try TemporaryFolder()
        let network = try RunningNodes.network(folder)
        let liars: Set = [network.nodes[2].key.publicKey, network.nodes[3].key.publicKey]
        let questions = Questions()
        let hub = LocalHub { bytes, sender, receiver in
            questions.note(bytes, from: sender, to: receiver)
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
        let nodes = try Self.start(folder) { _, _, _ in }
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
        let nodes = try Self.start(folder, heard: questions.note)
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
