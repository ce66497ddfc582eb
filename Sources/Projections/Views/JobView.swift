// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// A compute job with its validators and their results.
package struct JobView: Codable, Equatable, Sendable {
    /// What one assigned validator reported.
    package struct Report: Codable, Equatable, Sendable {
        /// The validator's number, from 0.
        package var validator: UInt64
        /// Its name.
        package var name: String?
        /// The entry of its report; nil where there is none.
        package var entry: UInt64?
        /// How the run ended.
        package var status: String?
        /// The code of the status.
        package var statusCode: UInt64?
        /// What the code is called.
        package var reason: String?
        /// SHA-256 of the output.
        package var output: String?
        /// Fuel used.
        package var fuel: UInt64?
    }

    /// The entry that introduced it.
    package var entry: UInt64
    /// Its identity: 64 hexadecimal digits.
    package var jobID: String
    /// The batch of that entry.
    package var batch: UInt64
    /// The time of the batch.
    package var time: UInt64
    /// The number of the submitter.
    package var submitter: UInt64
    /// Its name.
    package var submitterName: String
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
    /// What the code is called.
    package var reason: String?
    /// SHA-256 of the output that was agreed on.
    package var output: String?
    /// Fuel used, as the report that decided it says.
    package var fuelUsed: UInt64?
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

    init(_ cells: Cells) throws(ViewError) {
        entry = try cells.number("entry")
        jobID = try cells.hex("id")
        batch = try cells.number("height")
        time = try cells.number("time")
        submitter = try cells.number("submitter")
        submitterName = try cells.text("submitter_name")
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
        reason = JobStatus(named: status, code: statusCode)?.reasonName
        output = try cells.hexIfAny("output")
        deciding = try cells.numberIfAny("deciding")
        decided = try cells.numberIfAny("decided")
        decidedTime = try cells.numberIfAny("decided_time")
        closed = try cells.numberIfAny("closed")
        closeCause = try cells.textIfAny("close_cause")
        self.reports = []
    }

    /// Takes the report of the next validator in rank.
    mutating func add(_ report: Report) {
        reports.append(report)
        if decision == JobDecision.agreed.jsonName, let entry = report.entry, entry == deciding {
            fuelUsed = report.fuel
        }
    }
}

extension JobView.Report {
    /// Reads a row of a job with a validator; nil where there is no validator.
    init?(_ cells: Cells) throws(ViewError) {
        guard let validator = try cells.numberIfAny("assigned_validator") else { return nil }
        self.validator = validator
        name = try cells.textIfAny("assigned_name")
        entry = try cells.numberIfAny("report_entry")
        status = try cells.textIfAny("report_status")
        statusCode = try cells.numberIfAny("report_status_code")
        reason = JobStatus(named: status, code: statusCode)?.reasonName
        output = try cells.hexIfAny("report_output")
        fuel = try cells.numberIfAny("report_fuel")
    }
}

extension JobStatus {
    /// A status as the tables hold it; nil where they hold none, or one without a name.
    fileprivate init?(named name: String?, code: UInt64?) {
        guard let name, let code = UInt8(exactly: code ?? 0),
            let kind = Kind(jsonName: name)
        else { return nil }
        self.init(kind, code: code)
    }
}
