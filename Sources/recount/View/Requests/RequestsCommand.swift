// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Ledger
import Node
import Projections

/// `recount requests`.
struct RequestsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "requests",
        abstract: "List requests with their outcomes, the newest last.",
        discussion: """
            Of each request: the entry that introduced it, when, its identity, what became
            of it, and the votes to approve, to reject and to abstain when it was decided,
            as 7/2/1 (so far, where it is open). "margin" is approvals less the threshold
            then; "spare" is how many of those who made the decision could have failed
            without another outcome, by all votes of the closed round.

              recount requests home
              recount requests home --outcome rejected --limit 20
              recount requests home --from 2026-01-01 --to 2026-01-02 --json
              recount requests --node http://127.0.0.1:5100

            People are shown the newest 50 unless --limit says otherwise; --limit 0 shows
            all, and --json and --csv list all that pass, one a line.
            """)

    @OptionGroup var place: LedgerOrNode

    @Option(
        help: ArgumentHelp(
            "Only approved, rejected, timedOut, or open.", valueName: "outcome"),
        completion: .list(RequestFilter.outcomes))
    var outcome: String?

    @OptionGroup var list: ListOptions

    private static let columns = [
        "entry", "request_id", "batch", "time", "circuit", "submitter", "submitter_name", "amount",
        "recipient", "timestamp", "leader", "leader_name", "threshold", "deadline", "outcome",
        "reason", "approvals", "rejections", "abstentions", "margin", "deciding", "decided",
        "decided_time", "closed", "close_cause", "closing_approvals", "spare", "settlement",
    ]

    /// Where requests are listed, for those who name one that is not there.
    static func hint(_ node: String) -> String {
        "recount requests --node \(node) lists those that are there"
    }

    func validate() throws {
        try place.check()
        try Spelling.check(outcome, "outcome", among: RequestFilter.outcomes)
    }

    mutating func run() throws {
        let writer = try list.writer(Self.columns)
        let wanted = list.wanted(writer)
        let opened: OpenedViews
        switch try place.source() {
        case .ledger(let path): opened = try OpenedViews(path)
        case .node(let node):
            let found = try node.rows(
                RequestsPage.self, ["requests"], [("outcome", outcome)], list.range, newest: wanted,
                isCounted: writer == nil)
            guard let writer else { return show(found.rows, of: found.count) }
            for row in found.rows { try writer.add(row) }
            return
        }
        var rows = ListedRows<RequestView>(writer)
        var count: UInt64 = 0
        _ = try opened.ask { [range = list.range, outcome] views throws(ViewError) in
            guard let range = try range.range(views) else { return }
            var filter = RequestFilter(outcome: outcome, range: range)
            if writer == nil { count = try views.requestCount(filter) }
            filter.limit = wanted == 0 ? nil : wanted
            try views.forEachRequest(filter) { row throws(ViewError) in rows.add(row) }
        }
        try rows.end()
        if writer == nil { show(rows.kept, of: count) }
    }

    private func show(_ rows: [RequestView], of count: UInt64) {
        guard !rows.isEmpty else {
            let isFiltered = outcome != nil || list.hasRange
            return Output.line(
                isFiltered ? "No request passes these filters." : "There are no requests yet.")
        }
        var table = Table(fitting: [
            ("entry", .right, .kept), ("time", .left, .dropped(2)), ("request", .left, .id),
            ("amount", .right, .dropped(3)), ("recipient", .left, .idDropped(11)),
            ("circuit", .left, .dropped(9)), ("submitter", .left, .dropped(10)),
            ("leader", .right, .dropped(6)),
            ("name", .left, .name(7)), ("outcome", .left, .kept),
            ("reason", .left, .kept),
            ("votes", .right, .dropped(1)), ("margin", .right, .dropped(5)),
            ("spare", .right, .dropped(5)),
            ("settlement", .left, .dropped(8)),
        ])
        for row in rows {
            let margin = row.margin.map { $0 > 0 ? "+\($0)" : "\($0)" } ?? ""
            let cells = [
                "\(row.entry)", Text.time(row.time), Text.short(row.requestID), "\(row.amount)",
                Text.short(row.recipient), row.circuit,
                "\(row.submitter) \(row.submitterName)", "\(row.leader)", row.leaderName,
                row.outcome, row.reason ?? "",
                "\(row.approvals)/\(row.rejections)/\(row.abstentions)", margin,
                row.spare.map { "\($0)" } ?? "", row.settlement ?? "",
            ]
            table.add(
                styled: cells.enumerated().map {
                    ($0.element, $0.offset == 9 ? Style.of(outcome: row.outcome) : .plain)
                })
        }
        table.print()
        if UInt64(rows.count) < count {
            Output.line(
                "  the newest \(rows.count) of \(Text.count(count, "request")); --limit 0 shows all"
            )
        }
    }
}
