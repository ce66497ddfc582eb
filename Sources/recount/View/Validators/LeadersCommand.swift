// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Foundation
import Projections

/// `recount leaders`.
struct LeadersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leaders",
        abstract: "Show who led, and how often, against what the weights predict.",
        discussion: """
            A request is led by the first in rank, who settles it; a batch by its
            proposer. Of each validator: how often it led, its share, its share of the
            weights, the share that the rule predicts (the largest of hash times weight
            leads, so the heavy lead more often than their weight alone says), and how far
            off it is, in standard deviations: where five or more were to be expected,
            chance alone leaves about 1 in 20 outside -2 to +2. Batches of a later one in
            rank are not counted: they say only that the first was passed over. The last
            ten of each follow.

              recount leaders home
              recount leaders home --only requests --history 50
              recount leaders home --json
              recount leaders --node http://127.0.0.1:5100

            recount show leader says how one ranking came about; recount chart leaders
            draws the shares.
            """)

    @OptionGroup var place: LedgerOrNode

    @Option(
        help: ArgumentHelp("Only requests, or only batches.", valueName: "kind"),
        completion: .list(LeadingKind.allCases.map(\.rawValue)))
    var only: LeadingKind?

    @Option(
        help: ArgumentHelp("The newest so many of the history; 0 for all.", valueName: "count"))
    var history: UInt64 = 10

    @OptionGroup var range: RangeOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    func validate() throws {
        try place.check()
        try place.option.checkRows(history, "--history")
    }

    private func answer() throws(Failure) -> LeadersAnswer? {
        switch try place.source() {
        case .node(let node):
            return try node.value(
                LeadersAnswer.self, ["leaders"],
                [
                    ("only", only?.rawValue), ("history", "\(history)"), ("from", range.fromText),
                    ("to", range.toText),
                ])
        case .ledger(let path):
            let kinds = only.map { [$0] } ?? LeadingKind.allCases
            let newest = history == 0 ? UInt64.max : history
            return try OpenedViews(path).ask { [range] views throws(ViewError) in
                try LeadersAnswer(kinds, range.both, newest: newest, views)
            }
        }
    }

    mutating func run() throws {
        let writer = format.csv ? try RowWriter(json: json, format, ShareRow.columns) : nil
        let answer = try answer()
        if let writer {
            for part in answer?.parts ?? [] {
                for share in part.shares.validators {
                    try writer.add(ShareRow(kind: part.shares.kind, share: share))
                }
            }
            return
        }
        if json {
            guard let answer else { return try Output.json([String: String]()) }
            return try Output.json(answer)
        }
        let parts = answer?.parts ?? []
        if parts.allSatisfy({ $0.shares.count + $0.shares.passedOver == 0 }) {
            return Output.line("Nothing was led \(range.isGiven ? "in this range" : "yet").")
        }
        for (number, part) in parts.enumerated() {
            if number > 0 { Output.line() }
            Self.show(part)
        }
    }

    /// A validator's share in a table of both kinds.
    private struct ShareRow: Encodable {
        static let columns = [
            "kind", "validator", "name", "candidate", "led", "share", "weight_share",
            "predicted_share", "deviation",
        ]

        let kind: LeadingKind
        let share: LeaderShare

        private enum CodingKeys: CodingKey { case kind }

        func encode(to encoder: any Encoder) throws {
            try share.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(kind, forKey: .kind)
        }
    }

    private static func show(_ part: LeadersAnswer.Part) {
        let shares = part.shares
        let isRequests = shares.kind == .requests
        let word = isRequests ? "request" : "batch"
        let many = isRequests ? nil : "batches"
        Output.line(
            Output.strong(
                isRequests
                    ? "\(Text.count(shares.count, word)) led, to settle"
                    : "\(Text.count(shares.count, word, many)) proposed by the first in rank"))
        var table = Table(fitting: [
            ("validator", .right, .kept), ("name", .left, .name(0)), ("led", .right, .kept),
            ("share", .right, .kept),
            ("weight", .right, .dropped(1)), ("predicted", .right, .kept),
            ("deviation", .right, .kept),
        ])
        for row in shares.validators {
            let isOdd = !row.isFew(of: shares.count) && abs(row.deviation ?? 0) > 3
            table.add(styled: [
                ("\(row.validator)", .plain), (row.name ?? "", .plain), ("\(row.led)", .plain),
                (Text.percent(row.share), .plain), (Text.percent(row.weightShare), .plain),
                (Text.percent(row.predictedShare), .plain),
                (
                    row.deviationText(of: shares.count) + (isOdd ? " !" : ""),
                    isOdd ? .warning : .plain
                ),
            ])
        }
        table.print()
        if shares.validators.contains(where: { $0.isFew(of: shares.count) }) {
            Output.line("  " + LeaderShare.fewNote)
        }
        if shares.passedOver > 0 {
            Output.line(
                "  not counted: \(Text.count(shares.passedOver, word, many)) proposed by a later"
                    + " one in rank, since the first was passed over")
        }
        guard !part.history.isEmpty else { return }
        Output.line("  the last \(part.history.count), oldest first:")
        var heads: [(title: String, side: Table.Side, fit: Table.Fit)] = [
            (isRequests ? "request" : "batch", .right, .kept), ("leader", .right, .kept),
            ("name", .left, .idDropped(0)),
        ]
        if !isRequests { heads.append(("passed over", .right, .kept)) }
        var list = Table(fitting: heads)
        for led in part.history {
            let cells = [
                "\(led.request ?? led.batch ?? 0)", "\(led.leader)", led.leaderName ?? "",
            ]
            list.add(cells + (led.round.map { ["\($0)"] } ?? []))
        }
        list.print()
    }
}

extension LeadingKind: ExpressibleByArgument {}

extension LeaderShare {
    /// What the parentheses of `deviationText` mean.
    static let fewNote = "in parentheses: too few were to be expected to judge"

    /// The deviation with its sign, in parentheses where it means little; empty where there is
    /// none. `count` were led in all.
    func deviationText(of count: UInt64) -> String {
        guard let deviation else { return "" }
        let text = Text.deviation(deviation)
        return isFew(of: count) ? "(\(text))" : text
    }
}

extension Text {
    /// A validator by its number, with its name.
    static func validator(_ number: UInt64, _ name: String?) -> String {
        "validator \(number)" + (name.map { ", \($0)" } ?? "")
    }

    /// A share in per cent with one decimal.
    static func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }

    /// A number of standard deviations with its sign.
    static func deviation(_ value: Double) -> String { String(format: "%+.1f", value) }
}
