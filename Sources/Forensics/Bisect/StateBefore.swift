// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
package import Cryptography
package import EventLog
package import Ledger
package import Storage

/// The state of a ledger between two batches, from the nearest snapshot before and what follows it.
package struct StateBefore: Sendable {
    /// The state.
    package let state: LedgerState
    /// The tree of the log then.
    package let frontier: MerkleFrontier

    /// Folds the log of a ledger up to `size`, the end of a batch.
    ///
    /// A snapshot counts only where its root is the log's own at its size; what is in it is checked
    /// against the roots that it names, and those against its seal in the log.
    package init(
        _ log: EventLog, at size: UInt64, disk: any Disk
    ) throws(FoldFailure) {
        var state = Self.snapshot(of: log, at: size, disk) ?? LedgerState()
        try LedgerFold.run(log, into: &state, to: size)
        try self.init(state, in: log)
    }

    /// The newest snapshot at or before `size`, or the state after batch 0 where there is none.
    package init(
        snapshotOf log: EventLog, before size: UInt64, disk: any Disk
    ) throws(FoldFailure) {
        if let state = Self.snapshot(of: log, at: size, disk) {
            try self.init(state, in: log)
            return
        }
        var state = LedgerState()
        try LedgerFold.run(log, into: &state, didApply: { entry, _ in entry.event.tag != 76 })
        try self.init(state, in: log)
    }

    /// What a run has come to.
    init(_ run: BatchRun) {
        state = run.state
        frontier = run.frontier
    }

    private init(_ state: LedgerState, in log: EventLog) throws(FoldFailure) {
        self.state = state
        do throws(LogError) {
            let subtrees = try log.subtrees(at: state.size)
            guard let frontier = MerkleFrontier(count: state.size, subtrees: subtrees) else {
                fatalError("a log of \(state.size) entries has \(subtrees.count) subtrees")
            }
            self.frontier = frontier
        } catch {
            throw .log(error)
        }
    }

    /// What a replay to a target may start from: the state of the newest snapshot that can be used,
    /// or that before the first entry.
    package static func start(
        of log: EventLog, to target: ReplayTarget, disk: any Disk
    ) -> LedgerState {
        let end: UInt64
        switch target {
        case .end: end = log.size
        case .entry(let entry): end = entry < log.size ? entry + 1 : log.size
        case .time(let time):
            do throws(BisectError) { end = try BatchPlaces(log).start(after: time) } catch {
                return LedgerState()
            }
        }
        return snapshot(of: log, at: end, disk) ?? LedgerState()
    }

    /// The newest snapshot that can be used; one that cannot is passed over, since the log tells
    /// the same.
    private static func snapshot(
        of log: EventLog, at size: UInt64, _ disk: any Disk
    ) -> LedgerState? {
        let store = SnapshotStore(ledgerDirectory: log.directory, disk: disk)
        let heights: [Height]
        do throws(DiskError) { heights = try store.heights() } catch { return nil }
        for height in heights.reversed() {
            do {
                let header = try store.header(of: height)
                guard header.size > 0, header.size <= size,
                    try log.root(at: header.size) == header.root,
                    case .batchSealed(let seal) = try Event(
                        decoding: try log.entry(at: header.size - 1)),
                    seal.components == header.components
                else { continue }
                return try store.load(height).state
            } catch {
                continue
            }
        }
        return nil
    }
}
