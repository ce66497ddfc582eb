// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: in the log already, submitter, quota, bound, form, the bounds among the
    /// parameters, the least deadline, validators.
    func decide(job message: JobMessage) throws(Refusal) -> [Event] {
        guard jobEntries[message.id(in: ledger)] == nil else { throw .alreadyRecorded }
        let submitter = try admit(message.submitter)
        guard message.fuel > 0, message.memoryBytes > 0, message.moduleBytes > 0,
            message.milliseconds <= Limits.timeoutMillisecondsMax, !message.engine.isEmpty,
            message.engine.utf8.count <= Limits.nameBytesMax,
            message.engineVersion.utf8.count <= Limits.nameBytesMax
        else { throw .malformedJob }
        guard message.fuel <= parameters.jobFuelMax,
            message.memoryBytes <= parameters.jobMemoryBytesMax,
            message.inputBytes <= parameters.jobInputBytesMax,
            message.moduleBytes <= parameters.jobModuleBytesMax
        else { throw .jobOverBounds }
        // Zero stands for the ledger's own limit, which is never below the least.
        guard message.milliseconds == 0 || message.milliseconds >= parameters.jobMillisecondsMin
        else { throw .jobDeadlineTooShort }
        guard members.count >= Limits.jobValidators else { throw .tooFewValidators }
        return [.jobSubmitted(message.naming(submitter: submitter))]
    }

    /// Draws the validators of the jobs of the batch before, by index.
    func assignJobs(time: Time, root: Digest, _ derivation: inout Derivation) {
        for case let job? in openJobs.map({ jobs[$0] }) where job.assigned == nil {
            let candidates = members.map { index in
                let validator = validators[Int(index.rawValue)]
                return Candidate(
                    index: index, key: validator.key, stake: validator.stake,
                    reputation: derivation.reputation(of: index, in: self))
            }
            let ranked = ranking(candidates, for: .job(job.id, root: root), parameters)
            let asked = job.submitted.milliseconds
            let limit = parameters.jobMilliseconds
            // The parameters may have changed since it was submitted.
            let milliseconds =
                asked == 0 ? limit : min(max(asked, parameters.jobMillisecondsMin), limit)
            derivation.emit(
                .jobAssigned(
                    JobAssigned(
                        job: job.entry, validators: Array(ranked.prefix(Limits.jobValidators)),
                        deadline: time.adding(milliseconds: milliseconds))))
        }
    }

    /// Checks, in order: job, assignment, same result, changed result, closed.
    func decide(result message: ResultMessage) throws(Refusal) -> [Event] {
        guard let entry = jobEntries[message.job] else { throw .unknownJob }
        guard let validator = validatorIndices[message.validator] else { throw .notAssigned }
        let event = message.naming(job: entry, validator: validator)
        guard let job = jobs[entry] else { throw refusalOfClosed(event) }
        guard let place = job.assigned?.validators.firstIndex(of: validator) else {
            throw .notAssigned
        }
        if let recorded = job.results[place] {
            throw recorded.event.resultDigest == event.resultDigest
                ? .alreadyRecorded : .resultChanged
        }
        var derivation = Derivation(at: size)
        let result = RecordedResult(entry: derivation.next, event: event)
        derivation.emit(.resultReported(event))
        var updated = job
        updated.results[place] = result
        if job.decided == nil, let decision = updated.decision {
            updated.decided = decide(updated, decision, result, &derivation)
        }
        if updated.isComplete { close(updated, .complete, &derivation) }
        return derivation.events
    }

    /// Whether results decide a job that is open and undecided, with those that the ledger holds.
    package func isDecided(_ job: JobID, by messages: [ResultMessage]) -> Bool {
        guard let entry = jobEntries[job], var with = jobs[entry], with.decided == nil,
            let assigned = with.assigned
        else { return false }
        for message in messages where message.job == job {
            guard let validator = validatorIndices[message.validator],
                let place = assigned.validators.firstIndex(of: validator),
                with.results[place] == nil
            else { continue }
            let event = message.naming(job: entry, validator: validator)
            with.results[place] = RecordedResult(entry: EntryIndex(size), event: event)
        }
        return with.decision != nil
    }

    private func refusalOfClosed(_ event: ResultReported) -> Refusal {
        guard let closed = closedJob(at: event.job),
            let place = closed.validators.firstIndex(of: event.validator)
        else { return .notAssigned }
        guard let recorded = closed.results[place] else { return .roundClosed }
        return recorded == event.resultDigest ? .alreadyRecorded : .resultChanged
    }

    /// Decides a job that is due, where no result has, and closes it.
    func closeDue(_ job: Job, _ derivation: inout Derivation) {
        var updated = job
        if job.decided == nil { updated.decided = decide(updated, .timedOut, nil, &derivation) }
        close(updated, .deadline, &derivation)
    }

    private func decide(
        _ job: Job, _ decision: JobDecision, _ result: RecordedResult?,
        _ derivation: inout Derivation
    ) -> JobDecided {
        invariant(job.decided == nil, "job \(job.entry.rawValue) is decided twice")
        let agreed = decision == .agreed ? result : nil
        invariant((agreed != nil) == (decision == .agreed), "results agree on none")
        let decided = JobDecided(
            job: job.entry, decision: decision,
            status: agreed?.event.status ?? JobStatus(.abstained),
            output: agreed?.event.output ?? .zero, deciding: result?.entry ?? batchEntry,
            time: time)
        derivation.emit(.jobDecided(decided))
        return decided
    }

    private func close(_ job: Job, _ cause: CloseCause, _ derivation: inout Derivation) {
        guard let assigned = job.assigned else { return }
        let answers = zip(assigned.validators, job.results).sorted { $0.0 < $1.0 }
        var sides: [(value: Digest, side: Side)] = []
        for case (let validator, let result?) in answers {
            let value = result.event.resultDigest
            if let place = sides.firstIndex(where: { $0.value == value }) {
                sides[place].side.validators.append(validator)
            } else {
                sides.append((value, Side(validators: [validator])))
            }
        }
        if sides.count > 1 {
            let taken = sides.reduce(0) { $0 + $1.side.validators.count }
            let reported = job.results.count { $0 != nil }
            invariant(taken == reported, "\(taken) validators with \(reported) results")
            derivation.emit(
                .disagreementRecorded(
                    DisagreementRecorded(about: job.entry, sides: sides.map(\.side))))
        }
        for (validator, result) in answers {
            for change in job.causes(of: result, cause) {
                derivation.change(
                    validator, points: scale[change], change, about: job.entry, in: self)
            }
        }
        derivation.emit(.roundClosed(RoundClosed(about: job.entry, cause: cause)))
    }
}

extension RecordedResult {
    /// Whether two results are equal: status and output alike, and no abstention.
    package func matches(_ other: RecordedResult) -> Bool {
        event.status.kind != .abstained && event.status == other.event.status
            && event.output == other.event.output
    }
}

extension Job {
    /// How the results that are in decide the job, or nil where they do not.
    var decision: JobDecision? {
        let reported = results.compactMap(\.self)
        let groups = reported.map { one in reported.count { $0.matches(one) } }
        let largest = groups.max() ?? 0
        if largest >= Limits.jobAgreement { return .agreed }
        return largest + (results.count - reported.count) < Limits.jobAgreement
            ? .disagreed : nil
    }
}
