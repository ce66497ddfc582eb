// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Ledger
import Storage
import Testing

@Suite("snapshots written beside the batches")
struct SnapshotWriterTests {
    private static func job(
        _ ledger: StoredLedger
    ) throws -> (SnapshotWriter.Job, OpenedLedger, SnapshotStore) {
        let opened = try ledger.open()
        let store = SnapshotStore(ledgerDirectory: StoredLedger.directory, disk: ledger.disk)
        let job = SnapshotWriter.Job(of: opened.state, log: opened.log, store: store, kept: 1)
        return (job, opened, store)
    }

    @Test("one that was begun is there when the wait ends, and is the state")
    func writes() throws {
        let ledger = try StoredLedger(seed: 31)
        let (job, opened, store) = try Self.job(ledger)
        let writer = SnapshotWriter()
        #expect(try writer.begin(job))
        writer.wait()
        #expect(!writer.isBusy)
        let loaded = try store.load(opened.state.height)
        #expect(bytes(of: loaded.state) == bytes(of: opened.state))
        #expect(try writer.begin(job))
        writer.wait()
    }

    @Test("why one could not be written is told to whoever begins the next")
    func failure() throws {
        let ledger = try StoredLedger(seed: 31)
        let (job, _, store) = try Self.job(ledger)
        let writer = SnapshotWriter()
        ledger.disk.fail(operation: 3, with: .inputOutputError)
        #expect(try writer.begin(job))
        writer.wait()
        #expect(throws: LogError.self) { try writer.begin(job) }
        ledger.disk.healFaults()
        #expect(try writer.begin(job))
        writer.wait()
        #expect(try store.heights().count == 1)
    }
}
