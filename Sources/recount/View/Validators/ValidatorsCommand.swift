// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Ledger
package import Projections

/// `recount validators`.
struct ValidatorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validators",
        abstract: "List validators: who voted, missed, contradicted the outcome.",
        discussion: """
            Of each validator: in how many closed rounds it was asked, how it voted there,
            how many votes are missing, how many the outcome proved wrong
            ("contradicted"), how many pairs of its messages convict it, and how many
            requests it leads. --from and --to choose the requests that count.

              recount validators home
              recount validators home --by-round
              recount validators home --by-round --limit 100 --json
              recount validators --node http://127.0.0.1:5100

            With --by-round each of the newest rounds is a row, 20 unless --limit says
            otherwise, and each validator a column, whose name stands above: a approve,
            r reject, o abstain, . missed, ? not yet, - cut short by another request that
            spent the nullifier; a capital where the outcome proved the vote wrong; ! where
            two votes of it convict it; blank where it was not asked.
            """)

    @OptionGroup var place: LedgerOrNode

    @Flag(help: "Show what each validator did in each of the newest rounds.")
    var byRound = false

    @Option(
        help: ArgumentHelp("With --by-round, so many rounds; 0 for all.", valueName: "count"))
    var limit: UInt64?

    @OptionGroup var range: RangeOptions

    @Flag(help: "Print JSON Lines: a validator, or with --by-round a round, on each.")
    var json = false

    @OptionGroup var format: CSVOption

    func validate() throws {
        try place.check()
        if limit != nil, !byRound { throw ValidationError("--limit goes with --by-round") }
    }

    mutating func run() throws {
        if byRound { return try showRounds() }
        let writer = try RowWriter(json: json, format, Self.columns)
        let rows = try rows()
        guard let writer else { return show(rows) }
        for row in rows { try writer.add(row) }
    }

    private static let columns = [
        "validator", "name", "key", "stake", "reputation", "is_member", "asked", "approved",
        "rejected", "abstained", "missed", "cut_short", "contradicted", "convicted", "leads",
    ]

    private func rows() throws(Failure) -> [ValidatorView] {
        switch try place.source() {
        case .node(let node):
            return try node.value(
                ValidatorsAnswer.self, ["validators"],
                [("from", range.fromText), ("to", range.toText)]
            ).validators
        case .ledger(let path):
            return try OpenedViews(path).ask { [range] views throws(ViewError) in
                try views.validators(
                    try range.range(views) ?? EntryRange(from: .max, to: 0))
            } ?? []
        }
    }

    private func show(_ rows: [ValidatorView]) {
        guard !rows.isEmpty else { return Output.line("There are no validators yet.") }
        var table = Table(fitting: [
            ("no.", .right, .kept), ("name", .left, .name(0)), ("key", .left, .idDropped(7)),
            ("stake", .right, .dropped(4)), ("reputation", .right, .dropped(2)),
            ("member", .left, .dropped(6)), ("asked", .right, .dropped(3)),
            ("approve", .right, .kept), ("reject", .right, .kept), ("abstain", .right, .kept),
            ("missed", .right, .kept), ("contradicted", .right, .kept),
            ("convicted", .right, .kept), ("leads", .right, .dropped(5)),
        ])
        for row in rows {
            table.add(styled: [
                ("\(row.validator)", .plain), (row.name, .plain),
                (Text.short(row.key), .plain), ("\(row.stake)", .plain),
                (Text.points(row.reputation), .plain), (row.isMember ? "yes" : "left", .plain),
                ("\(row.asked)", .plain),
                ("\(row.approved)", .plain), ("\(row.rejected)", .plain),
                ("\(row.abstained)", .plain), Self.marked(row.missed, .warning),
                Self.marked(row.contradicted, .bad), Self.marked(row.convicted, .bad),
                ("\(row.leads)", .plain),
            ])
        }
        table.print()
        if rows.allSatisfy({ $0.asked == 0 }) {
            Output.line("No round is closed yet\(range.isGiven ? " in this range" : "").")
        }
    }

    private static func marked(_ count: UInt64, _ style: Style) -> (String, Style) {
        ("\(count)", count > 0 ? style : .plain)
    }

    private func rounds(newest wanted: UInt64) throws(Failure) -> [RoundView] {
        switch try place.source() {
        case .node(let node):
            return try node.rows(
                RoundsPage.self, ["rounds"], [], range, newest: wanted, isCounted: false
            ).rows
        case .ledger(let path):
            return try OpenedViews(path).ask { [range] views throws(ViewError) -> [RoundView] in
                guard let range = try range.range(views) else { return [] }
                return try views.rounds(range, newest: wanted == 0 ? .max : wanted)
            } ?? []
        }
    }

    private func showRounds() throws {
        let writer = try RowWriter(json: json, format, RoundView.columns)
        let rounds = try rounds(newest: limit ?? (writer == nil ? 20 : 0))
        if let writer {
            for round in rounds { try writer.add(round) }
            return
        }
        guard !rounds.isEmpty else {
            return Output.line("There are no rounds \(range.isGiven ? "in this range" : "yet").")
        }
        for line in RoundMatrix(rounds).lines(columns: Output.columns) { Output.line(line) }
    }
}

