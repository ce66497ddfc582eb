// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Replication
import Synchronization
import TestSupport
import Testing

/// What a validator, the bridge or a stranger may send to nodes that run.
@Suite("What adversaries do to running nodes", .serialized)
struct AdversaryTests {
    /// Bytes of every kind that no node says.
    private static func garbage(_ random: inout SplitMix64) -> [UInt8] {
        let kinds: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 128, 129, 130, 131, 132, 133, 134, 255]
        let length = Int(random.next() % 300)
        return [kinds[Int(random.next() % 16)]]
            + (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    @Test("garbage and floods over the hub hold up nobody")
    func garbageAndFloods() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let liar = nodes.hub.join(nodes.network.nodes[3].key.publicKey, as: .validator)
        let stranger = nodes.hub.join(SigningKey().publicKey, as: .client)
        let isOver = Atomic(false)
        let flood = Task.detached {
            var random = SplitMix64(seed: 5)
            var megabyte = [UInt8](repeating: 7, count: 1 << 20)
            // At once, more than a queue holds.
            for _ in 0..<40 { liar.sendToAll(megabyte) }
            while !isOver.load(ordering: .relaxed) {
                for _ in 0..<200 {
                    let bytes = Self.garbage(&random)
                    liar.sendToAll(bytes)
                    stranger.sendToAll(bytes)
                }
                megabyte[0] = UInt8(truncatingIfNeeded: random.next())
                for _ in 0..<4 { liar.sendToAll(megabyte) }
                for _ in 0..<200 {
                    liar.sendToAll(DutyMessage.wantBlob(.zero, offset: 0).encoded)
                    liar.sendToAll(DutyMessage.wantChanges(0).encoded)
                }
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
        let requests = try nodes.requests(6)
        for (place, request) in requests.enumerated() {
            nodes.node(place % 3)?.submit(.request(request))
        }
        let isDecided = try await nodes.wait {
            (0..<3).allSatisfy { nodes.approved(requests, by: $0) == requests.count }
        }
        isOver.store(true, ordering: .relaxed)
        _ = await flood.value
        #expect(isDecided)
        for place in 0..<3 { #expect(nodes.node(place)?.droppedMessages ?? 0 > 0) }
        #expect(nodes.stop().isEmpty)
    }

    /// What a validator gives of a payload that it is asked for.
    enum Gift: CaseIterable { case falseByte, byteAtATime, otherSize }

    @Test(
        "false bytes of a payload are kept nowhere, and another peer is asked",
        arguments: Gift.allCases)
    func falsePayloads(gift: Gift) async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let payload = [UInt8](repeating: 3, count: 2_000_000)
        let asked = Atomic(0)
        let liar = nodes.hub.join(nodes.network.nodes[3].key.publicKey, as: .validator)
        liar.receive { arrival in
            let (bytes, sender) = (arrival.bytes, arrival.sender)
            guard case .wantBlob(let hash, let offset)? = try? DutyMessage(decoding: bytes) else {
                return
            }
            asked.add(1, ordering: .relaxed)
            var part = Array(payload[Int(min(offset, 2_000_000))...].prefix(1 << 20))
            var size: UInt64 = 2_000_000
            switch gift {
            case .falseByte: if !part.isEmpty { part[0] ^= 1 }
            case .byteAtATime: part = Array(part.prefix(1))
            case .otherSize: size = 1 << 20
            }
            liar.send(
                DutyMessage.blobPart(hash, size: size, offset: offset, bytes: part).encoded,
                to: sender)
        }
        // The module is a real blob of node 0 alone, and the two others ask the liar before it, who
        // passed the job on; nobody has an engine of this version.
        _ = try nodes.blobs(0).put(payload)
        _ = try nodes.blobs(0).put([1, 2, 3])
        let job = nodes.job(payload, [1, 2, 3], engineVersion: "none")
        liar.sendToAll(PeerMessage.command(.job(job)).encoded)
        nodes.node(0)?.submit(.job(job))
        let id = job.id(in: nodes.network.ledger)
        /// Who is to run it; it may be over soon.
        @Sendable func drawn(_ state: LedgerState) -> [ValidatorIndex]? {
            state.entry(of: id).flatMap { entry in
                state.job(at: entry)?.assigned?.validators ?? state.closedJob(at: entry)?.validators
            }
        }
        #expect(try await nodes.wait { drawn($0) != nil })
        let assigned = try #require(nodes.state { drawn($0) ?? [] })
        let fetching = [1, 2].filter { assigned.contains(ValidatorIndex(UInt16($0))) }
        #expect(!fetching.isEmpty)
        func holds(_ place: Int) throws -> Bool {
            do throws(LogError) { return try nodes.blobs(place).get(job.module) == payload } catch {
                if case .blobMissing = error { return false }
                throw error
            }
        }
        let isThere = try await nodes.wait { try fetching.allSatisfy(holds) }
        #expect(isThere)
        let count = asked.load(ordering: .relaxed)
        #expect(count > 0, "the liar was asked by nobody, and the test shows nothing")
        #expect(count < 20, "the liar was asked \(count) times")
        #expect(nodes.stop().isEmpty)
        for place in fetching { #expect(try nodes.blobs(place).verifyAll() == 2) }
    }

    @Test("junk in a checkpoint note gets into no note that is kept")
    func junkInNotes() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let (network, liar) = (nodes.network, nodes.network.nodes[3])
        let port = nodes.hub.join(liar.key.publicKey, as: .validator)
        let log = try EventLog.open(
            directory: network.nodes[0].ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        let head = TreeHead(size: log.size, root: log.root)
        let checkpoint = Checkpoint(ledger: network.ledger.digest, head: head)
        var signed = try SignedCheckpoint(signing: checkpoint, with: liar.key)
        _ = try signed.cosign(with: liar.key, seconds: 5)
        let good = signed.bytes
        // Lines under the names of others, of strangers, twice, and no lines at all.
        let others = try (0..<3).map { place in
            let key = network.nodes[place].key.publicKey
            let name = try Checkpoint.cosignerKey(origin: checkpoint.origin, publicKey: key)
            let bytes = Data([0, 0, 0, 0] + [UInt8](repeating: 9, count: 72))
            return "— \(name.name) \(bytes.base64EncodedString())\n"
        }
        let stranger = try SignedCheckpoint(signing: checkpoint, with: SigningKey()).bytes
        let lines = good.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let junk: [[UInt8]] = [
            [], [0xFF, 0xFE], Array(good.dropLast(7)), Array(good + Array("— junk\n".utf8)),
            Array(good + Array(others.joined().utf8)), stranger,
            good + Array((lines.dropLast().last ?? []) + [10]),
            Array(repeating: UInt8(ascii: "\n"), count: 60_000),
        ]
        for bytes in junk { port.sendToAll(DutyMessage.checkpoint(bytes).encoded) }
        let requests = try nodes.requests(1)
        nodes.node(0)?.submit(.request(requests[0]))
        #expect(
            try await nodes.wait { nodes.approved(requests, by: 1) == 1 })
        for bytes in junk { port.sendToAll(DutyMessage.checkpoint(bytes).encoded) }
        nodes.node(0)?.makeCheckpoint()
        let store = CheckpointStore(
            logDirectory: network.nodes[1].ledgerDirectory, origin: checkpoint.origin,
            disk: POSIXDisk())
        #expect(
            try await nodes.wait {
                try store.newest().checkpoint?.head.size ?? 0 > head.size
            })
        #expect(nodes.state { $0.convictionCount } == 0)
        #expect(nodes.stop().isEmpty)
        let keys = network.nodes.map(\.key.publicKey)
        let policy = try CheckpointPolicy(quorum: Quorum(threshold: 1, count: 4), validators: keys)
        let known = try keys.flatMap { key in
            [
                try Checkpoint.logKey(origin: checkpoint.origin, publicKey: key),
                try Checkpoint.cosignerKey(origin: checkpoint.origin, publicKey: key),
            ]
        }
        for place in 0..<3 {
            let store = CheckpointStore(
                logDirectory: network.nodes[place].ledgerDirectory, origin: checkpoint.origin,
                disk: POSIXDisk())
            for size in try store.list().sizes {
                let note = try store.load(size: size)
                _ = try policy.verdict(on: note, origin: checkpoint.origin)
                for line in note.note.signatures {
                    #expect(known.contains { $0.verifies(line, of: note.note.text) }, "\(size)")
                }
            }
        }
    }

    @Test("whoever signs two checkpoints of one size, each for another, is convicted")
    func twoCheckpoints() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let liar = nodes.network.nodes[3]
        let port = nodes.hub.join(liar.key.publicKey, as: .validator)
        let log = try EventLog.open(
            directory: nodes.network.nodes[0].ledgerDirectory, disk: POSIXDisk(),
            access: .readOnly)
        let right = try SignedCheckpoint(
            signing: Checkpoint(
                ledger: nodes.network.ledger.digest,
                head: TreeHead(size: log.size, root: log.root)), with: liar.key)
        var wrong = try SignedCheckpoint(
            signing: Checkpoint(
                ledger: nodes.network.ledger.digest,
                head: TreeHead(size: log.size, root: Digest(hashing: [1]))), with: liar.key)
        _ = try wrong.cosign(with: liar.key, seconds: 9)
        port.send(
            DutyMessage.checkpoint(right.bytes).encoded,
            to: nodes.network.nodes[0].key.publicKey)
        port.send(
            DutyMessage.checkpoint(wrong.bytes).encoded,
            to: nodes.network.nodes[1].key.publicKey)
        // The first passes on what it cosigns, and the second has heard of another.
        #expect(try await nodes.wait { $0.convictionCount == 1 })
        #expect(nodes.state { $0.validators[3].reputation < Reputation(1_000_000) } == true)
        #expect(nodes.stop().isEmpty)
    }

