// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

@Suite("snapshots on disk")
struct SnapshotStoreTests {
    private static func withSnapshots(at heights: Set<UInt64>) throws -> StoredLedger {
        let disk = SimulatedDisk()
        return try StoredLedger(seed: 21, on: disk) { log, state in
            guard heights.contains(state.height.rawValue) else { return }
            try StoredLedger.snapshot(log, state, on: disk)
        }
    }

    private static let store = "\(StoredLedger.directory)/snapshots"

    private static func path(_ height: UInt64) -> String {
        let digits = String(height)
        return "\(store)/" + String(repeating: "0", count: 20 - digits.count) + digits
            + ".snapshot"
    }

    @Test("opening takes the newest snapshot, folds the tail, and has the state, byte for byte")
    func newest() throws {
        let ledger = try Self.withSnapshots(at: [10, 20])
        let opened = try ledger.open()
        #expect(opened.snapshot?.height == Height(20))
        #expect(opened.notices.isEmpty)
        #expect(opened.folded == opened.log.size - (opened.snapshot?.size ?? 0))
        #expect(bytes(of: opened.state) == bytes(of: try ledger.state()))
    }

    @Test("a snapshot damaged in any byte is told of, and an older one or the whole log serves")
    func damaged() throws {
        let ledger = try Self.withSnapshots(at: [3, 4])
        let path = Self.path(4)
        let good = try #require(ledger.disk.bytes(of: path))
        let expected = bytes(of: try ledger.state())
        var random = SplitMix64(seed: 4)
        var places = Array(0..<640) + Array((good.count - 64)..<good.count)
        for _ in 0..<200 { places.append(Int(random.next() % UInt64(good.count))) }
        for place in places {
            var bad = good
            bad[place] ^= UInt8(truncatingIfNeeded: random.next()) | 1
            ledger.disk.replace(path, with: bad)
            let opened = try ledger.open(.readOnly)
            #expect(opened.snapshot?.height == Height(3), "byte \(place)")
            #expect(opened.notices.count == 1 && opened.notices[0].contains(path))
            #expect(bytes(of: opened.state) == expected)
        }
        for count in [0, 1, 15, 16, 519, 520, good.count / 2, good.count - 1] {
            ledger.disk.replace(path, with: Array(good[..<count]))
            ledger.disk.replace(Self.path(3), with: Array(good[..<count]))
            let opened = try ledger.open(.readOnly)
            #expect(opened.snapshot == nil && opened.notices.count == 2)
            #expect(bytes(of: opened.state) == expected)
        }
        ledger.disk.replace(path, with: good + [0])
        #expect(try ledger.open(.readOnly).notices.count == 2)
    }

    @Test("a snapshot of another ledger is told of and does not serve")
    func otherLedger() throws {
        let ledger = try Self.withSnapshots(at: [])
        let other = SimulatedDisk()
        var setup = Setup()
        setup.start = Time(setup.start.rawValue + 1)
        let foreign = try LedgerScenario(setup)
        let log = try EventLog.create(directory: StoredLedger.directory, disk: other)
        var state = LedgerState()
        try StoredLedger.append(foreign.log, to: log, &state)
        try StoredLedger.snapshot(log, state, on: other)
        let bytes = try #require(other.bytes(of: Self.path(0)))
        try ledger.disk.createDirectory(Self.store)
        ledger.disk.replace(Self.path(0), with: bytes)
        let opened = try ledger.open(.readOnly)
        #expect(opened.snapshot == nil)
        #expect(opened.notices.count == 1 && opened.notices[0].contains("another ledger"))
    }

    @Test("a log that holds less than a snapshot has seen is damaged, and its tail is not cut")
    func logTooShort() throws {
        let ledger = try Self.withSnapshots(at: [30])
        ledger.disk.replace("\(StoredLedger.directory)/END", with: nil)
        let segments = ledger.disk.files.filter { $0.hasSuffix(".segment") }
        let last = try #require(segments.last)
        let bytes = try #require(ledger.disk.bytes(of: last))
        ledger.disk.replace(last, with: Array(bytes.dropLast(10)))
        #expect {
            _ = try ledger.open()
        } throws: { error in
            guard
                case StorageError.shorterThan(
                    Self.path(30), _, .damaged(last, _, _, .shorterThanKnown)) = error
            else { return false }
            return true
        }
        #expect(ledger.disk.bytes(of: last)?.count == bytes.count - 10)
    }

    @Test("a log of another history than the snapshot's is refused")
    func otherHistory() throws {
        let ledger = try Self.withSnapshots(at: [10])
        let snapshot = try #require(ledger.disk.bytes(of: Self.path(10)))
        // The same ledger, whose operator went back to height 8 and went on otherwise.
        let fork = SimulatedDisk()
        let log = try EventLog.create(directory: StoredLedger.directory, disk: fork)
        var state = LedgerState()
        for batch in ledger.batches[...8] { try StoredLedger.append(batch, to: log, &state) }
        for batch in ledger.batches[9...20] {
            var changed = batch
            if case .batchOpened(var opening) = changed[0] {
                opening.signature = .zero
                changed[0] = .batchOpened(opening)
            }
            for event in changed { _ = try log.stage(event.encoded) }
        }
        try log.commit()
        try log.close()
        try fork.createDirectory(Self.store)
        fork.replace(Self.path(10), with: snapshot)
        #expect {
            _ = try LedgerStore.open(directory: StoredLedger.directory, disk: fork)
        } throws: { error in
            guard case StorageError.otherHistory = error else { return false }
            return true
        }
    }

    @Test("interrupted at any operation, writing a snapshot leaves the older ones to serve")
    func interrupted() throws {
        for operation in 0..<40 {
            for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
                let ledger = try Self.withSnapshots(at: [10])
                let opened = try ledger.open()
                ledger.disk.fail(operation: operation, with: fault)
                do {
                    _ = try LedgerStore.takeSnapshot(
                        of: opened, directory: StoredLedger.directory, disk: ledger.disk, kept: 2)
                } catch {}
                ledger.disk.healFaults()
                ledger.disk.restart(seed: UInt64(operation))
                let again = try ledger.open()
                #expect(again.snapshot != nil && again.notices.isEmpty)
                #expect(bytes(of: again.state) == bytes(of: try ledger.state()))
                try again.log.close()
            }
        }
    }

    @Test("older snapshots go, as many stay as wanted")
    func pruned() throws {
        let ledger = try Self.withSnapshots(at: [5, 10, 15, 20])
        let opened = try ledger.open()
        _ = try LedgerStore.takeSnapshot(
            of: opened, directory: StoredLedger.directory, disk: ledger.disk, kept: 2)
        let store = SnapshotStore(ledgerDirectory: StoredLedger.directory, disk: ledger.disk)
        #expect(try store.heights() == [Height(20), Height(30)])
    }
}