extension RoundView {
    /// The members that are printed with `--csv`.
    fileprivate static let columns = [
        "request", "request_id", "outcome", "is_open", "close_cause", "answers",
    ]
}

extension RangeOptions {
    /// Whether there is a bound.
    var isGiven: Bool { from != nil || to != nil }
}

/// Rounds as rows and validators as columns, a letter for each answer.
package struct RoundMatrix {
    private let rounds: [RoundView]
    private let validators: [UInt64]
    private let names: [UInt64: String]

    /// Takes rounds, the newest last.
    package init(_ rounds: [RoundView]) {
        self.rounds = rounds
        validators = Set(rounds.flatMap { $0.answers.map(\.validator) }).sorted()
        var names: [UInt64: String] = [:]
        for answer in rounds.flatMap(\.answers) { names[answer.validator] = answer.name }
        self.names = names
    }

    /// The letter of an answer.
    package static func letter(_ answer: AnswerView) -> String {
        let letter =
            switch answer.answer {
            case "approve": "a"
            case "reject": "r"
            case "abstain": "o"
            case "waiting": "?"
            case "cutShort": "-"
            default: "."
            }
        return (answer.isContradicted ? letter.uppercased() : letter)
            + (answer.isConvicted ? "!" : "")
    }

    /// The lines, none longer than `columns`; validators that do not fit are counted below.
    package func lines(columns: Int) -> [String] {
        let entryWidth = max(7, rounds.map { "\($0.request)".count }.max() ?? 0)
        let outcomeWidth = 8
        // Two spaces, entry, space, twelve digits, space, outcome, space.
        let withID = columns >= 60
        let head = 2 + entryWidth + 1 + (withID ? 13 : 0) + outcomeWidth
        let hasMarks = rounds.contains { $0.answers.contains(where: \.isConvicted) }
        let width = max(2 + (hasMarks ? 1 : 0), ("\(validators.last ?? 0)".count) + 1)
        let room = columns == .max ? validators.count : max(1, (columns - head) / width)
        let shown = validators.prefix(room)
        let called = shown.map { number in "\(number) \((names[number] ?? "").visible)" }
        var lines = Text.wrapped(
            ["validators:"] + Text.listed(called), columns: columns == .max ? .max : columns - 2
        ).map { "  " + $0 }
        func left(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        /// A letter is put right but for the place of the mark behind it.
        func cell(_ text: String) -> String {
            hasMarks ? right(left(text, 2), width) : right(text, width)
        }
        let title =
            "  " + right("request", entryWidth) + " " + (withID ? left("id", 13) : "")
            + left("outcome", outcomeWidth)
        lines.append(
            title + shown.map { hasMarks ? right("\($0) ", width) : right("\($0)", width) }.joined()
        )
        for round in rounds {
            var answers: [UInt64: String] = [:]
            for answer in round.answers { answers[answer.validator] = Self.letter(answer) }
            var line =
                "  " + right("\(round.request)", entryWidth) + " "
                + (withID ? left(String(round.requestID.prefix(12)).visible, 13) : "")
                + left(round.outcome.visible, outcomeWidth)
            line += shown.map { cell(answers[$0] ?? "") }.joined()
            lines.append(line)
        }
        lines = lines.map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return line
        }
        if shown.count < validators.count, let last = shown.last {
            lines.append(
                "  validators after \(last) are left out, since the terminal is narrow:"
                    + " \(validators.count - shown.count) more")
        }
        lines.append("  a approve  r reject  o abstain  . missed  ? not yet  - cut short")
        lines.append("  A, R: the outcome proved the vote wrong; !: two votes convict it")
        return lines.map { String($0.prefix(columns)) }
    }
}
