// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// Runs the jobs that are assigned to this validator, and reports what they come to.
///
/// What the journal holds is said again, and nothing is run. Payloads that are lacking are fetched
/// from peers; without them in time the validator abstains. Every node keeps the payloads of the
/// jobs that are decided. Who reports two results of one job is shown to the ledger.
final class Jobs: Duty {
    private struct Run {
        let id: JobID
        let job: JobSubmitted
        /// The uptime at which the run ends, early enough for an abstention to count.
        let end: UInt64
        /// Whoever passed it on, and so may have its payloads.
        let holders: [PublicKey]
        var step = Step.waiting

        /// How far it is: its payloads are looked for, are here, and it is loaded and run.
        enum Step { case waiting, fetching, ready, out }

        /// Bytes that its module, its input and its output may have; none is above its maximum.
        var bytesMax: UInt64 {
            job.moduleBytes + job.inputBytes + UInt64(EngineLimits.outputBytesMax)
        }
    }

    private let blobs: Blobs
    private let behaviour: Behaviour
    private var runs: [EntryIndex: Run] = [:]
    /// The entries of `runs`, in order.
    private var order: [EntryIndex] = []
    /// The open jobs.
    private var open: [EntryIndex: JobSubmitted] = [:]
    /// The results that the ledger holds of the newest jobs.
    private var results: [EntryIndex: [ValidatorIndex: ResultReported]] = [:]
    /// The jobs of `results`, in order.
    private var compared: [EntryIndex] = []
    /// Who passed on the newest jobs.
    private var passedOn: [JobID: PublicKey] = [:]
    /// The jobs of `passedOn`, in order.
    private var passed: [JobID] = []
    /// What is to be reported at the end of the turn.
    private var reports: [(job: JobID, report: JobReport)] = []
    private var hasTakenUp = false
    /// Whether some that are ready may be run.
    private var hasReady = false
    private var isEngineTold = false

    init(_ blobs: Blobs, _ behaviour: Behaviour) {
        self.blobs = blobs
        self.behaviour = behaviour
    }

    var nextWake: UInt64 { hasTakenUp && reports.isEmpty && !hasReady ? .max : 0 }

    /// Whether something is being run, reported or fetched.
    var isBusy: Bool { !runs.isEmpty || !reports.isEmpty || blobs.isBusy }

    func start(_ node: NodeCore) throws(NodeError) {
        for entry in node.state.openJobs {
            if let job = node.state.job(at: entry) {
                open[entry] = job.submitted
                for result in job.results.compactMap(\.self) { note(result.event) }
            }
        }
    }

    /// Takes up the jobs that were open when the node began, once the host has: what the journal
    /// holds of the height in progress comes before anything that is handed in. What the turn
    /// brought to an end is reported together: the journal is synced once.
    func attend(_ node: NodeCore) throws(NodeError) {
        if !hasTakenUp {
            hasTakenUp = true
            for entry in node.state.openJobs { try begin(entry, node) }
        }
        if hasReady {
            hasReady = false
            try startRuns(node)
        }
        guard !reports.isEmpty else { return }
        let given = reports
        reports = []
        try node.act { (host, now) throws(HostError) in try host.report(given, at: now) }
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        for (entry, event) in batch.entries {
            switch event {
            case .jobSubmitted(let event): open[entry] = event
            case .jobAssigned(let event): try begin(event.job, node)
            case .jobDecided(let event): try keep(event, node)
            case .resultReported(let event): note(event)
            case .messageRefused(let event):
                if case .result(let message) = event.message { try compare(message, node) }
            case .roundClosed(let event):
                if let run = runs[event.about], run.step != .out { remove(event.about) }
            default: break
            }
        }
    }

    // MARK: Two results of one validator

    private func note(_ result: ResultReported) {
        if results[result.job] == nil {
            compared.append(result.job)
            if compared.count > NodeLimits.jobsComparedMax { results[compared.removeFirst()] = nil }
        }
        results[result.job, default: [:]][result.validator] = result
    }

    /// Compares a result that the ledger refused with the one that it holds.
    private func compare(_ message: ResultMessage, _ node: NodeCore) throws(NodeError) {
        guard let job = node.state.entry(of: message.job),
            let validator = node.state.validatorIndex(of: message.validator),
            let first = results[job]?[validator]
        else { return }
        try node.accuse(
            message.validator, .result(message.job),
            .result(first.status, output: first.output, fuel: first.fuel, first.signature),
            .result(
                message.status, output: message.output, fuel: message.fuel, message.signature))
    }

    // MARK: Runs

