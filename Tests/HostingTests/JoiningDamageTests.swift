// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

/// What peers can lie about to a node that starts from far behind, and what crashes can do to it.
@Suite("Starting from far behind, among liars and crashes")
struct JoiningDamageTests {
    /// A place in what a liar sends, and the change of it.
    private func joins(
        _ what: String, expecting word: String? = nil,
        _ change: @escaping (PeerMessage) -> PeerMessage?
    ) throws {
        let joining = try JoiningCase(requests: 10)
        let cluster = joining.cluster
        // The first two that are asked lie.
        let peers = [0, 1]
        cluster.change = { from, to, bytes in
            guard to == JoiningCase.late, peers.contains(from), let message = PeerMessage.of(bytes)
            else { return bytes }
            return change(message)?.encoded
        }
        try joining.join()
        #expect(try joining.runUntilWhole(), "\(what)")
        if let word { #expect(joining.told.contains(word), "\(what): \(joining.told)") }
        #expect(joining.told.contains("starts from the snapshot"), "\(what): \(joining.told)")
        #expect(!joining.told.contains("nobody has"), "\(what)")
        try joining.checkEqual()
    }

    private func changed(
        _ message: PeerMessage, _ body: (inout SnapshotPart) -> Void
    ) -> PeerMessage {
        guard case .snapshotPart(var part) = message, part.fileBytes > 0 else { return message }
        body(&part)
        return .snapshotPart(part)
    }

    @Test("A byte that is changed anywhere in a snapshot is told of, and the next peer is asked")
    func liesInBytes() throws {
        var random = SplitMix64(seed: 11)
        // All of the header's parts, then places in the body.
        let header = [0, 4, 8, 16, 48, 56, 64, 96, 300, 512, 520, 560, 600, 640]
        for number in 0..<30 {
            let place = number < header.count ? header[number] : Int(random.next() % 100_000)
            try joins("byte \(place)", expecting: "validator 0 gave no snapshot") { message in
                changed(message) { part in
                    part.bytes[place < 700 ? place : place % part.bytes.count] ^= 1
                }
            }
        }
    }

    @Test("Lengths, proofs, seals and sizes that are wrong are told of")
    func liesInProofs() throws {
        let lies: [(String, (inout SnapshotPart) -> Void)] = [
            ("it sent one of", { $0.snapshotSize += 1 }),
            ("its parts do not make up", { $0.fileBytes += 1 }),
            ("its parts do not make up", { $0.fileBytes = .max }),
            ("its parts do not make up", { $0.bytes.removeLast() }),
            ("its parts do not make up", { $0.bytes.append(0) }),
            ("bytes were due", { $0.bytes = [] }),
            ("are not those of a sealed batch", { $0.seal = EntryBytes([]) }),
            ("are not those of a sealed batch", { $0.seal.bytes[9] ^= 1 }),
            ("are not those of a sealed batch", { $0.inclusion.removeLast() }),
            ("are not those of a sealed batch", { $0.inclusion[0] = .zero }),
            ("is not under the checkpoint", { $0.consistency.append(.zero) }),
            ("is not under the checkpoint", { $0.consistency[0] = .zero }),
            ("it has none", { $0.fileBytes = 0 }),
        ]
        for (number, (word, lie)) in lies.enumerated() {
            try joins("lie \(number)", expecting: word) { changed($0, lie) }
        }
    }

    @Test("Peers that say nothing, or another's part, hold nothing up")
    func silence() throws {
        try joins("silence") { message in
            if case .snapshotPart = message { nil } else { message }
        }
        try joins("another place") { changed($0) { $0.offset += 1 } }
        try joins("another checkpoint") { changed($0) { $0.checkpointSize += 1 } }
    }

    @Test("Old batches that prove nothing are told of, and the next peer is asked")
    func liesInBatches() throws {
        let lies: [(inout DecidedBatch) -> Void] = [
            { $0.entries[0].bytes[20] ^= 1 },
            { $0.entries.removeLast() },
            { $0.precommits.root = .zero },
            { $0.precommits.signatures.removeLast() },
            { $0.precommits.round += 1 },
        ]
        for (number, lie) in lies.enumerated() {
            try joins("lie \(number)", expecting: "sent a batch that proves nothing") { message in
                guard case .batch(var batch) = message, batch.precommits.height.rawValue < 5
                else { return message }
                lie(&batch)
                return .batch(batch)
            }
        }
    }

    @Test("A checkpoint with another root than the ledger's is an error that names both")
    func wrongRoot() throws {
        let joining = try JoiningCase()
        let cluster = joining.cluster
        let log = try #require(cluster.hosts[0]?.log)
        let head = TreeHead(size: log.size, root: Digest(hashing: [1]))
        try joining.join(trusting: head)
        // Nobody can give a snapshot under it; replaying comes to another root.
        var failure: HostError?
        do { _ = try joining.runUntilWhole() } catch let error as HostError { failure = error }
        guard case .otherHistory(head, let found)? = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(found == (try log.root(at: head.size)))
        #expect(joining.told.contains("it is not under the checkpoint"))
        // A node that has the entries does not open.
        cluster.hosts[JoiningCase.late] = nil
        cluster.trusted[0] = head
        try cluster.hosts[0]?.close()
        #expect(throws: HostError.self) { try cluster.open(0) }
        cluster.trusted[0] = TreeHead(size: head.size, root: found)
        try cluster.open(0)
        #expect(cluster.hosts[0]?.isJoining == false)
    }

    @Test("A peer gets so many parts in a second, and no more")
    func bounded() throws {
        let joining = try JoiningCase()
        let cluster = joining.cluster
        let host = try #require(cluster.hosts[0])
        let want = PeerMessage.wantSnapshot(
            SnapshotWant(checkpointSize: host.log.size, snapshotSize: 0, offset: 0))
        func answers(_ count: Int, from peer: ValidatorIndex?) throws -> Int {
            var sum = 0
            for _ in 0..<count {
                sum += try host.receive(want.encoded, from: peer, at: cluster.instant).count
            }
            return sum
        }
        let most = Int(HostingLimits.partsPerSecond)
        #expect(try answers(3 * most, from: ValidatorIndex(3)) == most)
        #expect(try answers(3 * most, from: ValidatorIndex(2)) == most)
        #expect(try answers(most, from: ValidatorIndex(99)) == 0)
        #expect(try answers(most, from: nil) == 0)
        cluster.now += 500
        #expect(try answers(most, from: ValidatorIndex(3)) == most / 2)
    }

    @Test("A crash at any operation of the whole course, and one while it is mended, is mended")
    func crashes() throws {
        let joining = try JoiningCase(requests: 8)
        let cluster = joining.cluster
        let disk = cluster.disks[JoiningCase.late]
        try joining.loseLedger()
        let before = disk.operations
        try joining.join()
        try #require(try joining.runUntilWhole())
        let operations = disk.operations - before
        var random = SplitMix64(seed: 5)
        var phases: [String: Int] = [:]
        let faults = [SimulatedFault.powerCut, .powerCut, .inputOutputError, .noSpace]
        for trial in stride(from: 0, to: operations, by: 2) {
            let what = "trial \(trial)"
            if trial.isMultiple(of: 40) { try joining.decide(1) }
            try joining.loseLedger()
            disk.fail(
                operation: trial + Int(random.next() % 2),
                with: faults[Int(random.next() % UInt64(faults.count))])
            var isWhole = false
            for life in 0..<12 where !isWhole {
                do {
                    if life == 0 { try joining.join() } else { try cluster.open(JoiningCase.late) }
                    isWhole = try joining.runUntilWhole(20_000)
                    break
                } catch let error as HostError {
                    cluster.notices[JoiningCase.late].append("\(error)")
                    let phase =
                        joining.host.map {
                            $0.isJoining ? "joining" : $0.isBackfilling ? "backfilling" : "whole"
                        } ?? "opening"
                    phases[phase, default: 0] += 1
                    cluster.hosts[JoiningCase.late] = nil
                    disk.restart(seed: random.next())
                    disk.healFaults()
                    // The next crash comes while this one is mended, or there is none.
                    if life < 3 { disk.fail(operation: Int(random.next() % 150), with: .powerCut) }
                }
            }
            disk.healFaults()
            try #require(isWhole, "\(what): \(joining.account)")
            try joining.checkEqual()
        }
        #expect(phases["joining", default: 0] > 0 && phases["backfilling", default: 0] > 0)
    }

    @Test("A snapshot of several parts comes from one peer, whatever is lost or lied about")
    func parts() throws {
        let joining = try JoiningCase(requests: 1)
        let cluster = joining.cluster
        try joining.grow()
        try joining.decide(3)
        typealias Lie = (word: String, change: (inout SnapshotPart) -> Void)
        let length = "its parts do not make up"
        let rounds: [[Lie]] = [
            [
                ("the component circuits has the root", { $0.bytes[77] ^= 1 }),
                (length, { $0.fileBytes += 1 }),
            ],
            [(length, { $0.bytes.removeLast() }), (length, { $0.snapshotSize += 1 })],
            [],
        ]
        for (number, lies) in rounds.enumerated() {
            try joining.loseLedger()
            cluster.notices[JoiningCase.late] = []
            var parts: [Int: Int] = [:]
            var isLost = false
            cluster.change = { from, to, bytes in
                guard to == JoiningCase.late, case .snapshotPart(var part)? = PeerMessage.of(bytes)
                else { return bytes }
                parts[from, default: 0] += 1
                guard part.offset > 0 else { return bytes }
                if lies.indices.contains(from) {
                    lies[from].change(&part)
                } else if !isLost {
                    // It is asked for again.
                    isLost = true
                    return nil
                }
                return PeerMessage.snapshotPart(part).encoded
            }
            try joining.join()
            for _ in 0..<100 where joining.host?.isJoining == true { try cluster.run(100) }
            for (place, lie) in lies.enumerated() {
                #expect(parts[place] == 2, "\(number)")
                let told = "validator \(place) gave no snapshot to start from: \(lie.word)"
                #expect(joining.told.contains(told), "\(number): \(joining.told)")
            }
            #expect(parts[lies.count] == 3, "\(number)")
            #expect(joining.told.contains("starts from the snapshot"), "\(number)")
        }
    }
}
