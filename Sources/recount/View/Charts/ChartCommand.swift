// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import EventLog
import Foundation
import Ledger
import Projections

/// `recount chart`.
struct ChartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chart",
        abstract: "Draw reputations or leader shares, in the terminal or as SVG.",
        subcommands: [ChartReputationCommand.self, ChartLeadersCommand.self])
}

/// How a chart is drawn and where it goes.
struct DrawingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write an SVG file instead; - is standard output.", valueName: "file"),
        completion: .file(extensions: ["svg"]))
    var svg: String?

    @OptionGroup var replacing: ForceOption

    @Option(help: "Columns of the drawing; those of the terminal unless told.")
    var columns: Int?

    @Option(help: "Lines of the drawing between its axes; 16 unless told.")
    var rows: Int?

    @Flag(help: "Draw with ASCII characters alone, also where the locale is UTF-8.")
    var ascii = false

    func validate() throws {
        if let columns, !(40...1000).contains(columns) {
            throw ValidationError("--columns is from 40 to 1000")
        }
        if let rows, !(4...200).contains(rows) {
            throw ValidationError("--rows is from 4 to 200")
        }
        if svg != nil, columns != nil || rows != nil || ascii {
            throw ValidationError("--columns, --rows and --ascii are of drawings in the terminal")
        }
    }

    /// Throws where a drawing is asked for and would not be made.
    func check(json: Bool) throws {
        guard json, svg != nil || rows != nil || ascii else { return }
        throw ValidationError("--json and --csv draw nothing: leave out --svg, --rows and --ascii")
    }

    /// How many values a line should have.
    var samples: Int {
        svg != nil ? 600 : TerminalChart.samples(columns: width, isUnicode: isUnicode)
    }

    private var width: Int { columns ?? (Output.isTerminal ? Output.columns : 80) }

    private var isUnicode: Bool { Output.isUnicode && !ascii }

    /// Draws on standard output, or writes the file and says so.
    func draw(terminal: (TerminalChart) -> [String], svg: () -> String) throws(Failure) {
        guard let file = self.svg else {
            let chart = TerminalChart(columns: width, rows: rows ?? 16, isUnicode: isUnicode) {
                style, text in style.applied(to: text)
            }
            for line in terminal(chart) { Output.line(line) }
            return
        }
        let text = svg()
        try OutputFile.write(Array("\(text)\n".utf8), to: file, force: replacing.force)
        if file != "-" { Output.line("\(file) is written.".visible) }
    }
}

/// `recount chart reputation`.
struct ChartReputationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reputation",
        abstract: "Draw the reputation of validators over time.",
        discussion: """
            Validators are named by their numbers, their names or the first digits of their
            keys; all unless told, but of more than twelve the six highest and the six
            lowest. Each line has the number of its validator where it ends, and below the
            drawing stands whose number it is.

              recount chart reputation home
              recount chart reputation home 0 validator-9 validator-10 --by entry
              recount chart reputation home --svg reputation.svg

            --by entry gives every entry the same room, which shows more where long quiet
            times lie between busy ones. --json prints the values that are drawn.
            """)

    @OptionGroup var place: LedgerArgument

    @Argument(
        help: "Numbers or names of validators, or the first digits of their keys.",
        completion: Completions.validators)
    var validators: [String] = []

    @Option(
        help: "What goes to the right: time or entry.",
        completion: .list(SampleAxis.allCases.map(\.rawValue)))
    var by: SampleAxis = .time

    @OptionGroup var drawing: DrawingOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    private static let validatorsMax = 12

    private struct Result: Encodable {
        var by: String
        var validators: [ReputationSeries]
    }

    func validate() throws { try drawing.check(json: json || format.csv) }

    /// A moment of a validator in a table.
    private struct PointRow: Encodable {
        static let columns = ["validator", "name", "entry", "time", "reputation"]

        let validator: UInt64
        let name: String?
        let entry: UInt64
        let time: UInt64
        let reputation: UInt64?
    }

    mutating func run() throws {
        let writer = format.csv ? try RowWriter(json: json, format, PointRow.columns) : nil
        let opened = try OpenedViews(place.ledger)
        var chosen: [UInt64] = []
        for name in validators {
            let number = try opened.find("validator", name, hint: ShowValidatorCommand.hint) {
                views throws(ViewError) in try views.validator(called: name)
            }
            if !chosen.contains(number) { chosen.append(number) }
        }
        let parties = try opened.ask { views throws(ViewError) in try views.parties() } ?? []
        if validators.isEmpty {
            chosen = Self.choice(
                parties, json || format.csv ? .max : Self.validatorsMax)
        }
        let samples = drawing.samples
        let series =
            try opened.ask { [by] views throws(ViewError) in
                try views.reputationSeries(chosen, by, count: samples)
            } ?? []
        if let writer {
            for one in series {
                for point in one.points {
                    try writer.add(
                        PointRow(
                            validator: one.validator, name: one.name, entry: point.entry,
                            time: point.time, reputation: point.reputation))
                }
            }
            return
        }
        if json { return try Output.json(Result(by: by.rawValue, validators: series)) }
        guard let moments = series.first?.points, moments.count > 1 else {
            return Output.line("There are no reputations to draw yet.")
        }
        let axis = Self.axis(moments, by)
        let chart = LineChart(
            title: "Reputation of " + Self.names(chosen, of: parties),
            vertical: "reputation (points)", horizontal: axis.title, name: "validator",
            marks: axis.marks,
            series: series.map { series in
                ChartSeries(
                    label: "\(series.validator)", name: series.name,
                    values: series.points.map { point in
                        point.reputation.map { Double($0) / 1000 }
                    })
            })
        try drawing.draw(terminal: { $0.lines(of: chart) }, svg: { SVGChart.text(of: chart) })
        if validators.isEmpty, chosen.count < parties.count, drawing.svg != "-" {
            Output.line(
                "  drawn: the highest and the lowest \(chosen.count / 2) of \(parties.count);"
                    + " name validators to see others")
        }
    }

    private static func choice(_ parties: [ValidatorView], _ most: Int) -> [UInt64] {
        guard parties.count > most else { return parties.map(\.validator) }
        let sorted = parties.sorted {
            ($0.reputation, $0.validator) < ($1.reputation, $1.validator)
        }
        return (sorted.prefix(most / 2) + sorted.suffix(most / 2)).map(\.validator).sorted()
    }

    private static func names(_ chosen: [UInt64], of parties: [ValidatorView]) -> String {
        switch chosen.count {
        case 1:
            Text.validator(chosen[0], parties.first { $0.validator == chosen[0] }?.name)
        case parties.count: "all \(parties.count) validators"
        default: "\(chosen.count) of \(parties.count) validators"
        }
    }

    /// The title of the axis and its marks: the first, the middle and the last moment.
    private static func axis(
        _ moments: [ReputationSeries.Point], _ axis: SampleAxis
    ) -> (title: String, marks: [String]) {
        let chosen = [0, (moments.count - 1) / 2, moments.count - 1].map { moments[$0] }
        guard axis == .time else {
            return ("entry of the log", chosen.map { Text.grouped($0.entry) })
        }
        let texts = chosen.map { Text.exactTime($0.time) }
        let span = chosen[2].time - min(chosen[0].time, chosen[2].time)
        let days = Set(texts.map { $0.prefix(10) })
        guard days.count == 1, let day = days.first else {
            // Over ten days the day is enough, over less the minute.
            let isLong = span >= 10 * 86_400_000
            return (
                "time of the batch (UTC)",
                texts.map { isLong ? String($0.prefix(10)) : $0.prefix(16) + "Z" }
            )
        }
        return (
            "time of the batch on \(day) (UTC)",
            texts.map { $0.dropFirst(11).dropLast(span < 10_000 ? 1 : 5) + "" }
        )
    }
}

