// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Forensics
import Ledger

/// `recount bisect`.
struct BisectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bisect",
        abstract: "Find the command in a batch from which derivation or state differs.",
        discussion: """
            Against another ledger: both trees lead to the batch, and nothing is folded.
            Against the rules: every batch from the newest snapshot on is derived again, up
            to the last, or to --height; the answer says from which entry on. recount audit
            derives everything.

              recount bisect home-1 --against home-2
              recount bisect home-1 --against rules
              recount bisect home-1 --against rules --height 40 --json

            It tells the command, the first entry that differs on either side, all
            components whose roots differ after the batch, and each key of the state that
            was written otherwise, with both values and every entry that wrote it.

            Exit codes: 0 nothing differs; 1 something differs; 2 that cannot be judged: a
            ledger cannot be read, has no entries, or is another ledger.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Option(
        help: ArgumentHelp(
            "The word rules, or another ledger, home or folder of tiles.", valueName: "other"),
        completion: .directory)
    var against: String

    @Option(
        help: ArgumentHelp("Against the rules: the batch up to which to look.", valueName: "n"))
    var height: UInt64?

    @Flag(help: "Print one JSON object.")
    var json = false

    /// What stands for the rules.
    private static let rules = "rules"

    mutating func validate() throws {
        if height != nil, against != Self.rules {
            throw ValidationError("--height is for --against rules: two ledgers lead to the batch")
        }
    }

    mutating func run() throws {
        let result: Bisection
        do throws(BisectError) {
            result =
                against == Self.rules
                ? try Bisection.againstRules((Place.node(ledger), ledger), height: height)
                : try Bisection.between(
                    (Place.node(ledger), ledger), (Place.node(against), against))
        } catch {
            throw Failure("\(error)")
        }
        if json { try Output.json(result) } else { BisectText(result: result).print() }
        Output.flush()
        switch result.verdict {
        case .same: return
        case .different: throw ExitCode(ExitStatus.wrong.rawValue)
        case .unjudged: throw ExitCode(ExitStatus.unusable.rawValue)
        }
    }
}

/// A bisection as people read it.
private struct BisectText {
    private static let keysShown = 20
    private static var columns: Int { min(Output.columns, 100) - 2 }

    let result: Bisection

    func print() {
        Output.line(Output.strong("\(result.first) against \(result.second)".visible))
        let words = result.sentence.visible.split(separator: " ").map(String.init)
        for line in Text.wrapped(words, columns: Self.columns) { Output.line("  \(line)") }
        if let command = result.command { print(command) }
        if !result.components.isEmpty {
            Output.line()
            Output.line(
                "  components that differ after the batch: "
                    + result.components.map(\.component).joined(separator: ", "))
        }
        printKeys()
    }

    private func print(_ command: HistoryComparison.EntryView) {
        guard case .record(let fields) = command.fields else { return }
        Output.line()
        Output.line("  the command: \(command.event), entry \(command.entry)".visible)
        var list = Listing()
        for field in fields { list.add(field.name, Output.cut(field.value.text())) }
        list.print()
    }

    private func printKeys() {
        guard !result.keys.isEmpty else { return }
        Output.line()
        var table = Table(
            ("component", .left), ("key", .left), ("first", .left), ("second", .left),
            ("written by", .left))
        for key in result.keys.prefix(Self.keysShown) {
            let writers = Set(key.firstEntries + key.secondEntries).sorted()
            table.add(
                key.component, key.key.visible, (key.first ?? "nothing").visible,
                (key.second ?? "nothing").visible,
                writers.map { "\($0)" }.joined(separator: " "))
        }
        table.print()
        if result.keyCount > Self.keysShown {
            Output.line(
                "  the first \(Self.keysShown) of \(result.keyCount) keys; --json has more")
        }
    }
}
