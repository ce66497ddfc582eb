// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import EventLog
internal import Foundation
internal import Hosting
internal import Ledger

extension Engine {
    // MARK: The spool

    /// Has the pool look for submitted jobs, where it is time to and there is room.
    mutating func lookAtSpool() {
        if desk.untilLook == 0 { look() }
    }

    /// Has the pool look for submitted jobs now.
    mutating func look() {
        let room = desk.room
        guard !desk.isLooking, room > 0 else { return }
        desk.isLooking = true
        desk.looked = room
        desk.lastLook = .now
        let (spool, known, ledger, inbox) = (desk.spool, desk.known, home.ledger, inbox)
        pool.submit {
            let result = Result { () throws(NodeError) in
                let names = try spool.names().filter { !known.contains($0) }
                return JobSpool.ordered(names.prefix(room).map { spool.read($0, in: ledger) })
            }
            inbox.put(result: .spoolRead(result))
        }
    }

    mutating func takeSpooled(_ result: Result<[SpooledJob], NodeError>) {
        desk.isLooking = false
        switch result {
        case .failure(let error):
            desk.isSpoolClear = true
            desk.hasMore = false
            if !desk.isSpoolFailureTold { onEvent(.warning("no job can be taken: \(error)")) }
            desk.isSpoolFailureTold = true
        case .success(let files):
            desk.isSpoolClear = files.isEmpty
            desk.hasMore = files.count >= desk.looked
            desk.isSpoolFailureTold = false
            for file in files { take(file) }
        }
    }

    private mutating func take(_ file: SpooledJob) {
        desk.known.insert(file.name)
        if let problem = file.problem { return onEvent(.warning(problem)) }
        guard let id = file.id, let message = file.message else { return }
        // What is in the ledger has outlived its file, and a crash the removal.
        guard state.entry(of: id) == nil else { return clearSpool([file.name]) }
        desk.jobs.append(
            JobDesk.Waiting(
                id: id, file: file.name, checked: Checked(unchecked: .job(message))))
    }

    /// Removes the files of jobs that the ledger holds or has refused, in the pool.
    private mutating func clearSpool(_ names: [String]) {
        guard !names.isEmpty else { return }
        tasksOut += 1
        let (spool, inbox) = (desk.spool, inbox)
        pool.submit {
            let result = Result { () throws(NodeError) in
                for name in names { try spool.remove(file: name) }
            }
            inbox.put(result: .spoolCleared(names, result))
        }
    }

    mutating func takeCleared(_ names: [String], _ result: Result<Void, NodeError>) {
        tasksOut -= 1
        switch result {
        case .success: desk.known.subtract(names)
        case .failure(let error):
            // They stay known: the ledger would only say again what it has said.
            onEvent(.warning("a job that is done with stays in the spool: \(error)"))
        }
    }

    // MARK: Into the ledger

    /// Whether the ledger has a job that the next batch assigns.
    var isAssignmentDue: Bool {
        state.openJobs.last.flatMap { state.job(at: $0) }.map { $0.assigned == nil } ?? false
    }

    /// Whether a job may go into the next batch, or has to wait for another to close.
    func isAdmissible(_ waiting: JobDesk.Waiting) -> Bool {
        guard case .job(let message) = waiting.checked.content, willMove else { return true }
        return state.openJobs.count < NodeLimits.openJobsMax && hasRoom(for: message.submitter)
    }

    /// Appends the jobs that may come; gives what is refused, and the files that are done with.
    mutating func appendJobs(
        _ refused: inout [(JobDesk.Waiting, Refusal)], _ done: inout [String]
    ) throws(AppendError) {
        var rest: [JobDesk.Waiting] = []
        for waiting in desk.jobs {
            guard isAdmissible(waiting) else {
                rest.append(waiting)
                continue
            }
            do throws(AppendError) {
                try append(.message(waiting.checked))
            } catch .refused(.batchFull) {
                rest.append(waiting)
                continue
            } catch .refused(let refusal) {
                if !refusal.isAnswer {
                    refused.append((waiting, refusal))
                    try record(waiting.checked)
                }
            }
            done.append(waiting.file)
        }
        desk.jobs = rest
    }

    mutating func appendResults() throws(AppendError) {
        var rest: [Checked<Message>] = []
        for checked in desk.results {
            do throws(AppendError) {
                try append(.message(checked))
            } catch .refused(.batchFull) {
                rest.append(checked)
            } catch .refused(let refusal) where refusal.isAnswer || refusal == .roundClosed {
                // The ledger holds it already, or has closed the job over it: nobody's fault.
            } catch .refused {
                try record(checked)
            }
        }
        desk.results = rest
    }

    /// Tells of refused jobs, and clears the spool, once the batch is durable.
    mutating func endJobs(_ refused: [(JobDesk.Waiting, Refusal)], _ done: [String]) {
        for (waiting, refusal) in refused {
            summary.jobsRefused += 1
            onEvent(
                .jobRefused(
                    job: waiting.id, reason: refusal.jsonName,
                    detail: refusal == .unknownSubmitter
                        ? "\(refusal): only listed submitters are served" : "\(refusal)"))
        }
        clearSpool(done)
    }

