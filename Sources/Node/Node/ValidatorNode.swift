// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Foundation
internal import Hosting
package import Ledger
internal import Synchronization

/// One validator that runs: a host on its disk, driven by a thread of its own, with its duties.
///
/// The thread alone touches the host. Peers reach it through the transport, clients through
/// `submit` and the spool of the home; what it gives out comes back through one inbox.
package final class ValidatorNode: Sendable {
    /// What people call the validator.
    package let name: String
    /// Its home.
    package let home: NodeHome
    /// How it behaves.
    package let behaviour: Behaviour
    /// What counts the syncs of its disk: of the log, the journal and what goes with them.
    package let syncs = SyncMeter()
    let inbox = NodeInbox()
    let verifier: ProofVerifier
    private let factsBox: NodeFactsBox
    private let end = NodeEnd()

    /// Opens a node and starts it; throws what opening throws, and nothing runs then.
    ///
    /// - Parameters:
    ///   - onChange: Called on the node's thread whenever `facts` change.
    ///   - tell: Called on the node's thread, in order: a slow receiver slows the node.
    package init(
        home: NodeHome, transport: any Transport, share: NodeShare,
        options: NodeOptions = NodeOptions(), clock: any NodeClock = SystemClock(),
        onChange: @escaping @Sendable () -> Void = {},
        tell: @escaping @Sendable (NodeTold) -> Void
    ) throws(NodeError) {
        NodeLimits.check()
        name = home.validator
        self.home = home
        behaviour = options.behaviour
        verifier = share.verifier
        factsBox = NodeFactsBox(onChange)
        let setup = NodeSetup(
            home: home, options: options, share: share, clock: clock, inbox: inbox,
            transport: transport, facts: factsBox, syncs: syncs, tell: tell)
        let opening = NodeEnd()
        let thread = Thread { [inbox, end] in
            do throws(NodeError) {
                let core = try NodeCore(setup)
                opening.set(nil)
                let isStopped = core.isStopped
                transport.receive {
                    if isStopped { $0.judge?(.ignore) } else { inbox.put($0) }
                }
                try core.run()
                inbox.close()
                end.set(nil)
            } catch {
                inbox.close()
                opening.set(error)
                end.set(error)
            }
            onChange()
        }
        thread.name = "recount-\(home.validator)"
        thread.stackSize = 8 << 20
        thread.start()
        if let error = opening.wait() { throw error }
    }

    /// Where it stands.
    package var facts: NodeFacts { factsBox.value }

    /// The log of its ledger from the first entry on, as far as it holds it without a gap.
    ///
    /// Open until the node has ended. Whatever it says beyond `facts.size` is not told yet.
    package var log: EventLog? { factsBox.log }

    /// How far its projections came; nil before its end.
    package var projections: RunSummary.ProjectionsSummary? { factsBox.projections }

    /// Whether it has ended; the error where it did not end in order.
    package var ended: (isOver: Bool, error: NodeError?) { end.value }

    /// Messages of peers that were dropped for want of room.
    package var droppedMessages: UInt64 { inbox.dropped }

    /// What became of the proofs that the nodes of this process verified.
    package var proofs: ProofCounts { verifier.counts }

    /// Hands in a signed message of a client. `answer` is called on the node's thread: once at
    /// least, and again where a message that was taken is refused later.
    package func submit(
        _ message: Message, answer: @escaping @Sendable (ClientAnswer) -> Void = { _ in }
    ) {
        inbox.put { (core) throws(NodeError) in
            try core.clients.handIn(message, core, answer: answer)
        }
    }

    /// Has it look at its spool.
    package func poke() {
        inbox.put { (core) throws(NodeError) in
            for case let duty as Spooling in core.duties { duty.look() }
        }
    }

    /// Has it begin a checkpoint of its log as it is.
    package func makeCheckpoint() {
        inbox.put { (core) throws(NodeError) in try core.checkpoints.begin(core) }
    }

    /// Reads its state on its thread and gives what came of it to `then`, on that thread too.
    package func readState<T: Sendable>(
        _ body: @escaping @Sendable (LedgerState) -> T, then: @escaping @Sendable (T) -> Void
    ) {
        inbox.put { (core) throws(NodeError) in then(body(core.state)) }
    }

    /// Reads the precommits of its last batch on its thread; nil where it lacks them.
    package func readProof(then: @escaping @Sendable (Precommits?) -> Void) {
        inbox.put { (core) throws(NodeError) in then(core.host.proof) }
    }

    /// Asks it to end in order.
    package func stop() { inbox.stop() }

    /// Waits for its end; returns the error where it did not end in order.
    @discardableResult
    package func wait() -> NodeError? { end.wait() }
}

/// Something that ends once.
final class NodeEnd: Sendable {
    private let monitor = Monitor()
    private let result = Mutex<(isOver: Bool, error: NodeError?)>((false, nil))

    var value: (isOver: Bool, error: NodeError?) { result.withLock { $0 } }

    func set(_ error: NodeError?) {
        monitor.locked {
            result.withLock { if !$0.isOver { $0 = (true, error) } }
            monitor.wakeAll()
        }
    }

    func wait() -> NodeError? {
        monitor.locked {
            while !value.isOver { monitor.wait() }
            return value.error
        }
    }
}
