// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

/// A ledger of four, three of whom decide, which orders itself by a quorum.
private struct Ordered {
    private static let directory = "/ledger"

    let disk = SimulatedDisk()
    private(set) var scenario: LedgerScenario

    init(batches count: UInt64) throws {
        scenario = try LedgerScenario(.of(4, 3))
        for second in 1...count { try scenario.batch(seconds: second) }
        try disk.createDirectory(Self.directory)
        try disk.syncDirectory("/")
    }

    var root: Digest { scenario.frontier.root }
    var size: UInt64 { scenario.state.size }

    /// Precommits to the last batch, or to another root after it.
    func precommits(by indices: [UInt16] = [0, 1, 2], to root: Digest? = nil) -> Precommits {
        Precommits(
            to: root ?? self.root, of: scenario.state.height, by: indices.map(ValidatorIndex.init),
            in: scenario.ledger, key: Fixture.key)
    }

    /// Adds a batch whose proposer signed nothing, as whoever writes to a disk can.
    mutating func addForged() throws {
        var event = scenario.opening(at: scenario.state.time.adding(milliseconds: 1000)).event
        event.signature = .zero
        let opening = try #require(scenario.state.opening(of: event))
        try scenario.take(.openBatch(Checked(unchecked: opening), root: root))
        try scenario.seal()
    }

    /// Writes the first batches, all unless told, and audits them.
    func audit(
        batches count: Int? = nil, precommits: [Precommits] = [],
        checkpoints: [SignedCheckpoint] = [], snapshotAfter whole: Int? = nil
    ) throws -> AuditReport {
        try write(Self.directory + "/l", batches: count)
        let store = PrecommitStore(ledgerDirectory: Self.directory + "/l", disk: disk)
        for item in precommits { try store.save(item) }
        let notes = CheckpointStore(
            logDirectory: Self.directory + "/l", origin: origin, disk: disk)
        for item in checkpoints { _ = try notes.save(item) }
        if let whole { try copySnapshot(after: whole, to: Self.directory + "/l") }
        return try Auditor.run(directory: Self.directory + "/l", disk: disk)
    }

    /// Puts the snapshot that a log of so many batches has beside another log.
    private func copySnapshot(after count: Int, to directory: String) throws {
        let whole = Self.directory + "/whole"
        try write(whole, batches: count)
        let opened = try LedgerStore.open(directory: whole, disk: disk)
        _ = try LedgerStore.takeSnapshot(of: opened, directory: whole, disk: disk, kept: 1)
        try opened.log.close()
        let height = opened.state.height
        let from = SnapshotStore(ledgerDirectory: whole, disk: disk).path(height)
        let to = SnapshotStore(ledgerDirectory: directory, disk: disk).path(height)
        let bytes = try #require(disk.bytes(of: from))
        try disk.createDirectory(directory + "/snapshots")
        disk.replace(to, with: bytes)
    }

    /// Writes the first batches to a log, all unless told.
    func write(_ directory: String, batches count: Int? = nil) throws {
        try EventLog.write(
            scenario.log.batches.prefix(count ?? .max).joined().map(\.encoded), to: directory,
            disk: disk)
    }

    /// Recovers a ledger of the first `count` batches of which the copy has three, and counts what
    /// is kept beyond those.
    func keptBeyond(batches count: Int, precommits: [Precommits] = []) throws -> UInt64 {
        let (damaged, copy) = (Self.directory + "/damaged", Self.directory + "/copy")
        try write(damaged, batches: count)
        try write(copy, batches: 3)
        let store = PrecommitStore(ledgerDirectory: damaged, disk: disk)
        for item in precommits { try store.save(item) }
        _ = try BlobStore(logDirectory: damaged, disk: disk).put([1])
        disk.replace("\(damaged)/blobs/\(Digest(hashing: [1]).hex)", with: [2])
        let source = try LedgerSource(directory: copy, disk: disk)
        let size = UInt64(scenario.log.batches.prefix(3).joined().count)
        let root = try EventLog.open(directory: copy, disk: disk, access: .readOnly).root
        let report = try LedgerRecovery.run(
            directory: damaged, from: source,
            trust: TrustedHead(ledger: scenario.ledger, size: size, root: root), disk: disk)
        #expect(report.outcome == .recovered)
        #expect(report.size == size + report.entriesBeyond)
        return report.batchesBeyond
    }

    /// Whether a node takes the ledger up.
    func opens(batches count: Int) throws -> Bool {
        let directory = Self.directory + "/own"
        try write(directory, batches: count)
        do throws(StorageError) {
            let opened = try LedgerStore.open(directory: directory, disk: disk, checksTail: true)
            #expect(opened.state.size == opened.log.size)
            return true
        } catch { return false }
    }

    private var origin: String { Checkpoint.origin(ofLedger: scenario.ledger.digest) }

    func checkpoint(_ size: UInt64, _ root: Digest, by index: Int) throws -> SignedCheckpoint {
        let key = index < 4 ? scenario.keys[index] : SigningKey()
        return try SignedCheckpoint(
            signing: Checkpoint(
                ledger: scenario.ledger.digest, head: TreeHead(size: size, root: root)),
            with: key)
    }
}

