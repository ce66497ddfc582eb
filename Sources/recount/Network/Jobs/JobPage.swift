// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Projections

/// What there is to say of one job.
enum JobPage {
    /// Prints what is known of the job that is called so.
    static func print(
        _ id: String, of source: AskedPlace, json: Bool, _ format: CSVOption
    ) throws {
        let place: String
        switch source {
        case .ledger(let path): place = path
        case .node(let node):
            let row = try find(id, node)
            if try !RowWriter.prints(row, json: json, format) { show(row) }
            return
        }
        switch try Jobs(place).find(id) {
        case .logged(let row):
            if try !RowWriter.prints(row, json: json, format) { show(row) }
        case .waiting(let job):
            if try !RowWriter.prints(job, json: json, format) { show(job, place) }
        }
    }

    /// The job that a node calls so.
    static func find(_ id: String, _ node: AskedNode) throws(Failure) -> JobView {
        try node.find(
            JobView.self, "job", id,
            hint: "recount job list --node \(node.name) lists those that are there", ["jobs", id])
    }

    private static func show(_ row: JobView) {
        Output.line(Output.strong("Job \(row.jobID)"))
        var list = Listing()
        list.add("entry", "\(row.entry), batch \(row.batch)")
        list.add("submitter", "\(row.submitter), \(row.submitterName)")
        list.add("submitted", Text.time(row.timestamp) + " by its own time")
        list.add("module", row.module)
        list.add("input", row.input)
        list.add("engine", "\(row.engine) \(row.engineVersion)")
        list.add("limits", JobText.limits(row.fuel, row.memoryBytes, row.milliseconds))
        if let assigned = row.assigned {
            list.add("assigned", "at entry \(assigned)")
            if let deadline = row.deadline { list.add("deadline", Text.time(deadline)) }
        } else {
            list.add("assigned", "not yet; the next batch draws its validators")
        }
        list.print()
        Output.line()
        Output.line(Output.strong("Validators and results"))
        var table = Table(fitting: [
            ("validator", .right, .kept), ("name", .left, .name(0)),
            ("status", .left, .kept), ("output", .left, .id),
            ("fuel", .right, .dropped(1)), ("entry", .right, .kept),
        ])
        for report in row.reports {
            table.add([
                "\(report.validator)", report.name ?? "",
                report.status.map {
                    JobText.status($0, code: report.statusCode, reason: report.reason)
                } ?? "none",
                report.status == "success" ? report.output.map(Text.short) ?? "" : "",
                report.fuel.map(Text.grouped) ?? "",
                report.entry.map { "\($0)" } ?? "",
            ])
        }
        if table.isEmpty { Output.line("  nobody is assigned yet") } else { table.print() }
        Output.line()
        guard row.decision != "open" else {
            return Output.line(Output.strong("Not decided yet"))
        }
        Output.line(
            Output.strong("Decided: ")
                + Style.of(outcome: row.decision).applied(to: row.decision.visible))
        var decided = Listing()
        if row.decision == JobDecision.agreed.jsonName, let status = row.status {
            decided.add(
                "status", JobText.status(status, code: row.statusCode, reason: row.reason))
            if status == "success", let output = row.output { decided.add("output", output) }
            if let fuel = row.fuelUsed { decided.add("fuel used", Text.grouped(fuel)) }
        }
        if let entry = row.decided { decided.add("entry", "\(entry)") }
        if let entry = row.deciding { decided.add("decided by", "entry \(entry)") }
        if let time = row.decidedTime { decided.add("time", Text.time(time)) }
        if let entry = row.closed {
            decided.add("closed", "at entry \(entry): \(row.closeCause ?? "")")
        }
        decided.print()
    }

    private static func show(_ job: WaitingJob, _ place: String) {
        Output.line(Output.strong("Job \(job.jobID)"))
        var list = Listing()
        list.add(
            "submitter", (job.submitterName.map { "\($0), " } ?? "") + "key \(job.submitterKey)")
        list.add("submitted", Text.time(job.timestamp) + " by its own time")
        list.add("module", job.module)
        list.add("input", job.input)
        list.add("engine", "\(job.engine) \(job.engineVersion)")
        list.add("limits", JobText.limits(job.fuel, job.memoryBytes, job.milliseconds))
        list.print()
        Output.line()
        Output.line(
            Output.strong("Waiting")
                + ": recount run \(Place.network(place)) --requests /dev/null takes it")
    }
}
