// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// What the journal holds of jobs.
extension VoteJournal {
    /// The jobs that it holds a result of, in the order of their ids.
    package var jobs: [JobID] { reports.keys.sorted() }

    /// Returns what the validator has reported of a job, where it has.
    package func report(on job: JobID) -> JobReport? { reports[job] }

    /// Returns the signed results of jobs, after they are durable, all in one commit.
    ///
    /// Of a job of which the journal holds one already, that one is said again, the same bytes,
    /// whatever is given, and so the first where a job is given twice. After an error nothing is
    /// said.
    package mutating func results(
        _ given: [(job: JobID, report: JobReport)]
    ) throws(JournalError) -> [ResultMessage] {
        var new: [JobID: JobReport] = [:]
        var entries: [[UInt8]] = []
        let messages = given.map { job, report in
            if let known = reports[job] ?? new[job] { return sign(known, job) }
            let message = sign(report, job)
            new[job] = report
            entries.append(JournalEntry.reported(message).encoded)
            return message
        }
        invariant(
            entries.count == new.count, "\(entries.count) entries of \(new.count) new results")
        guard !entries.isEmpty else { return messages }
        try write(waiting + entries)
        let known = reports.count
        reports.merge(new) { first, _ in first }
        invariant(
            reports.count == known + new.count,
            "\(reports.count) results, of which \(known) were known and \(new.count) are new")
        return messages
    }

    /// Restores a result from its entry. Checks, in order: whose it is, that it repeats what was
    /// said before.
    mutating func restore(_ message: ResultMessage, _ index: UInt64) throws(JournalError) {
        guard message.validator == key.publicKey else {
            throw .unusable(entry: index, .foreign(message.validator))
        }
        let report = JobReport(message)
        if let earlier = reports[message.job], earlier != report {
            throw .unusable(entry: index, .contradictoryResult(message.job))
        }
        reports[message.job] = report
    }

    func sign(_ report: JobReport, _ job: JobID) -> ResultMessage {
        ResultMessage(
            job: job, validator: key.publicKey, status: report.status, output: report.output,
            fuel: report.fuel, signature: .zero
        ).signed(by: key, in: ledger)
    }
}
