// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Projections

/// `recount show job`.
struct ShowJobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Show a compute job: its validators, their results, the decision.",
        discussion: """
            The job is named by the first digits of its identity, or by its entry.

              recount show job home 9c41
              recount show job home 812 --json
            """)

    @OptionGroup var place: LedgerArgument

    @Argument(help: "The first digits of the identity, or the entry of the job.")
    var id: String

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let opened = try OpenedViews(place.ledger)
        let count = try opened.ask { views throws(ViewError) in try views.jobCount() } ?? 0
        let row = try opened.find(
            "job", id,
            hint: count == 0
                ? "there are no jobs yet"
                : "recount log --kind jobSubmitted lists those that are there"
        ) { [id] views throws(ViewError) -> JobView in
            guard let row = try views.job(at: try views.job(called: id)) else { throw .notFound }
            return row
        }
        if json { return try Output.json(row) }
        Self.show(row)
    }

    private static func show(_ row: JobView) {
        Output.line(Output.strong("Job \(row.jobID)"))
        var list = Listing()
        list.add("entry", "\(row.entry), batch \(row.batch)")
        list.add("submitter", "\(row.submitter)")
        list.add("submitted", Text.time(row.timestamp) + " by its own time")
        list.add("module", row.module)
        list.add("input", row.input)
        list.add("engine", "\(row.engine) \(row.engineVersion)")
        list.add(
            "limits",
            "\(Text.grouped(row.fuel)) fuel, \(Text.grouped(row.memoryBytes)) bytes,"
                + " \(Text.grouped(row.milliseconds)) ms")
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
            ("validator", .right, .kept), ("status", .left, .kept), ("output", .left, .id),
            ("fuel", .right, .dropped(1)), ("entry", .right, .kept),
        ])
        for report in row.reports {
            table.add([
                "\(report.validator)",
                report.status.map { text($0, report.statusCode) } ?? "none",
                report.output.map(Text.short) ?? "", report.fuel.map(Text.grouped) ?? "",
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
                + Style.of(outcome: row.decision).applied(to: row.decision))
        var decided = Listing()
        if row.decision == "agreed", let status = row.status {
            decided.add("status", text(status, row.statusCode))
            if let output = row.output { decided.add("output", output) }
        }
        if let entry = row.decided { decided.add("entry", "\(entry)") }
        if let entry = row.deciding { decided.add("decided by", "entry \(entry)") }
        if let time = row.decidedTime { decided.add("time", Text.time(time)) }
        if let entry = row.closed {
            decided.add("closed", "at entry \(entry): \(row.closeCause ?? "")")
        }
        decided.print()
    }

    private static func text(_ status: String, _ code: UInt64?) -> String {
        status + (code.map { $0 == 0 ? "" : " \($0)" } ?? "")
    }
}