@Suite("What lies beside a log")
struct FolderTests {
    @Test("the last batch of a log was seen by no quorum, and the audit is silent")
    func lastBatchWithoutQuorum() throws {
        let shown = try Ordered(batches: 3)
        var report = try shown.audit(precommits: [shown.precommits()])
        #expect(report.findings == [])
        #expect(report.checks.quorum == .passed && !report.isWithoutQuorum)
        let bare = try Ordered(batches: 3)
        report = try bare.audit()
        #expect(report.isRight && report.isWithoutQuorum)
        #expect(report.notes.contains { $0.contains("No quorum shown for batch 3") })
        let two = try Ordered(batches: 3)
        report = try two.audit(precommits: [two.precommits(by: [0, 1])])
        #expect(report.isWithoutQuorum)
        let alone = try Ordered(batches: 3)
        report = try alone.audit(precommits: [alone.precommits(by: [2, 2, 2])])
        #expect(report.isWithoutQuorum)
        let genesis = try Ordered(batches: 1)
        report = try genesis.audit(batches: 1)
        #expect(report.checks.quorum == .passed)
    }

    @Test("a log cut to a quarter with a signed checkpoint of its full size beside it is wrong")
    func cutLog() throws {
        let ordered = try Ordered(batches: 8)
        let report = try ordered.audit(
            batches: 3, checkpoints: [try ordered.checkpoint(ordered.size, ordered.root, by: 1)])
        #expect(report.findings.map(\.kind) == [.contradicted])
        #expect(report.findings.first?.expected.contains("validator 1") == true)
        // Precommits tell of it as well; one batch more is what a crash leaves.
        let agreed = try Ordered(batches: 8)
        #expect(
            try agreed.audit(batches: 3, precommits: [agreed.precommits()]).findings.map(\.kind)
                == [.contradicted])
        let crashed = try Ordered(batches: 8)
        let left = try crashed.audit(batches: 8, precommits: [crashed.precommits()])
        #expect(left.isRight && left.isWithoutQuorum)
    }

    @Test("a checkpoint of another root is a finding, unless nobody of the ledger signed it")
    func otherRoots() throws {
        let ordered = try Ordered(batches: 4)
        let size = ordered.size
        let report = try ordered.audit(
            precommits: [ordered.precommits()],
            checkpoints: [
                try ordered.checkpoint(size, .zero, by: 3),
                try ordered.checkpoint(size - 1, .zero, by: 9),
                try ordered.checkpoint(size + 9, .zero, by: 9),
            ])
        #expect(report.findings.map(\.kind) == [.contradicted])
        #expect(report.notes.count { $0.contains("says nothing") } == 2)
        let good = try Ordered(batches: 4)
        #expect(
            try good.audit(
                precommits: [good.precommits()],
                checkpoints: [try good.checkpoint(good.size, good.root, by: 0)]
            ).findings == [])
    }

    @Test("a log that holds less than a snapshot beside it was taken of is wrong")
    func cutBelowASnapshot() throws {
        let ordered = try Ordered(batches: 5)
        let report = try ordered.audit(batches: 3, snapshotAfter: 5)
        #expect(report.findings.map(\.kind) == [.contradicted])
        #expect(report.findings.first?.expected.contains("the snapshot") == true)
        let good = try Ordered(batches: 5)
        #expect(try good.audit(batches: 5, snapshotAfter: 4).findings == [])
    }

    @Test("precommits of another root of the last batch are a fork, and told")
    func otherPrecommits() throws {
        let ordered = try Ordered(batches: 3)
        let fork = ordered.precommits(by: [1, 2, 3], to: Digest(hashing: [7]))
        let report = try ordered.audit(precommits: [fork])
        #expect(report.findings.map(\.kind) == [.contradicted])
    }

    @Test("what lies beyond a trusted checkpoint is not believed, at recovery")
    func recovery() throws {
        // Six batches with the first: of those beyond the third, the last has no quorum.
        #expect(try Ordered(batches: 5).keptBeyond(batches: 6) == 2)
        let shown = try Ordered(batches: 5)
        #expect(try shown.keptBeyond(batches: 6, precommits: [shown.precommits()]) == 3)
        let two = try Ordered(batches: 5)
        #expect(try two.keptBeyond(batches: 6, precommits: [two.precommits(by: [0, 1])]) == 2)
        var forged = try Ordered(batches: 4)
        try forged.addForged()
        // Batch 4 is shown by what opens batch 5, and that is not signed.
        #expect(try forged.keptBeyond(batches: 6, precommits: [forged.precommits()]) == 1)
    }

    @Test("what lies beyond a trusted checkpoint is not believed, at opening")
    func opening() throws {
        #expect(try Ordered(batches: 4).opens(batches: 5))
        #expect(try Ordered(batches: 4).opens(batches: 1))
        var forged = try Ordered(batches: 3)
        try forged.addForged()
        #expect(try !forged.opens(batches: 5))
    }
}
