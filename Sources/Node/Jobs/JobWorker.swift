// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// A job that a validator has to run.
struct JobRun: Sendable {
    /// The entry that introduced the job.
    let entry: EntryIndex
    /// Its identity.
    let id: JobID
    /// What is to be run.
    let job: JobSubmitted
    /// Who runs it.
    let validator: LocalValidator
    /// When the run ends, in ledger time: early enough for an abstention to count.
    let end: Time

    /// The end of a run: before the deadline by a quarter of the time left, two seconds at most.
    static func end(deadline: Time, now: Time) -> Time {
        let left = deadline > now ? deadline.rawValue - now.rawValue : 0
        return Time(deadline.rawValue - min(NodeLimits.jobMarginMilliseconds, left / 4))
    }
}

/// What a run came to: signed results, durable in the validator's journal.
struct JobEnd: Sendable {
    let run: JobRun
    /// How the job ended here.
    let status: JobStatus
    /// What a person should know of it.
    let detail: String?
    /// One result; of an equivocating validator, the contrary behind it.
    let results: Result<[Checked<Message>], NodeError>
}

/// Runs jobs for validators, away from the coordinator's thread; each run is on its own.
struct JobWorker: Sendable {
    let ledger: LedgerID
    let blobs: BlobStore
    let runner: JobRunner
    let pool: WorkerPool
    let inbox: Inbox

    /// Starts a run that has so many real milliseconds; `JobEnd` arrives in the inbox.
    ///
    /// What the journal holds is said again, and nothing is run.
    func start(_ run: JobRun, within milliseconds: UInt64) {
        let end = ContinuousClock.now + .milliseconds(Int64(clamping: milliseconds))
        pool.submit { [self] in
            if let known = run.validator.report(on: run.id) {
                return deliver(run, known.status, nil) { () throws(NodeError) in
                    [try run.validator.result(known, on: run.id)]
                }
            }
            let left = Milliseconds.from(.now, to: end)
            guard left > 0 else {
                return finish(
                    run,
                    JobOutcome(
                        JobStatus(.timeGuard), detail: "its time was over before its turn came"))
            }
            switch load(run.job) {
            case .failure(let missing): finish(run, missing.outcome)
            case .success(let job):
                runner.submit(job, within: left) { outcome in
                    pool.submit { finish(run, outcome) }
                }
            }
        }
    }

    /// Why a job cannot be run here.
    private struct Missing: Error {
        let outcome: JobOutcome
    }

    private func load(_ job: JobSubmitted) -> Result<ComputeJob, Missing> {
        do throws(LogError) {
            return .success(
                ComputeJob(
                    module: try blobs.get(job.module), moduleHash: job.module,
                    input: try blobs.get(job.input), fuel: job.fuel, memoryBytes: job.memoryBytes,
                    engine: job.engine, engineVersion: job.engineVersion))
        } catch {
            let reason: JobAbstention =
                switch error {
                case .blobMissing, .damaged, .blobTooLarge: .payloadMissing
                default: .localError
                }
            return .failure(Missing(outcome: JobOutcome(JobStatus(reason), detail: "\(error)")))
        }
    }

    /// Keeps the output, has the validator journal and sign what it says, and delivers it.
    private func finish(_ run: JobRun, _ truth: JobOutcome) {
        let behaviour = run.validator.behaviour
        let said = keep(behaviour == .malicious ? Self.lie(about: truth) : truth)
        deliver(run, said.status, said.detail) { () throws(NodeError) in
            let first = try run.validator.result(JobReport(said), on: run.id)
            guard behaviour == .equivocating, truth.status.kind != .abstained else {
                return [first]
            }
            return [first, run.validator.contrary(JobReport(keep(Self.lie(about: truth))), run.id)]
        }
    }

    /// Makes the output durable; an abstention where that fails.
    private func keep(_ outcome: JobOutcome) -> JobOutcome {
        guard outcome.status.kind == .success else { return outcome }
        do throws(LogError) {
            _ = try blobs.put(outcome.output)
            return outcome
        } catch {
            return JobOutcome(
                JobStatus(.localError), detail: "the output cannot be kept: \(error)")
        }
    }

    private func deliver(
        _ run: JobRun, _ status: JobStatus, _ detail: String?,
        _ results: () throws(NodeError) -> [ResultMessage]
    ) {
        let checked = Result { () throws(NodeError) in
            try results().compactMap { Checked(Message.result($0), in: ledger) }
        }
        inbox.put(result: .ran(JobEnd(run: run, status: status, detail: detail, results: checked)))
    }

    /// What validators that lie say instead, so that two of them agree: success, with SHA-256 of
    /// `recount lie` and the true output as the output. One that knows nothing says nothing.
    static func lie(about truth: JobOutcome) -> JobOutcome {
        guard truth.status.kind != .abstained else { return truth }
        let output = Digest(hashing: Array("recount lie".utf8) + truth.output)
        return JobOutcome(JobStatus(.success), output: output.bytes, fuel: truth.fuel)
    }
}

extension JobReport {
    /// Takes what a run came to.
    init(_ outcome: JobOutcome) {
        self.init(outcome.status, output: outcome.outputHash, fuel: outcome.fuel)
    }
}