    /// Takes in that a validator passed a job on: the first to do so often has its payloads.
    func note(_ job: JobID, passedOnBy peer: PublicKey) {
        guard passedOn[job] == nil else { return }
        passedOn[job] = peer
        passed.append(job)
        if passed.count > NodeLimits.passedJobsMax { passedOn[passed.removeFirst()] = nil }
    }

    private func begin(_ entry: EntryIndex, _ node: NodeCore) throws(NodeError) {
        guard runs[entry] == nil, let own = node.index, !node.host.isSilent,
            let job = node.state.job(at: entry), let assigned = job.assigned,
            let place = assigned.validators.firstIndex(of: own), job.results[place] == nil
        else { return }
        if let known = node.host.report(on: job.id) {
            return reports.append((job.id, known))
        }
        // Before its journal was lost it may have reported what the new one does not hold.
        if let begun = node.host.journalBegunAnew {
            let limit = node.state.parameters.jobMilliseconds
            guard assigned.deadline > begun.adding(milliseconds: limit) else { return }
        }
        let now = node.ledgerNow
        guard assigned.deadline > now else { return }
        let left = assigned.deadline.rawValue - now.rawValue
        let margin = min(NodeLimits.jobMarginMilliseconds, left / 4)
        runs[entry] = Run(
            id: job.id, job: job.submitted, end: node.uptime + left - margin,
            holders: passedOn[job.id].map { [$0] } ?? [])
        order.append(entry)
        try startRuns(node)
    }

    /// Looks for the payloads of those that come next, and runs those that have them: as many at
    /// once as their bytes allow, for they are in memory.
    private func startRuns(_ node: NodeCore) throws(NodeError) {
        var fetching = runs.values.count { $0.step == .fetching || $0.step == .ready }
        for entry in order where fetching < NodeLimits.runsFetchedAhead {
            guard let run = runs[entry], run.step == .waiting else { continue }
            runs[entry]?.step = .fetching
            fetching += 1
            try fetch(entry, run, node)
        }
        let out = runs.values.filter { $0.step == .out }
        var bytes = out.reduce(0) { $0 + $1.bytesMax }
        for entry in order {
            guard let run = runs[entry], run.step == .ready else { continue }
            guard bytes + run.bytesMax <= NodeLimits.loadedBytesMax else { break }
            runs[entry]?.step = .out
            bytes += run.bytesMax
            perform(entry, run, node)
        }
    }

    private func fetch(_ entry: EntryIndex, _ run: Run, _ node: NodeCore) throws(NodeError) {
        try blobs.fetch(
            run.job.module, bytesMax: Self.bytesMax(ofModule: run.job), until: run.end,
            from: run.holders, node
        ) { [self] (node, hasModule) throws(NodeError) in
            try blobs.fetch(
                run.job.input, bytesMax: Self.bytesMax(ofInput: run.job), until: run.end,
                from: run.holders, node
            ) { [self] (node, hasInput) throws(NodeError) in
                guard hasModule, hasInput else {
                    return try finish(
                        entry,
                        JobOutcome(JobStatus(.payloadMissing), detail: "nobody has its payloads"),
                        node)
                }
                runs[entry]?.step = .ready
                hasReady = true
            }
        }
    }

    /// A payload of another size than the job says is not what the job names.
    private static func bytesMax(ofModule job: JobSubmitted) -> Int {
        min(EngineLimits.moduleBytesMax, Int(clamping: job.moduleBytes))
    }

    private static func bytesMax(ofInput job: JobSubmitted) -> Int {
        min(EngineLimits.inputBytesMax, Int(clamping: job.inputBytes))
    }

    private func perform(_ entry: EntryIndex, _ run: Run, _ node: NodeCore) {
        let (store, keeper) = (blobs.store, blobs.keeper)
        let (share, inbox, clock) = (node.share, node.inbox, node.clock)
        let behaviour = behaviour
        let (module, input) = (blobs.recent(run.job.module), blobs.recent(run.job.input))
        @Sendable func deliver(_ outcome: JobOutcome) {
            inbox.put { (node) throws(NodeError) in
                try node.jobs.finish(entry, outcome, node)
            }
        }
        share.pool.submit {
            let uptime = clock.uptime()
            guard run.end > uptime else {
                return deliver(
                    JobOutcome(
                        JobStatus(.timeGuard), detail: "its time was over before its turn came"))
            }
            switch Self.read(run.job, module, input, store) {
            case .failure(let missing): deliver(missing.outcome)
            case .success(let job):
                share.runner.submit(job, within: run.end - uptime) { truth in
                    share.pool.submit {
                        let said = behaviour == .malicious ? Self.lie(about: truth) : truth
                        guard said.status.kind == .success else { return deliver(said) }
                        // The output is durable before it is reported; else that is an abstention.
                        keeper.keep(said.output) { result in
                            guard case .failure(let error) = result else { return deliver(said) }
                            let detail = "the output cannot be kept: \(error)"
                            deliver(JobOutcome(JobStatus(.localError), detail: detail))
                        }
                    }
                }
            }
        }
    }

