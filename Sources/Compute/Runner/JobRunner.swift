// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Ledger
internal import Synchronization

/// How many jobs run at once, and with how much memory in all.
package struct JobRunnerOptions: Sendable, Equatable {
    /// Jobs at once.
    package var jobsAtOnce: Int
    /// Bytes of memory of all of them. A job counts with all that it may have.
    package var memoryBytes: UInt64

    /// As many jobs as there are cores, and 1 GiB, unless told otherwise.
    package init(
        jobsAtOnce: Int = ProcessInfo.processInfo.activeProcessorCount,
        memoryBytes: UInt64 = EngineLimits.runningBytesDefault
    ) {
        self.jobsAtOnce = max(1, jobsAtOnce)
        self.memoryBytes = memoryBytes
    }
}

/// Runs jobs on threads of its own, in order, within limits of number, memory and time.
///
/// The queue has no bound of its own: whoever gives jobs bounds them.
package final class JobRunner: Sendable {
    private struct Waiting: Sendable {
        let job: ComputeJob
        let end: ContinuousClock.Instant
        let completion: @Sendable (JobOutcome) -> Void
    }

    private struct Contents {
        var queue: [Waiting] = []
        var usedBytes: UInt64 = 0
        var running = 0
        var threads = 0
        var isStopped = false
    }

    private let options: JobRunnerOptions
    private let loading: @Sendable () -> Result<ComputeEngine, ComputeError>
    private let engine = Mutex<Result<ComputeEngine, ComputeError>?>(nil)
    private let condition = NSCondition()
    private let contents = Mutex(Contents())

    /// Starts the threads. `engine` is called once, on one of them, for the first job.
    package init(
        options: JobRunnerOptions = JobRunnerOptions(),
        engine: @escaping @Sendable () -> Result<ComputeEngine, ComputeError>
    ) {
        self.options = options
        loading = engine
        contents.withLock { $0.threads = options.jobsAtOnce + 1 }
        for number in 0..<options.jobsAtOnce { start("recount-job-\(number)") { $0.work() } }
        start("recount-job-clock") { $0.watch() }
    }

    private func start(_ name: String, _ body: @escaping @Sendable (JobRunner) -> Void) {
        let thread = Thread { [self] in
            body(self)
            change { $0.threads -= 1 }
        }
        thread.name = name
        thread.stackSize = EngineLimits.threadStackBytes
        thread.start()
    }

    /// Runs a job when a thread and its memory are free.
    ///
    /// `completion` is called once, on a thread of the runner, unless the runner is stopped before.
    /// Nothing fails here: what the node lacks, and what the clock stops, is an abstention.
    ///
    /// - Parameter milliseconds: Real time from now to the end of the job, its waiting included.
    package func submit(
        _ job: ComputeJob, within milliseconds: UInt64,
        completion: @escaping @Sendable (JobOutcome) -> Void
    ) {
        let end = ContinuousClock.now + .milliseconds(Int64(clamping: milliseconds))
        change { contents in
            contents.queue.append(Waiting(job: job, end: end, completion: completion))
        }
    }

    /// Runs a job and waits for it.
    ///
    /// - Precondition: Nobody stops the runner meanwhile.
    package func run(_ job: ComputeJob, within milliseconds: UInt64) -> JobOutcome {
        let done = DispatchSemaphore(value: 0)
        let outcome = Mutex<JobOutcome?>(nil)
        submit(job, within: milliseconds) { result in
            outcome.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        return outcome.withLock { $0 } ?? JobOutcome(JobStatus(.localError))
    }

    /// Drops what waits, ends what runs, and returns when no thread is left. Nothing of either is
    /// completed any more.
    package func stop() {
        change { contents in
            contents.isStopped = true
            contents.queue = []
        }
        condition.lock()
        while contents.withLock({ $0.threads }) > 0 { condition.wait() }
        condition.unlock()
    }

    // MARK: Threads

    private func change(_ body: (inout sending Contents) -> Void) {
        condition.lock()
        contents.withLock { body(&$0) }
        condition.unlock()
        condition.broadcast()
    }

    private var isStopped: Bool { contents.withLock { $0.isStopped } }

    private func work() {
        while let (task, bytes) = popTask() {
            let outcome = outcome(of: task)
            change { contents in
                contents.running -= 1
                contents.usedBytes -= bytes
            }
            if !isStopped { task.completion(outcome) }
        }
    }

    /// The next task, once there is one and its memory is free; a task waits for those before it.
    private func popTask() -> (task: Waiting, bytes: UInt64)? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let (task, isStopped) = contents.withLock {
                contents -> ((task: Waiting, bytes: UInt64)?, Bool) in
                guard let first = contents.queue.first, !contents.isStopped else {
                    return (nil, contents.isStopped)
                }
                // What never fits is refused at once, and needs none.
                let asked = first.job.memoryBytes
                let bytes = asked <= options.memoryBytes ? asked : 0
                guard bytes <= options.memoryBytes - contents.usedBytes else { return (nil, false) }
                contents.queue.removeFirst()
                contents.usedBytes += bytes
                contents.running += 1
                return ((first, bytes), false)
            }
            if let task { return task }
            if isStopped { return nil }
            condition.wait()
        }
    }

    private func outcome(of task: Waiting) -> JobOutcome {
        let loaded = engine.withLock { engine in
            if let engine { return engine }
            let loaded = loading()
            engine = loaded
            return loaded
        }
        switch loaded {
        case .failure(let error):
            return JobOutcome(JobStatus(.noEngine), detail: "\(error)")
        case .success(let engine):
            guard task.job.memoryBytes <= options.memoryBytes else {
                return JobOutcome(
                    JobStatus(.beyondCapacity),
                    detail: "the job may have \(task.job.memoryBytes) bytes, and all jobs here have"
                        + " \(options.memoryBytes)")
            }
            return engine.run(task.job, until: task.end) { [self] in isStopped }
        }
    }

    /// Moves the engine's clock on while jobs run, and gives up those that have waited too long.
    private func watch() {
        while true {
            condition.lock()
            while contents.withLock({ $0.running == 0 && $0.queue.isEmpty && !$0.isStopped }) {
                condition.wait()
            }
            condition.unlock()
            let now = ContinuousClock.now
            let (late, isOver) = contents.withLock { contents -> ([Waiting], Bool) in
                let late = contents.queue.filter { $0.end <= now }
                if !late.isEmpty { contents.queue.removeAll { $0.end <= now } }
                return (late, contents.isStopped && contents.running == 0)
            }
            for task in late {
                task.completion(
                    JobOutcome(
                        JobStatus(.timeGuard), detail: "its time was over before its turn came"))
            }
            if isOver { return }
            if case .success(let engine)? = engine.withLock({ $0 }) { engine.tick() }
            Thread.sleep(forTimeInterval: Double(EngineLimits.tickMilliseconds) / 1000)
        }
    }
}
