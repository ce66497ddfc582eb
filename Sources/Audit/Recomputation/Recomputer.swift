// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import Synchronization

/// Runs decided jobs again on all cores, while the fold runs ahead by a bounded number of them.
final class Recomputer: Sendable {
    /// What came out.
    struct Results {
        var recomputed: UInt64 = 0
        var results: UInt64 = 0
        var findings: [Finding] = []
        var contradictions: [ResultContradiction] = []
        var unjudged: [UnjudgedJob] = []
    }

    private struct Contents {
        /// Jobs that wait for their turn; those before `next` have had it.
        var backlog: [JobCase] = []
        var next = 0
        var running = 0
        var usedBytes: UInt64 = 0
        var results = Results()

        var waiting: Int { backlog.count - next }

        /// Takes the next job out where a thread and its memory are free.
        mutating func pop(_ runningMax: Int) -> JobCase? {
            guard running < runningMax, waiting > 0 else { return nil }
            let item = backlog[next]
            let bytes = min(item.submitted.memoryBytes, memoryBytesMax)
            guard bytes <= memoryBytesMax - usedBytes else { return nil }
            next += 1
            if next == backlog.count || next >= 1024 {
                backlog.removeFirst(next)
                next = 0
            }
            running += 1
            usedBytes += bytes
            return item
        }

        /// Gives back what `take` took.
        mutating func release(_ item: JobCase) {
            running -= 1
            usedBytes -= min(item.submitted.memoryBytes, memoryBytesMax)
        }
    }

    /// Jobs that may wait; each takes about a kilobyte. The fold waits when there are more.
    private static let backlogMax = 16_384
    /// Bytes of memory of the jobs that run at once: what the rules let a single one have.
    private static let memoryBytesMax: UInt64 = 4 << 30

    private let blobs: BlobStore
    private let runner: JobRunner
    private let runningMax: Int
    private let contents = Mutex(Contents())
    private let condition = NSCondition()

    /// Starts the threads; `stop` ends them.
    init(_ engine: ComputeEngine, _ blobs: BlobStore, cores: Int) {
        self.blobs = blobs
        runningMax = cores
        runner = JobRunner(
            options: JobRunnerOptions(jobsAtOnce: cores, memoryBytes: Self.memoryBytesMax)
        ) { .success(engine) }
    }

    /// Hands a job on; waits while too many wait.
    func submit(_ item: JobCase) {
        condition.lock()
        while contents.withLock({ $0.waiting >= Self.backlogMax }) { condition.wait() }
        contents.withLock { $0.backlog.append(item) }
        condition.unlock()
        startNext()
    }

    /// Waits for every job that was submitted, and returns what came out, by entry.
    ///
    /// `progress` hears, ten times a second or more, how many of the jobs that were left are done.
    func finish(progress: (_ done: UInt64, _ total: UInt64) -> Void) -> Results {
        let total = contents.withLock { UInt64($0.waiting + $0.running) }
        while true {
            condition.lock()
            let left = contents.withLock { UInt64($0.waiting + $0.running) }
            if left > 0 { _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1)) }
            condition.unlock()
            guard left > 0 else { break }
            progress(total - min(left, total), total)
        }
        var results = contents.withLock { $0.results }
        results.contradictions.sort { $0.entry < $1.entry }
        results.unjudged.sort { $0.job < $1.job }
        return results
    }

    /// Ends the threads, and with them what still runs.
    func stop() { runner.stop() }

    // MARK: Threads

    /// Changes the contents, and wakes who waits for them.
    private func change<T>(_ body: (inout sending Contents) -> sending T) -> sending T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return contents.withLock { body(&$0) }
    }

    /// Starts what may run now. A job waits for those before it: what the runner is given can start
    /// at once, so that no job loses its time to another's.
    private func startNext() {
        while let item = contents.withLock({ $0.pop(runningMax) }) {
            do throws(PayloadProblem) {
                let submitted = item.submitted
                let job = ComputeJob(
                    module: try payload(submitted.module, "module"), moduleHash: submitted.module,
                    input: try payload(submitted.input, "input"), fuel: submitted.fuel,
                    memoryBytes: submitted.memoryBytes, engine: submitted.engine,
                    engineVersion: submitted.engineVersion)
                runner.submit(job, within: item.patientMilliseconds) { [self] outcome in
                    end(item, outcome)
                    startNext()
                }
            } catch {
                end(item, error.obstacle, error.reason)
            }
        }
    }

    private func payload(_ hash: Digest, _ part: String) throws(PayloadProblem) -> [UInt8] {
        do throws(LogError) {
            return try blobs.get(hash)
        } catch {
            throw PayloadProblem(error, part, hash)
        }
    }

    private func end(_ item: JobCase, _ outcome: JobOutcome) {
        guard outcome.status.kind != .abstained else {
            let words = outcome.detail ?? outcome.status.reasonName ?? "no result"
            return end(item, JobObstacle(outcome.status), words)
        }
        let judgement = item.judge(outcome)
        change { contents in
            contents.results.recomputed += 1
            contents.results.results += judgement.results
            contents.results.contradictions += judgement.contradictions
            if let finding = judgement.finding { contents.results.findings.append(finding) }
            contents.release(item)
        }
    }

    private func end(_ item: JobCase, _ obstacle: JobObstacle, _ reason: String) {
        change { contents in
            contents.results.unjudged.append(
                UnjudgedJob(job: item.entry, jobID: item.id, obstacle: obstacle, reason: reason))
            contents.release(item)
        }
    }
}