    /// Why a job cannot be run here.
    private struct Missing: Error {
        let outcome: JobOutcome
    }

    private static func read(
        _ job: JobSubmitted, _ module: [UInt8]?, _ input: [UInt8]?, _ blobs: BlobStore
    ) -> Result<ComputeJob, Missing> {
        do throws(LogError) {
            let module = if let module { module } else { try blobs.get(job.module) }
            let input = if let input { input } else { try blobs.get(job.input) }
            for (name, bytes, said) in [
                ("module", module.count, job.moduleBytes), ("input", input.count, job.inputBytes),
            ] where UInt64(bytes) != said {
                return .failure(
                    Missing(
                        outcome: JobOutcome(
                            JobStatus(.payloadMissing),
                            detail: "its \(name) has \(bytes) bytes, and the job says \(said)")))
            }
            return .success(
                ComputeJob(
                    module: module, moduleHash: job.module, input: input, fuel: job.fuel,
                    memoryBytes: job.memoryBytes, engine: job.engine,
                    engineVersion: job.engineVersion))
        } catch {
            let reason: JobAbstention =
                switch error {
                case .blobMissing, .damaged, .blobTooLarge: .payloadMissing
                default: .localError
                }
            return .failure(Missing(outcome: JobOutcome(JobStatus(reason), detail: "\(error)")))
        }
    }

    /// What validators that lie say instead, so that two of them agree: success, with SHA-256 of
    /// `recount lie` and the true output as the output. One that knows nothing says nothing.
    private static func lie(about truth: JobOutcome) -> JobOutcome {
        guard truth.status.kind != .abstained else { return truth }
        let output = Digest(hashing: Array("recount lie".utf8) + truth.output)
        return JobOutcome(JobStatus(.success), output: output.bytes, fuel: truth.fuel)
    }

    private func finish(
        _ entry: EntryIndex, _ outcome: JobOutcome, _ node: NodeCore
    ) throws(NodeError) {
        guard let run = runs[entry] else { return }
        remove(entry)
        tellAbstention(run, outcome, node)
        if outcome.status.kind == .success { blobs.note(outcome.outputHash, outcome.output) }
        let report = JobReport(outcome.status, output: outcome.outputHash, fuel: outcome.fuel)
        reports.append((run.id, report))
        try startRuns(node)
    }

    private func remove(_ entry: EntryIndex) {
        runs[entry] = nil
        order.removeAll { $0 == entry }
    }

    private func tellAbstention(_ run: Run, _ outcome: JobOutcome, _ node: NodeCore) {
        guard outcome.status.kind == .abstained, let detail = outcome.detail else { return }
        if outcome.status == JobStatus(.noEngine) {
            // All jobs have the same reason then: once is enough.
            if !isEngineTold {
                node.tell(
                    .warning("no job can be run here, and \(node.name) abstains: \(detail)"))
            }
            isEngineTold = true
            return
        }
        node.tell(
            .warning(
                "\(node.name) gives no result of job \(run.id.hex.prefix(16))"
                    + " (\(outcome.status.reasonName ?? "abstained")): \(detail)"))
    }

    // MARK: Keeping

    /// Those who said what was decided, or anything where nothing was: they have run it, and kept
    /// what it came to, be that an output or a failure.
    private func holders(of event: JobDecided, _ node: NodeCore) -> [PublicKey] {
        (results[event.job] ?? [:]).filter { _, result in
            result.status.kind != .abstained
                && (event.decision != .agreed
                    || result.status == event.status && result.output == event.output)
        }.keys.sorted().compactMap { node.state.validator($0)?.key }
    }

    /// Fetches what the node lacks of a job that is decided, so that it can be run again here.
    private func keep(_ event: JobDecided, _ node: NodeCore) throws(NodeError) {
        var wanted: [(Digest, Int)] = []
        if let job = open.removeValue(forKey: event.job) {
            wanted.append((job.module, Self.bytesMax(ofModule: job)))
            wanted.append((job.input, Self.bytesMax(ofInput: job)))
        }
        if event.decision == .agreed, event.status.kind == .success {
            wanted.append((event.output, EngineLimits.outputBytesMax))
        }
        // Where nobody has run it nobody is known to have what it names.
        let holders = holders(of: event, node)
        guard !holders.isEmpty else { return }
        for (hash, bytesMax) in wanted {
            try blobs.keep(hash, bytesMax: bytesMax, from: holders, node)
        }
    }
}
