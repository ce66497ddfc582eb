// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Forensics
import Ledger
import Node

/// `recount disagreements`.
struct DisagreementsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disagreements",
        abstract: "List who voted otherwise than the rest, and who does so together.",
        discussion: """
            Of each round or job in which not all said the same: who was on which side,
            why, and what each had announced to run. Grouped, it counts votes that were
            against the rest: something else than most of those who voted said.

              recount disagreements home
              recount disagreements home --validator validator-8 --since 2026-01-01
              recount disagreements home --by version
              recount disagreements home --by reason --circuit withdraw
              recount disagreements home --by pair --json

            Groups: validator, pair, reason, circuit, version, day. --validator, --reason
            and --version keep the disagreements in which such a vote was against the rest;
            --circuit, --since and --until choose the rounds that are counted at all.

            Of pairs it tells who votes alike against the rest more often than chance
            explains, with how seldom chance would (exactly, by Fisher's test), corrected
            for the number of pairs; and what that does not show.

            JSON: ledger, rounds, disagreements, list (10,000 at most, the newest), by,
            groups, pairs, pairs_judged, limits.

            Exit codes: 0 nobody disagreed, or no pair was found; 1 somebody did, or a pair
            was; 2 nothing is called so, or the log cannot be read.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Option(help: "By what to group.")
    var by: DisagreementGrouping?

    @Option(help: "Only those in which this validator was against the rest: a name or a number.")
    var validator: String?

    @Option(help: "Only those in which a vote for this reason was.")
    var reason: String?

    @Option(help: "Only those in which one who ran this version was.")
    var version: String?

    @Option(help: "Only rounds under this circuit.")
    var circuit: String?

    @Option(help: ArgumentHelp("Only rounds closed then or later.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Only rounds closed then or before.", valueName: "time"))
    var until: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @OptionGroup var format: CSVOption

    mutating func run() throws {
        let writer = format.csv ? try RowWriter(json: json, format, columns) : nil
        let filter = try filter()
        let log = try openLedger(ledger)
        let answer: Disagreements
        do throws(DisagreementError) {
            answer = try Disagreements.of(log, filter, by: by)
        } catch {
            let near = Nearest.suggestion([validator, circuit].compactMap(\.self), in: log)
            throw Failure("\(ledger): \(error)\(near)")
        }
        if let writer {
            try write(answer, writer)
        } else if json {
            try Output.json(answer)
        } else {
            DisagreementText(answer: answer).print()
        }
        Output.flush()
        if answer.isFound { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private var columns: [String] {
        switch by {
        case nil:
            ["entry", "matter", "about", "id", "time", "circuit", "outcome", "most_said", "sides"]
        case .pair:
            [
                "validators", "rounds", "first_against", "second_against", "together",
                "expected_thousandths", "one_in", "one_in_of_all", "is_found",
            ]
        default: ["name", "rounds", "disagreements", "votes", "against"]
        }
    }

    private func write(_ answer: Disagreements, _ writer: RowWriter) throws(Failure) {
        switch by {
        case nil: for row in answer.list { try writer.add(row) }
        case .pair: for row in answer.pairs { try writer.add(row) }
        default: for row in answer.groups { try writer.add(row) }
        }
    }

    private func filter() throws(Failure) -> DisagreementFilter {
        var filter = DisagreementFilter()
        filter.validator = validator
        filter.version = version
        filter.circuit = circuit
        if let reason {
            guard let known = VoteReason(jsonName: reason) else {
                let names = VoteReason.allCases.map(\.jsonName).joined(separator: ", ")
                let near = Spelling.suggestion(
                    for: reason, among: VoteReason.allCases.map(\.jsonName))
                throw Failure("--reason \(reason): name one of \(names)\(near)")
            }
            filter.reason = known
        }
        filter.since = try Self.time(since, "--since")
        filter.until = try Self.time(until, "--until")
        if let since = filter.since, let until = filter.until, until < since {
            throw Failure("--until \(UTC.text(until)) is before --since \(UTC.text(since))")
        }
        return filter
    }

    private static func time(_ text: String?, _ option: String) throws(Failure) -> Time? {
        guard let text else { return nil }
        guard let time = UTC.time(text) else {
            throw Failure(
                "\(option) \(text): write a UTC time as 2026-01-01 or 2026-01-01T00:00:00Z")
        }
        return time
    }
}

extension DisagreementGrouping: ExpressibleByArgument {}

/// Disagreements as people read them.
private struct DisagreementText {
    private static let shown = 20

    let answer: Disagreements

    func print() {
        Output.line(
            Output.strong(
                "\(Text.count(answer.disagreements, "disagreement")) in"
                    + " \(Text.count(answer.rounds, "round or job", "rounds and jobs"))"))
        switch answer.by {
        case nil: printList()
        case .pair: printPairs()
        default: printGroups()
        }
        Output.line()
        for limit in answer.limits { Output.note(limit) }
    }

    private func printList() {
        for item in answer.list.suffix(Self.shown) {
            Output.line()
            let circuit = item.circuit.map { ", circuit \($0)" } ?? ""
            Output.line(
                ("  \(item.matter) \(Text.short(item.id)) at entry \(item.about), closed"
                    + " \(Text.time(item.time))\(circuit): \(item.outcome)").visible)
            for side in item.sides { printSide(side) }
        }
        if answer.disagreements > UInt64(min(answer.list.count, Self.shown)) {
            Output.line()
            Output.line("  the newest \(Self.shown) are shown; --json has more")
        }
    }

    private func printSide(_ side: Disagreement.SideView) {
        let voters = side.validators.enumerated().map { place, name in
            let known = [
                side.reasons.indices.contains(place) ? side.reasons[place] : nil,
                side.versions[place],
            ].compactMap { $0 }
            return (known.isEmpty ? name : "\(name) (\(known.joined(separator: ", ")))").visible
        }
        let head = "    \(side.said): ".visible
        let lines = Text.wrapped(
            Text.listed(voters), columns: min(Output.columns, 100) - head.count)
        for (place, line) in lines.enumerated() {
            Output.line((place == 0 ? head : String(repeating: " ", count: head.count)) + line)
        }
    }

    private func printGroups() {
        guard let by = answer.by, !answer.groups.isEmpty else { return }
        Output.line()
        var table = Table(fitting: [
            (by.rawValue, .left, .kept), ("rounds", .right, .kept),
            ("disagreements", .right, .kept), ("votes", .right, .dropped(1)),
            ("against the rest", .right, .kept),
        ])
        for group in answer.groups {
            table.add([
                group.name, Text.grouped(group.rounds), Text.grouped(group.disagreements),
                Text.grouped(group.votes), Text.grouped(group.against),
            ])
        }
        table.print()
    }

    private func printPairs() {
        Output.line()
        guard !answer.pairs.isEmpty else {
            return Output.line(
                "  no two were together against the rest often enough to be told"
                    + " (\(Text.count(answer.pairsJudged, "pair")) judged)")
        }
        var table = Table(fitting: [
            ("first", .left, .kept), ("second", .left, .kept), ("rounds", .right, .dropped(1)),
            ("against", .right, .kept), ("against", .right, .kept), ("together", .right, .kept),
            ("by chance", .right, .kept), ("1 in", .right, .dropped(2)),
            ("of all 1 in", .right, .kept),
        ])
        for pair in answer.pairs.prefix(Self.shown) {
            let expected = pair.expectedThousandths
            table.add(styled: [
                (pair.validators[0], .plain), (pair.validators[1], .plain),
                (Text.grouped(pair.rounds), .plain), (Text.grouped(pair.firstAgainst), .plain),
                (Text.grouped(pair.secondAgainst), .plain), (Text.grouped(pair.together), .plain),
                (Text.points(expected), .plain), (Self.odds(pair.oneIn), .plain),
                (
                    Self.odds(pair.oneInOfAll) + (pair.isFound ? " !" : ""),
                    pair.isFound ? .warning : .plain
                ),
            ])
        }
        table.print()
        Output.line(
            "  \(Text.count(answer.pairsJudged, "pair")) judged; ! is more often than chance"
                + " explains")
    }

    private static func odds(_ oneIn: UInt64) -> String {
        oneIn == .max ? "over 10^19" : Text.grouped(oneIn)
    }
}