    @Test("whoever reports two results of one job is convicted")
    func twoResults() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let (liar, ledger) = (nodes.network.nodes[3], nodes.network.ledger)
        let port = nodes.hub.join(liar.key.publicKey, as: .validator)
        let own = ValidatorIndex(3)
        // Three of four are drawn: one of so many jobs is the liar's.
        let jobs = (0..<8).map { nodes.job([1], [UInt8($0)], engineVersion: "none") }
        for job in jobs { nodes.node(0)?.submit(.job(job)) }
        let ids = jobs.map { $0.id(in: ledger) }
        #expect(
            try await nodes.wait { state in
                ids.allSatisfy { id in
                    state.entry(of: id).map { state.job(at: $0)?.assigned != nil } ?? false
                }
            })
        let found = nodes.state { state in
            ids.first { id in
                state.entry(of: id).flatMap { state.job(at: $0)?.assigned }?.validators
                    .contains(own) ?? false
            }
        }
        let id = try #require(found ?? nil)
        func report(_ output: UInt8) {
            let message = ResultMessage(
                job: id, validator: liar.key.publicKey, status: JobStatus(.success),
                output: Digest(hashing: [output]), fuel: 1, signature: .zero
            ).signed(by: liar.key, in: ledger)
            port.sendToAll(PeerMessage.command(.result(message)).encoded)
        }
        report(1)
        #expect(
            try await nodes.wait { state in
                guard let entry = state.entry(of: id), let job = state.job(at: entry),
                    let place = job.assigned?.validators.firstIndex(of: own)
                else { return false }
                return job.results[place] != nil
            })
        report(2)
        #expect(try await nodes.wait { $0.convictionCount == 1 })
        #expect(nodes.stop().isEmpty)
    }

    @Test("the bridge's questions are answered so often, and each from where it asks")
    func questionsOfTheBridge() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let network = nodes.network
        for number in 0..<20 as Range<UInt64> {
            var change = GovernanceMessage(
                number: number,
                change: .submitterListed(
                    key: SigningKey().publicKey, name: "s-\(number)", quota: 1),
                endorsements: [])
            let bytes = change.signedBytes(in: network.ledger)
            change.endorsements = (0..<3).map {
                let key = network.nodes[$0].key
                return Endorsement(validator: key.publicKey, signature: key.sign(bytes))
            }
            nodes.node(0)?.submit(.governance(change))
            #expect(try await nodes.wait { $0.nextChange == number + 1 })
        }
        // A node that begins anew knows of none, and looks for them in its log.
        #expect(nodes.stop([0]).isEmpty)
        try nodes.start(0)
        let bridge = try #require(network.bridge)
        let port = nodes.hub.join(bridge.key.publicKey, as: .client)
        let answers = Mutex<[[UInt64]]>([])
        let first = network.nodes[0].key.publicKey
        port.receive { arrival in
            let (bytes, sender) = (arrival.bytes, arrival.sender)
            guard sender == first,
                case .changes(let list)? = try? DutyMessage(decoding: bytes)
            else { return }
            let numbers = list.compactMap { change -> UInt64? in
                guard
                    case .governanceApproved(let event)? = try? Event(
                        decoding: change.approved.bytes)
                else { return nil }
                return event.number
            }
            answers.withLock { $0.append(numbers) }
        }
        // All that one message carries, from where it is asked; others may come too.
        #expect(
            try await nodes.wait {
                port.send(DutyMessage.wantChanges(2).encoded, to: first)
                return answers.withLock { $0 }.contains(Array(2..<18))
            })
        try await Task.sleep(for: .seconds(1))
        answers.withLock { $0 = [] }
        let begin = ContinuousClock.now
        while ContinuousClock.now - begin < .seconds(3) {
            for _ in 0..<10 { port.send(DutyMessage.wantChanges(19).encoded, to: first) }
            try await Task.sleep(for: .milliseconds(10))
        }
        let most = Int((ContinuousClock.now - begin) / .milliseconds(250)) + 2
        let heard = answers.withLock { $0 }
        #expect(heard.count >= 2 && heard.count <= most, "\(heard.count) of \(most)")
        #expect(heard.allSatisfy { $0 == [19] })
        #expect(nodes.stop().isEmpty)
    }
}