    // MARK: Runs

    /// Has every assigned validator that is up and has not reported run these jobs.
    ///
    /// `number` asks one of them only. Those whose journal was lost are asked when they may speak,
    /// and not of what they may have reported before.
    mutating func ask(jobs entries: [EntryIndex], only number: Int? = nil) {
        let now = ledgerNow()
        for entry in entries {
            guard let job = state.job(at: entry), let assigned = job.assigned,
                assigned.deadline > now
            else { continue }
            for (index, result) in zip(assigned.validators, job.results) where result == nil {
                let place = Int(index.rawValue)
                guard isUp(index), silent[place] == nil, number == nil || number == place,
                    mayReport(validators[place], job)
                else { continue }
                desk.runs.append(
                    JobRun(
                        entry: entry, id: job.id, job: job.submitted, validator: validators[place],
                        end: JobRun.end(deadline: assigned.deadline, now: now)))
            }
        }
    }

    private func mayReport(_ validator: LocalValidator, _ job: Job) -> Bool {
        guard let begun = validator.begunAnew, validator.report(on: job.id) == nil else {
            return true
        }
        return desk.assigned[job.entry].map { $0 > begun } ?? false
    }

    /// Starts as many runs as may be out, and those whose time is over, so that they abstain.
    mutating func startRuns() {
        guard !desk.runs.isEmpty else { return }
        let now = ledgerNow()
        var rest: [JobRun] = []
        for run in desk.runs {
            if desk.runsOut < desk.runsOutMax || run.end <= now {
                start(run, within: run.end > now ? run.end.rawValue - now.rawValue : 0)
            } else {
                rest.append(run)
            }
        }
        desk.runs = rest
    }

    private mutating func start(_ run: JobRun, within milliseconds: UInt64) {
        let runner = desk.runner ?? JobRunner(options: desk.options, engine: options.engine)
        desk.runner = runner
        desk.runsOut += 1
        tasksOut += 1
        JobWorker(
            ledger: home.ledger,
            blobs: BlobStore(logDirectory: home.ledgerDirectory, disk: POSIXDisk()),
            runner: runner, pool: pool, inbox: inbox
        ).start(run, within: milliseconds)
    }

    mutating func takeRun(_ end: JobEnd) throws(NodeError) {
        desk.runsOut -= 1
        tasksOut -= 1
        tellAbstention(end)
        desk.results += try end.results.get()
    }

    private mutating func tellAbstention(_ end: JobEnd) {
        guard end.status.kind == .abstained, let detail = end.detail else { return }
        // All jobs have the same reason then: once is enough.
        if end.status == JobStatus(.noEngine) {
            if !desk.isEngineTold {
                onEvent(
                    .warning("no job can be run here, and validators abstain: \(detail)"))
            }
            desk.isEngineTold = true
            return
        }
        onEvent(
            .warning(
                "\(end.run.validator.name) gives no result of job \(end.run.id.hex.prefix(16))"
                    + " (\(end.status.reasonName ?? "abstained")): \(detail)"))
    }

    // MARK: Telling

    mutating func tellJob(_ event: JobSubmitted, at entry: EntryIndex) {
        guard let id = state.jobID(at: entry) else { return }
        summary.jobsAccepted += 1
        onEvent(.jobSubmitted(job: id, entry: entry))
    }

    mutating func tellJob(_ event: JobAssigned) {
        guard let id = state.jobID(at: event.job) else { return }
        desk.assigned[event.job] = state.time
        onEvent(
            .jobAssigned(
                job: id, validators: event.validators.map(name), deadline: event.deadline))
    }

    mutating func tellJob(_ event: ResultReported) {
        guard let id = state.jobID(at: event.job) else { return }
        onEvent(
            .jobReported(
                job: id, validator: name(event.validator), event.status, output: event.output,
                fuel: event.fuel))
    }

    mutating func tellJob(_ event: JobDecided) {
        guard let id = state.jobID(at: event.job) else { return }
        switch event.decision {
        case .agreed: summary.jobsAgreed += 1
        case .disagreed: summary.jobsDisagreed += 1
        case .timedOut: summary.jobsTimedOut += 1
        }
        onEvent(.jobDecided(job: id, event.decision, event.status, output: event.output))
    }

    /// Forgets a job that is closed; nothing where the entry is a request's.
    mutating func endJob(_ entry: EntryIndex) {
        desk.assigned[entry] = nil
        if !desk.runs.isEmpty { desk.runs.removeAll { $0.entry == entry } }
    }

    /// What people call a validator.
    func name(_ index: ValidatorIndex) -> String {
        let number = Int(index.rawValue)
        return validators.indices.contains(number)
            ? validators[number].name : "validator \(number)"
    }
}
