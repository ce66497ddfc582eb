// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Collects jobs from the entries, each until it is closed: memory is bounded by the jobs that are
/// open at once.
struct JobDocket {
    private var cases: [UInt64: JobCase] = [:]
    /// Jobs that were decided before the range.
    private(set) var decidedBefore: Set<UInt64> = []
    /// Jobs that ended without a result: there is nothing to contradict.
    private(set) var withoutResult: UInt64 = 0
    /// Jobs that are not decided at the end.
    private(set) var open: UInt64 = 0

    /// Takes in a job that is open where a range starts.
    mutating func open(_ job: Job, _ state: LedgerState) {
        var item = JobCase(
            entry: job.entry.rawValue, id: job.id.hex, submitted: job.submitted)
        item.milliseconds = state.parameters.jobMilliseconds
        for result in job.results.compactMap(\.self) {
            let validator = result.event.validator
            item.reports.append(
                JobCase.Report(
                    entry: result.entry.rawValue, event: result.event,
                    name: state.name(of: validator),
                    key: state.validator(validator)?.key.hex ?? ""))
        }
        // A job that is open was decided by a result, behind which the decision stands.
        if let decided = job.decided {
            item.decision = (decided.deciding.rawValue + 1, decided)
            decidedBefore.insert(item.entry)
        }
        cases[item.entry] = item
    }

    /// Sees an entry; `state` is that before it. Returns the job that it closes, where it has
    /// results.
    mutating func see(_ entry: LoggedEntry, _ state: LedgerState) -> JobCase? {
        switch entry.event {
        case .jobSubmitted(let submitted):
            guard case .job(let message)? = state.message(of: entry.event) else { return nil }
            cases[entry.index] = JobCase(
                entry: entry.index, id: message.id(in: state.ledger).hex, submitted: submitted)
        case .jobAssigned(let assigned):
            let (time, overflow) = assigned.deadline.rawValue
                .subtractingReportingOverflow(state.time.rawValue)
            cases[assigned.job.rawValue]?.milliseconds = overflow ? 0 : time
        case .resultReported(let event):
            cases[event.job.rawValue]?.reports.append(
                JobCase.Report(
                    entry: entry.index, event: event, name: state.name(of: event.validator),
                    key: state.validator(event.validator)?.key.hex ?? ""))
        case .jobDecided(let decided):
            cases[decided.job.rawValue]?.decision = (entry.index, decided)
        case .roundClosed(let closed):
            return cases.removeValue(forKey: closed.about.rawValue).flatMap { sift($0) }
        default: break
        }
        return nil
    }

    /// Ends the log: returns the jobs that are decided and not closed, by entry.
    mutating func end() -> [JobCase] {
        let left = cases.values.sorted { $0.entry < $1.entry }
        cases = [:]
        return left.compactMap { sift($0) }
    }

    private mutating func sift(_ item: JobCase) -> JobCase? {
        if item.decision == nil {
            open += 1
        } else if !item.hasResults {
            withoutResult += 1
        } else {
            return item
        }
        return nil
    }
}
