// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension LedgerState {
    mutating func applyJob(_ event: JobSubmitted, _ entry: EntryIndex) throws(FoldError) {
        guard submitters.indices.contains(Int(event.submitter.rawValue)) else {
            throw .unknown(
                kind: "jobSubmitted", field: "submitter", value: UInt64(event.submitter.rawValue))
        }
        let message = jobMessage(of: event)
        let id = message.id(in: ledger)
        jobs[entry] = Job(entry: entry, id: id, submitted: event)
        openJobs.append(entry)
        jobEntries[id] = entry
        submitters[Int(event.submitter.rawValue)].undecided += 1
    }

    mutating func applyAssignment(_ event: JobAssigned) throws(FoldError) {
        guard jobs[event.job] != nil else {
            throw .unknown(kind: "jobAssigned", field: "job", value: event.job.rawValue)
        }
        guard Set(event.validators).count == event.validators.count,
            event.validators.allSatisfy({ validator($0) != nil })
        else { throw .contradicts(kind: "jobAssigned", field: "validators") }
        jobs[event.job]?.assigned = event
        jobs[event.job]?.results = Array(repeating: nil, count: event.validators.count)
        for validator in event.validators { recordLeader(kind: 2, event.job, validator) }
    }

    mutating func applyResult(_ event: ResultReported, _ entry: EntryIndex) throws(FoldError) {
        guard let place = jobs[event.job]?.assigned?.validators.firstIndex(of: event.validator)
        else { throw .unknown(kind: "resultReported", field: "job", value: event.job.rawValue) }
        guard jobs[event.job]?.results[place] == nil else {
            throw .contradicts(kind: "resultReported", field: "validator")
        }
        jobs[event.job]?.results[place] = RecordedResult(entry: entry, event: event)
    }

    mutating func applyJobDecision(_ event: JobDecided, _ taken: Entry) throws(FoldError) {
        guard let job = jobs[event.job] else {
            throw .unknown(kind: "jobDecided", field: "job", value: event.job.rawValue)
        }
        guard job.decided == nil else { throw .contradicts(kind: "jobDecided", field: "job") }
        jobs[event.job]?.decided = event
        submitters[Int(job.submitted.submitter.rawValue)].undecided -= 1
        decidedJobs[event.job] = JobPlaces(decision: jobHistory.append(taken))
    }

    mutating func closeJob(_ job: Job, _ event: RoundClosed) throws(FoldError) {
        guard job.decided != nil else {
            throw .contradicts(kind: "roundClosed", field: "about")
        }
        jobs[job.entry] = nil
        openJobs.removeOrdered(job.entry)
        let record = JobCloseRecord(
            event: event, id: job.id, validators: job.assigned?.validators ?? [],
            results: job.results.map { $0?.event.resultDigest ?? .zero })
        decidedJobs[job.entry]?.close = jobHistory.append(record.encoded)
    }
}

extension ResultReported {
    /// SHA-256 of status and output: what two results must share.
    package var resultDigest: Digest {
        var writer = BorshWriter(domain: "recount/result-value/v1")
        writer.write(status)
        writer.write(output)
        return Digest(hashing: writer.bytes)
    }
}
