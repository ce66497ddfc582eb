// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Projections

/// `recount show validator`.
struct ShowValidatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validator",
        abstract: "Show a validator: membership, stakes, votes, reputation, convictions.",
        discussion: """
            The validator is named by its number, its name or the first digits of its key.

              recount show validator home 3
              recount show validator home validator-4 --json
              recount show validator --node http://127.0.0.1:5100 3

            recount show reputation lists what changed its reputation, recount log
            --validator every entry about it.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The number or name of the validator, or the first digits of its key.",
        completion: Completions.validators)
    var id: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    static let hint = "recount validators lists those that are there"

    mutating func validate() throws { id = try place.check(id, "id") }

    private func history() throws(Failure) -> ValidatorHistory {
        let id = id ?? ""
        switch try place.source() {
        case .node(let node):
            return try node.find(
                ValidatorHistory.self, "validator", id, hint: Self.hint, ["validators", id])
        case .ledger(let path):
            return try OpenedViews(path).find("validator", id, hint: Self.hint) {
                views throws(ViewError) in
                guard let history = try views.history(ofValidator: try views.validator(called: id))
                else { throw .notFound }
                return history
            }
        }
    }

    mutating func run() throws {
        let history = try history()
        if try RowWriter.prints(history, json: json, format) { return }
        Self.show(history)
    }

    private static func show(_ history: ValidatorHistory) {
        let row = history.summary
        Output.line(Output.strong("Validator \(row.validator), \(row.name)"))
        var list = Listing()
        list.add("key", row.key)
        for span in history.memberships {
            list.add(
                "member",
                "since entry \(span.joined)" + (span.left.map { ", until entry \($0)" } ?? ""))
        }
        list.add("stake", "\(row.stake)" + (row.isMember ? "" : ", which counts no more"))
        for change in history.stakes.dropFirst() {
            list.add("stake changed", "to \(change.stake) at entry \(change.entry)")
        }
        list.add("reputation", "\(Text.points(row.reputation)) points")
        list.add("asked", "in \(Text.count(row.asked, "closed round"))")
        list.add(
            "votes",
            "\(row.approved) approve, \(row.rejected) reject, \(row.abstained) abstain,"
                + " \(row.missed) missed")
        list.add(
            "contradicted", Text.count(row.contradicted, "vote") + " that outcomes prove wrong")
        list.add("leads", Text.count(row.leads, "request"))
        list.add("proposed", Text.count(history.proposed, "batch", "batches"))
        list.add("jobs", "\(history.jobsAssigned) assigned, \(history.jobsReported) reported")
        list.print()
        Output.line()
        Output.line(Output.strong("What changed its reputation"))
        var causes = Table(
            ("cause", .left), ("times", .right), ("points in all", .right))
        for cause in history.causes where cause.cause != "joined" {
            causes.add(cause.cause, "\(cause.count)", Text.change(cause.change))
        }
        if causes.isEmpty { Output.line("  nothing yet") } else { causes.print() }
        showConvictions(history.convictions)
    }

    private static let convictionsForPeople = 10

    private static func about(_ conviction: ValidatorHistory.Conviction) -> String {
        if let request = conviction.request { return "request \(request)" }
        if let job = conviction.job { return "job \(job)" }
        if let size = conviction.size { return "\(size) entries" }
        return "batch \(conviction.height ?? 0), round \(conviction.round ?? 0)"
    }

    private static func showConvictions(_ all: [ValidatorHistory.Conviction]) {
        guard !all.isEmpty else { return }
        Output.line()
        Output.line(
            Output.strong(
                "Convicted by \(Text.count(UInt64(all.count), "pair")) of"
                    + " contradicting messages"))
        var table = Table(("entry", .right), ("messages", .left), ("about", .left))
        for conviction in all.suffix(convictionsForPeople) {
            table.add("\(conviction.entry)", "\(conviction.slot)s", about(conviction))
        }
        table.print()
        if all.count > convictionsForPeople {
            Output.line("  the newest \(convictionsForPeople) of \(all.count); --json shows all")
        }
    }
}
