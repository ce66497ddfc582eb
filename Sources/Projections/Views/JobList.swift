// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import Ledger

/// Which jobs are asked for.
package struct JobFilter: Sendable {
    /// What `decision` may be.
    package static let decisions = JobDecision.allCases.map(\.jsonName) + ["open"]

    /// One of `decisions`, or nil for all.
    package var decision: String?
    /// The entries that introduced them.
    package var range: EntryRange
    /// The newest so many; nil for all.
    package var limit: UInt64?

    /// Asks for all unless told otherwise.
    package init(decision: String? = nil, range: EntryRange = EntryRange(), limit: UInt64? = nil) {
        self.decision = decision
        self.range = range
        self.limit = limit
    }
}

extension LedgerViews {
    /// Hands the jobs to `body`, the newest last; memory stays flat.
    package func forEachJob(
        _ filter: JobFilter, _ body: (JobView) throws(ViewError) -> Void
    ) throws(ViewError) {
        var filter = filter
        if let limit = filter.limit {
            guard limit > 0 else { return }
            filter.range.from = max(filter.range.from, try firstOfNewest(limit, filter))
        }
        let (condition, arguments) = Self.condition(filter)
        // A row for each validator of a job; the rows of a job follow each other.
        var job: JobView?
        try forEach(Self.jobSQL + condition + Self.jobOrder, arguments) {
            cells throws(ViewError) in
            if job?.entry != (try cells.number("entry")) {
                if let job { try body(job) }
                job = try JobView(cells)
            }
            if let report = try JobView.Report(cells) { job?.add(report) }
        }
        if let job { try body(job) }
    }

    /// A job by its entry.
    package func job(at entry: UInt64) throws(ViewError) -> JobView? {
        var job: JobView?
        try forEachJob(JobFilter(range: EntryRange(from: entry, to: entry))) { job = $0 }
        return job
    }

    /// The number of jobs that pass the filter, its limit aside.
    package func jobCount(_ filter: JobFilter = JobFilter()) throws(ViewError) -> UInt64 {
        let (condition, arguments) = Self.condition(filter)
        return try count("SELECT count(*) AS count FROM job" + condition, arguments)
    }

    private func firstOfNewest(_ limit: UInt64, _ filter: JobFilter) throws(ViewError) -> UInt64 {
        let (condition, arguments) = Self.condition(filter)
        // Fewer than the limit are all of them.
        let found = try first(
            "SELECT entry FROM job" + condition + " ORDER BY entry DESC LIMIT 1 OFFSET ?",
            arguments + [Int64(clamping: limit - 1)]
        ) { cells throws(ViewError) in try cells.number("entry") }
        return found ?? 0
    }

    private static func condition(_ filter: JobFilter) -> (String, StatementArguments) {
        let (from, to) = filter.range.bounds
        var text = " WHERE job.entry BETWEEN ? AND ?"
        var arguments: StatementArguments = [from, to]
        switch filter.decision {
        case nil: break
        case "open": text += " AND job.decision IS NULL"
        case let decision?:
            text += " AND job.decision = ?"
            arguments += [decision]
        }
        return (text, arguments)
    }

    private static let jobSQL = """
        SELECT job.*, batch.time AS time, job_validator.validator AS assigned_validator,
            validator.name AS assigned_name, submitter.name AS submitter_name,
            result.entry AS report_entry, result.status AS report_status,
            result.status_code AS report_status_code, result.output AS report_output,
            result.fuel AS report_fuel
        FROM job
        JOIN batch ON batch.height = job.height
        JOIN submitter ON submitter.number = job.submitter
        LEFT JOIN job_validator ON job_validator.job = job.entry
        LEFT JOIN validator ON validator.number = job_validator.validator
        LEFT JOIN result ON result.job = job.entry
            AND result.validator = job_validator.validator
        """

    private static let jobOrder = " ORDER BY job.entry, job_validator.place"
}
