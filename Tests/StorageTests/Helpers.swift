// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage

/// A ledger on a simulated disk, with everything in it that can happen.
struct StoredLedger {
    static let directory = "/ledger"
    static let options = LogOptions(segmentBytesMax: 40_000)

    let disk: SimulatedDisk
    /// The events of each batch, in order.
    let batches: [[Event]]

    /// Writes the batches of a run, a commit each, and closes the log.
    ///
    /// `afterBatch` sees the log and the state after each seal.
    init(
        seed: UInt64, batches count: Int = 30, on disk: SimulatedDisk = SimulatedDisk(),
        afterBatch: (EventLog, LedgerState) throws -> Void = { _, _ in }
    ) throws {
        self.disk = disk
        batches = try GoldenRun.play(seed: seed, batches: count).log.batches
        let log = try EventLog.create(
            directory: Self.directory, disk: disk, options: Self.options)
        var state = LedgerState()
        for batch in batches {
            try Self.append(batch, to: log, &state)
            try afterBatch(log, state)
        }
        try log.close()
    }

    static func append(
        _ batch: [Event], to log: EventLog, _ state: inout LedgerState
    ) throws {
        for event in batch {
            let bytes = event.encoded
            _ = try log.stage(bytes)
            try state.apply(Entry(event))
        }
        try log.commit()
    }

    /// The state after all batches, folded from the events.
    func state() throws -> LedgerState {
        var state = LedgerState()
        for event in batches.joined() {
            try state.apply(Entry(event))
        }
        return state
    }

    func open(_ access: LogAccess = .readWrite) throws(StorageError) -> OpenedLedger {
        try LedgerStore.open(
            directory: Self.directory, disk: disk, access: access, options: Self.options)
    }

    /// Writes a snapshot of what a log has reached.
    @discardableResult
    static func snapshot(
        _ log: EventLog, _ state: LedgerState, on disk: any Disk
    ) throws(LogError) -> SnapshotHeader {
        try SnapshotStore(ledgerDirectory: directory, disk: disk).write(
            state.snapshot(), height: state.height, ledger: state.ledger,
            components: state.componentRoots(), size: state.size, log: log)
    }
}

/// All bytes of a state, to compare.
func bytes(of state: LedgerState) -> [[UInt8]] {
    let snapshot = state.snapshot()
    return [snapshot.fixed] + snapshot.records.flatMap(\.chunks)
}
