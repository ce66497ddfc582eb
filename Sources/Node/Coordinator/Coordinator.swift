// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Synchronization

/// The node in one process: validators, ledger and bridge, run on threads of its own.
///
/// One thread decides and writes; it alone touches the state. Another reads the input, the pool
/// verifies, journals and talks to the bridge. Everything between them goes through one inbox.
package final class Coordinator: Sendable {
    private let inbox: Inbox
    private let engine: Mutex<Engine?>

    private init(inbox: Inbox, engine: Engine) {
        self.inbox = inbox
        self.engine = Mutex(engine)
    }

    /// Opens a node: rebuilds the state by replaying the log, opens the journals and the vault.
    ///
    /// Checks, in order: the log and its entries, that it ends with a sealed batch, each journal,
    /// that no journal is behind the ledger, the vault.
    package static func open(
        home: Home, options: CoordinatorOptions = CoordinatorOptions(),
        clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> Coordinator {
        NodeLimits.check()
        let inbox = Inbox(requestsMax: NodeLimits.waitingRequestsMax)
        let engine = try Engine(home: home, options: options, clock: clock, inbox: inbox)
        return Coordinator(inbox: inbox, engine: engine)
    }

    /// Takes the requests of `source` until it ends, every round is closed and every settlement
    /// is reported, or until `stop`; then closes the logs with their end marks.
    ///
    /// `onEvent` is called on the coordinator's own thread, in order: a slow receiver slows the
    /// ledger, and nothing piles up. Runs once; cancelling the task is `stop`.
    package func run(
        _ source: any LineSource, onEvent: @escaping @Sendable (CoordinatorEvent) -> Void
    ) async throws(NodeError) -> RunSummary {
        guard let engine = engine.withLock({ $0.take() }) else { throw .alreadyRun }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread {
                    var engine = engine
                    continuation.resume(returning: engine.run(source, onEvent))
                }
                thread.name = "recount-ledger"
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onCancel: {
            inbox.stop()
        }
        return try result.get()
    }

    /// Ends a run after the batch that is being made.
    package func stop() { inbox.stop() }

    /// Closes a node that was opened and is not run.
    package func close() throws(NodeError) {
        guard let engine = engine.withLock({ $0.take() }) else { return }
        try engine.close()
    }
}
