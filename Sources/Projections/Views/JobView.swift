// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// A compute job with its validators and their results.
package struct JobView: Codable, Equatable, Sendable {
    /// What one assigned validator reported.
    package struct Report: Codable, Equatable, Sendable {
        /// The validator.
        package var validator: UInt64
        /// The entry of its report; nil where there is none.
        package var entry: UInt64?
        /// How the run ended.
        package var status: String?
        /// The code of the status.
        package var statusCode: UInt64?
        /// SHA-256 of the output.
        package var output: String?
        /// Fuel used.
        package var fuel: UInt64?
    }

    /// The entry that introduced it.
    package var entry: UInt64
    /// Its identity.
    package var jobID: String
    /// The batch of that entry.
    package var batch: UInt64
    /// The number of the submitter.
    package var submitter: UInt64
    /// SHA-256 of the module.
    package var module: String
    /// SHA-256 of the input.
    package var input: String
    /// Fuel that it may use.
    package var fuel: UInt64
    /// Memory that it may use.
    package var memoryBytes: UInt64
    /// Time that it may take.
    package var milliseconds: UInt64
    /// The engine that runs it.
    package var engine: String
    /// The version of the engine.
    package var engineVersion: String
    /// When, by the submitter's own time.
    package var timestamp: UInt64
    /// The entry that drew its validators.
    package var assigned: UInt64?
    /// When results end.
    package var deadline: UInt64?
    /// `open`, or `agreed`, `disagreed`, `timedOut`.
    package var decision: String
    /// The status that was agreed on.
    package var status: String?
    /// Its code.
    package var statusCode: UInt64?
    /// SHA-256 of the output that was agreed on.
    package var output: String?
    /// The entry that decided it.
    package var deciding: UInt64?
    /// The entry that says so.
    package var decided: UInt64?
    /// The time of the batch that decided it.
    package var decidedTime: UInt64?
    /// The entry that closed it.
    package var closed: UInt64?
    /// Why it closed.
    package var closeCause: String?
    /// What the validators reported, in rank.
    package var reports: [Report]

    init(_ cells: Cells, _ reports: [Report]) throws(ViewError) {
        entry = try cells.number("entry")
        jobID = try cells.hex("id")
        batch = try cells.number("height")
        submitter = try cells.number("submitter")
        module = try cells.hex("module")
        input = try cells.hex("input")
        fuel = try cells.number("fuel")
        memoryBytes = try cells.number("memory_bytes")
        milliseconds = try cells.number("milliseconds")
        engine = try cells.text("engine")
        engineVersion = try cells.text("engine_version")
        timestamp = try cells.number("timestamp")
        assigned = try cells.numberIfAny("assigned")
        deadline = try cells.numberIfAny("deadline")
        decision = try cells.textIfAny("decision") ?? "open"
        status = try cells.textIfAny("status")
        statusCode = try cells.numberIfAny("status_code")
        output = try cells.hexIfAny("output")
        deciding = try cells.numberIfAny("deciding")
        decided = try cells.numberIfAny("decided")
        decidedTime = try cells.numberIfAny("decided_time")
        closed = try cells.numberIfAny("closed")
        closeCause = try cells.textIfAny("close_cause")
        self.reports = reports
    }
}

extension LedgerViews {
    /// A job by its entry.
    package func job(at entry: UInt64) throws(ViewError) -> JobView? {
        let entry = Int64(clamping: entry)
        let reports = try rows(
            """
            SELECT job_validator.validator, result.entry, result.status, result.status_code,
                result.output, result.fuel
            FROM job_validator LEFT JOIN result ON result.job = job_validator.job
                AND result.validator = job_validator.validator
            WHERE job_validator.job = ? ORDER BY job_validator.place
            """, [entry]
        ) { cells throws(ViewError) in
            JobView.Report(
                validator: try cells.number("validator"), entry: try cells.numberIfAny("entry"),
                status: try cells.textIfAny("status"),
                statusCode: try cells.numberIfAny("status_code"),
                output: try cells.hexIfAny("output"), fuel: try cells.numberIfAny("fuel"))
        }
        return try first("SELECT * FROM job WHERE entry = ?", [entry]) { cells throws(ViewError) in
            try JobView(cells, reports)
        }
    }

    /// The number of jobs.
    package func jobCount() throws(ViewError) -> UInt64 {
        try count("SELECT count(*) AS count FROM job")
    }
}
