// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
package import EventLog
internal import Hosting
package import Ledger
package import Replication

/// What the nodes of a process share.
package struct NodeShare: Sendable {
    /// What verifies proofs.
    package let verifier: ProofVerifier
    /// What does work that blocks.
    let pool: WorkerPool
    /// What runs jobs.
    let runner: SharedRunner
    /// Which messages were found signed; the nodes are of one ledger.
    let memory = SignatureMemory()

    /// Starts the threads. `engine` is called once, at the first job.
    package init(
        verifier: ProofVerifier = ProofVerifier(), jobs: JobRunnerOptions = JobRunnerOptions(),
        engine: @escaping @Sendable () -> Result<ComputeEngine, ComputeError> = {
            Result { () throws(ComputeError) in try ComputeEngine.load() }
        }
    ) {
        self.verifier = verifier
        pool = WorkerPool(threads: NodeLimits.poolThreads)
        runner = SharedRunner(options: jobs, engine: engine)
    }

    /// Ends the threads; nobody uses them any more.
    package func stop() {
        runner.stop()
        pool.stop()
        verifier.stop()
    }
}

/// How a node runs.
package struct NodeOptions: Sendable {
    /// How it times its rounds.
    package var settings = ReplicationSettings.local
    /// How the validator behaves.
    package var behaviour = Behaviour.honest
    /// Makes what stands between the node and the world; called on the node's thread.
    package var misbehaviour: (@Sendable (NodeView) -> any Misbehaviour)?
    /// Whether a clock that is more than an hour beyond what is known is right.
    package var acceptsClockJump = false
    /// Whether the projections follow the log.
    package var followsProjections = true
    /// Time between two looks for payloads that nothing refers to, in ms.
    package var pruningMilliseconds = NodeLimits.pruningMilliseconds
    /// A checkpoint that the operator vouches for.
    package var trusted: TreeHead?
    /// Has a process of its own derive the case at this path again, and waits for it; called when
    /// the node has closed its files.
    package var derivesAgain: (@Sendable (String) -> Void)?
    /// Whether this node is to tell of a batch; asked once for each.
    package var tells: @Sendable (Height) -> Bool = { _ in true }

    /// A node that is honest, and tells everything.
    package init() {}
}

extension ReplicationSettings {
    /// The times for nodes of one process, where messages arrive at once.
    package static var local: ReplicationSettings {
        var settings = ReplicationSettings()
        settings.gatherMilliseconds = 250
        return settings
    }
}