/// `recount chart leaders`.
struct ChartLeadersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leaders",
        abstract: "Draw how often each validator led, and what its weight predicts.",
        discussion: """
            A bar is the share of the requests that a validator leads, or with --batches of
            the batches that it proposed as the first in rank; the mark is the share that
            the rule predicts from stakes and reputations at the time.

              recount chart leaders home
              recount chart leaders home --batches --svg leaders.svg
            """)

    @OptionGroup var place: LedgerArgument

    @Flag(help: "Draw the proposers of batches, not the leaders of requests.")
    var batches = false

    @OptionGroup var range: RangeOptions

    @OptionGroup var drawing: DrawingOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    func validate() throws { try drawing.check(json: json || format.csv) }

    mutating func run() throws {
        let opened = try OpenedViews(place.ledger)
        let writer =
            format.csv
            ? try RowWriter(
                json: json, format,
                [
                    "validator", "name", "candidate", "led", "share", "weight_share",
                    "predicted_share", "deviation",
                ]) : nil
        let kind: LeadingKind = batches ? .batches : .requests
        let shares =
            try opened.ask { [range] views throws(ViewError) in
                let range = try range.range(views) ?? EntryRange(from: .max, to: 0)
                return try LeaderShares.read(kind, range, views)
            } ?? LeaderShares(kind)
        if let writer {
            for share in shares.validators { try writer.add(share) }
            return
        }
        if json { return try Output.json(shares) }
        guard shares.count > 0 else {
            return Output.line("Nothing was led \(range.isGiven ? "in this range" : "yet").")
        }
        let word = batches ? "batches proposed" : "requests led"
        let chart = BarChart(
            title: "Share of \(Text.grouped(shares.count)) \(word)",
            horizontal: "share of all \(word) (%)",
            expectation: "what the weights predict"
                + (drawing.svg == nil ? "" : " (sd: standard deviations off)"),
            bars: shares.validators.map { row in
                let off =
                    row.deviation.map { _ in ", \(row.deviationText(of: shares.count)) sd" } ?? ""
                return ChartBar(
                    label: "\(row.validator) \(row.name ?? "")", value: row.share,
                    expected: row.predictedShare,
                    note: "\(row.led): \(Text.percent(row.share))\(off)")
            })
        try drawing.draw(terminal: { $0.lines(of: chart) }, svg: { SVGChart.text(of: chart) })
        if drawing.svg == nil {
            Output.line("  sd: how far off, in standard deviations;")
            Output.line("  \(LeaderShare.fewNote)")
        }
    }
}

extension SampleAxis: ExpressibleByArgument {}
