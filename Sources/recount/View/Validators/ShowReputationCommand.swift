// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Projections

/// `recount show reputation`.
struct ShowReputationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reputation",
        abstract: "Show the reputation of a validator and what changed it.",
        discussion: """
            The validator is named by its number, its name or the first digits of its key.
            The newest 20 changes are shown unless --limit says otherwise; 0 is all.

              recount show reputation home 8
              recount show reputation home c95a --limit 0 --json
              recount show reputation --node http://127.0.0.1:5100 8

            A change is about a request or job: beside its cause stand what the validator
            answered there, and what was decided. A missing answer was none in time.

            Changes where a bound left the reputation as it was are listed too. recount
            chart reputation draws it. In JSON, reputations are thousandths of a point.
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(
        help: "The number or name of the validator, or the first digits of its key.",
        completion: Completions.validators)
    var validator: String?

    @Option(help: ArgumentHelp("The newest so many changes; 0 for all.", valueName: "count"))
    var limit: UInt64 = 20

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func validate() throws {
        validator = try place.check(validator, "validator")
        try place.option.checkRows(limit, "--limit")
    }

    private func answer() throws(Failure) -> ReputationAnswer {
        let name = validator ?? ""
        switch try place.source() {
        case .node(let node):
            return try node.find(
                ReputationAnswer.self, "validator", name, hint: ShowValidatorCommand.hint,
                ["validators", name, "reputation"], [("limit", "\(limit)")])
        case .ledger(let path):
            let newest = limit == 0 ? UInt64.max : limit
            return try OpenedViews(path).find(
                "validator", name, hint: ShowValidatorCommand.hint
            ) { views throws(ViewError) in try ReputationAnswer(name, newest: newest, views) }
        }
    }

    mutating func run() throws {
        let writer =
            format.csv
            ? try RowWriter(
                json: json, format,
                [
                    "entry", "time", "cause", "about", "about_id", "answer", "outcome", "before",
                    "after",
                ]) : nil
        let result = try answer()
        if let writer {
            for change in result.changes { try writer.add(change) }
            return
        }
        if json { return try Output.json(result) }
        Output.line(Output.strong("Reputation of " + Text.validator(result.validator, result.name)))
        var list = Listing()
        list.add("key", result.key)
        list.add("reputation", "\(Text.points(result.reputation)) points")
        list.print()
        var table = Table(fitting: [
            ("entry", .right, .kept), ("time", .left, .dropped(1)), ("cause", .left, .kept),
            ("about", .left, .kept), ("id", .left, .idDropped(3)), ("answer", .left, .kept),
            ("outcome", .left, .dropped(2)), ("change", .right, .kept),
            ("points", .right, .kept),
        ])
        for change in result.changes {
            let delta = Int64(clamping: change.after) - Int64(clamping: change.before)
            let isFirst = change.cause == "joined"
            let style: Style = delta < 0 ? .bad : delta > 0 ? .good : .plain
            table.add(styled: [
                ("\(change.entry)", .plain), (Text.time(change.time), .plain),
                (change.cause, .plain), (change.about.map { "entry \($0)" } ?? "", .plain),
                (change.aboutID.map(Text.short) ?? "", .plain), (change.answer ?? "", .plain),
                (change.outcome ?? "", Style.of(outcome: change.outcome ?? "")),
                (isFirst ? "" : Text.change(delta), isFirst ? .plain : style),
                (Text.points(change.after), .plain),
            ])
        }
        table.print()
        let all = result.causes.reduce(0) { $0 + $1.count }
        if UInt64(result.changes.count) < all {
            Output.line(
                "  the newest \(result.changes.count) of \(Text.count(all, "change"));"
                    + " --limit 0 shows all")
        }
    }
}
