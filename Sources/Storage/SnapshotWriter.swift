// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Dispatch
package import EventLog
internal import Foundation
package import Ledger
internal import Synchronization

/// Writes snapshots beside the batches that go on: one at a time, on a thread of its own that gives
/// way to all others, and rests after each step for as long as the step took.
package final class SnapshotWriter: Sendable {
    /// What is written: a state between two batches, and where.
    package struct Job: Sendable {
        let snapshot: StateSnapshot
        let header: (height: Height, ledger: LedgerID, components: [Digest], size: UInt64)
        let log: EventLog
        let store: SnapshotStore
        let kept: Int

        /// Takes the snapshot of a state whose log is this one.
        package init(of state: LedgerState, log: EventLog, store: SnapshotStore, kept: Int) {
            snapshot = state.snapshot()
            header = (state.height, state.ledger, state.componentRoots(), state.size)
            self.log = log
            self.store = store
            self.kept = kept
        }

        /// Writes it, durably, and removes older ones.
        package func run(afterStep: () -> Void = {}) throws(LogError) {
            _ = try store.write(
                snapshot, height: header.height, ledger: header.ledger,
                components: header.components, size: header.size, log: log, afterStep: afterStep)
            do throws(DiskError) { try store.prune(kept: kept) } catch { throw .disk(error) }
        }
    }

    private struct Standing {
        var isBusy = false
        var failure: LogError?
    }

    /// The longest rest after a step.
    private static let restMillisecondsMax: UInt64 = 20

    private let standing = Mutex(Standing())
    private let group = DispatchGroup()

    /// Writes nothing yet.
    package init() {}

    /// Whether one is being written.
    package var isBusy: Bool { standing.withLock(\.isBusy) }

    /// Begins to write a snapshot; false where one is being written.
    ///
    /// Throws why the last one could not be written.
    package func begin(_ job: Job) throws(LogError) -> Bool {
        let (isFree, failure) = standing.withLock { standing -> (Bool, LogError?) in
            let failure = standing.failure
            standing.failure = nil
            guard failure == nil, !standing.isBusy else { return (false, failure) }
            standing.isBusy = true
            return (true, nil)
        }
        if let failure { throw failure }
        guard isFree else { return false }
        group.enter()
        let thread = Thread { [self] in
            ThreadPriority.giveWay()
            let failure = Self.failure(of: job)
            standing.withLock { $0 = Standing(isBusy: false, failure: failure) }
            group.leave()
        }
        thread.name = "recount-snapshot"
        thread.stackSize = 8 << 20
        thread.start()
        return true
    }

    /// Waits until none is being written.
    package func wait() { group.wait() }

    private static func failure(of job: Job) -> LogError? {
        var start = DispatchTime.now().uptimeNanoseconds
        do throws(LogError) {
            try job.run {
                let took = (DispatchTime.now().uptimeNanoseconds - start) / 1000
                usleep(UInt32(min(took, restMillisecondsMax * 1000)))
                start = DispatchTime.now().uptimeNanoseconds
            }
            return nil
        } catch { return error }
    }
}
