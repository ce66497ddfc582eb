// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Projections

/// `recount show batch`.
struct ShowBatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch",
        abstract: "Show a batch: who proposed it, its roots, what it decided.",
        discussion: """
            The batch is named by its height; without one it is the last.

              recount show batch home
              recount show batch home 12 --json
              recount show batch --node http://127.0.0.1:5100

            The root of the log is that before the batch's own seal, as the seal states it.
            recount log --from --to lists the entries.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(help: "The height of the batch.")
    var height: UInt64?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws { height = try place.check(height, "height", isOptional: true) }

    mutating func run() throws {
        let row = try row()
        if try RowWriter.prints(row, json: json, format) { return }
        Self.show(row)
    }

    private func row() throws(Failure) -> BatchView {
        let path: String
        switch try place.source() {
        case .ledger(let found): path = found
        case .node(let node):
            let name = height.map { "\($0)" }
            return try node.find(
                BatchView.self, "batch", name ?? "the last",
                hint: "recount show batch --node \(node.name) shows the last",
                ["batches", name ?? "last"])
        }
        let opened = try OpenedViews(path)
        let last = try opened.ask { views throws(ViewError) in try views.lastHeight() } ?? nil
        return try opened.find(
            "batch", height.map { "\($0)" } ?? "the last",
            hint: last.map { "the heights go from 0 to \($0)" } ?? "no batch is sealed yet"
        ) { [height] views throws(ViewError) -> BatchView in
            guard let wanted = height ?? last, let row = try views.batch(wanted) else {
                throw .notFound
            }
            return row
        }
    }

    private static func show(_ row: BatchView) {
        Output.line(Output.strong("Batch \(row.batch)"))
        var list = Listing()
        list.add("entries", "\(row.entry) to \(row.sealed): \(row.entries)")
        list.add("time", Text.exactTime(row.time))
        list.add(
            "proposer",
            row.proposer.map { Text.validator($0, row.proposerName) }
                ?? "nobody: it opens the ledger")
        if row.round > 0 { list.add("passed over", "\(row.round) in rank") }
        list.add("log root", row.root)
        list.add("state root", row.stateRoot)
        let counts = [
            ("votes", row.votes), ("jobs", row.jobs),
            ("ordered", row.settlementsOrdered),
            ("settled", row.settlementsReported), ("evidence", row.evidence),
            ("refusals", row.refusals), ("governance", row.governance),
        ]
        for (name, count) in counts where count > 0 { list.add(name, Text.grouped(count)) }
        list.print()
        Output.line()
        guard !row.requests.isEmpty else {
            return Output.line("It introduced and decided no request.")
        }
        Output.line(Output.strong("Requests"))
        var table = Table(fitting: [
            ("request", .right, .kept), ("id", .left, .id), ("in this batch", .left, .kept),
            ("entry", .right, .dropped(1)),
        ])
        for change in row.requests {
            let words =
                (change.isSubmitted ? ["submitted"] : []) + (change.outcome.map { [$0] } ?? [])
            table.add(styled: [
                ("\(change.request)", .plain), (Text.short(change.requestID), .plain),
                (words.joined(separator: ", "), Style.of(outcome: change.outcome ?? "")),
                (change.decided.map { "\($0)" } ?? "", .plain),
            ])
        }
        table.print()
    }
}
