// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Synchronization

/// Runs the jobs of all nodes of a process; its threads start with the first.
final class SharedRunner: Sendable {
    private let options: JobRunnerOptions
    private let engine: @Sendable () -> Result<ComputeEngine, ComputeError>
    private let runner = Mutex<JobRunner?>(nil)

    init(
        options: JobRunnerOptions,
        engine: @escaping @Sendable () -> Result<ComputeEngine, ComputeError>
    ) {
        self.options = options
        self.engine = engine
    }

    /// Runs a job when there is room; `completion` is called on another thread.
    func submit(
        _ job: ComputeJob, within milliseconds: UInt64,
        completion: @escaping @Sendable (JobOutcome) -> Void
    ) {
        let runner = runner.withLock { runner in
            if let runner { return runner }
            let made = JobRunner(options: options, engine: engine)
            runner = made
            return made
        }
        runner.submit(job, within: milliseconds, completion: completion)
    }

    func stop() { runner.withLock { $0.take() }?.stop() }
}
