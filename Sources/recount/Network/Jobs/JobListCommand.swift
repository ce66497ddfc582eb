// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Ledger
import Node
import Projections

/// `recount job list`.
struct JobListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List jobs with their decisions, the newest last.",
        discussion: """
            Of each job: the entry that introduced it, when, its identity, its module, what
            was decided, how it ended, the fuel it used, and its validators in rank. Jobs
            that wait for a node to take them stand at the end.

              recount job list home
              recount job list home --decision disagreed
              recount job list home --from 2026-01-01 --limit 0 --json
              recount job list --node http://127.0.0.1:5100

            People are shown the newest 50 unless --limit says otherwise; --limit 0 shows
            all, and --json lists all that pass, one object a line.
            """)

    @OptionGroup var place: LedgerOrNode

    @Option(
        help: ArgumentHelp(
            "Only agreed, disagreed, timedOut, open, or waiting.", valueName: "decision"),
        completion: .list(Self.decisions))
    var decision: String?

    @OptionGroup var list: ListOptions

    private static let decisions = JobFilter.decisions + [WaitingJob.decision]
    private static let columns = [
        "entry", "job_id", "batch", "time", "submitter", "submitter_name", "submitter_key",
        "module",
        "input", "fuel", "memory_bytes", "milliseconds", "engine", "engine_version", "timestamp",
        "assigned", "deadline", "decision", "status", "status_code", "reason", "output",
        "fuel_used", "deciding", "decided", "decided_time", "closed", "close_cause", "reports",
    ]

    func validate() throws {
        try place.check()
        if decision == WaitingJob.decision, place.option.node != nil {
            throw ValidationError("what waits in a home is told by the home: name it as LEDGER")
        }
        try Spelling.check(decision, "decision", among: Self.decisions)
    }

    mutating func run() throws {
        let writer = try list.writer(Self.columns)
        let wanted = list.wanted(writer)
        let jobs: Jobs
        switch try place.source() {
        case .ledger(let path): jobs = try Jobs(path)
        case .node(let node):
            let found = try node.rows(
                JobsPage.self, ["jobs"], [("decision", decision)], list.range, newest: wanted,
                isCounted: writer == nil)
            guard let writer else { return show(found.rows, [], of: found.count) }
            for row in found.rows { try writer.add(row) }
            return
        }
        // What waits has no entry, so that a range leaves it out.
        let isWaitingAsked =
            (decision ?? WaitingJob.decision) == WaitingJob.decision && !list.hasRange
        let waiting = isWaitingAsked ? jobs.waiting : []
        let waitingShown = wanted == 0 ? waiting : waiting.suffix(Int(clamping: wanted))
        var rows = ListedRows<JobView>(writer)
        var count: UInt64 = 0
        if decision != WaitingJob.decision {
            _ = try jobs.views.ask { [range = list.range, decision] views throws(ViewError) in
                guard let range = try range.range(views) else { return }
                var filter = JobFilter(decision: decision, range: range)
                if writer == nil { count = try views.jobCount(filter) }
                filter.limit = wanted == 0 ? nil : wanted - UInt64(waitingShown.count)
                try views.forEachJob(filter) { row throws(ViewError) in rows.add(row) }
            }
        }
        try rows.end()
        guard let writer else {
            return show(rows.kept, waitingShown, of: count + UInt64(waiting.count))
        }
        for job in waitingShown { try writer.add(job) }
    }

    private func show(_ rows: [JobView], _ waiting: [WaitingJob], of count: UInt64) {
        guard !rows.isEmpty || !waiting.isEmpty else {
            let isFiltered = decision != nil || list.hasRange
            return Output.line(
                isFiltered ? "No job passes these filters." : "There are no jobs yet.")
        }
        var table = Table(fitting: [
            ("entry", .right, .kept), ("time", .left, .dropped(2)), ("job", .left, .id),
            ("module", .left, .idDropped(3)), ("decision", .left, .kept),
            ("status", .left, .dropped(0)), ("fuel", .right, .dropped(1)),
            ("validators", .left, .dropped(4)),
        ])
        for row in rows {
            table.add(
                styled: [
                    ("\(row.entry)", .plain), (Text.time(row.time), .plain),
                    (Text.short(row.jobID), .plain), (Text.short(row.module), .plain),
                    (row.decision, Style.of(outcome: row.decision)),
                    (
                        row.status.map {
                            JobText.status($0, code: row.statusCode, reason: row.reason)
                        } ?? "", .plain
                    ),
                    (row.fuelUsed.map(Text.grouped) ?? "", .plain),
                    (
                        row.reports.map { "\($0.validator) \($0.name ?? "")" }
                            .joined(separator: ", "), .plain
                    ),
                ])
        }
        for job in waiting {
            table.add(
                "", Text.time(job.timestamp), Text.short(job.jobID), Text.short(job.module),
                WaitingJob.decision, "", "", "")
        }
        table.print()
        let shown = UInt64(rows.count + waiting.count)
        if shown < count {
            Output.line(
                "  the newest \(shown) of \(Text.count(count, "job")); --limit 0 shows all")
        }
    }
}
