// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Forensics
import Ledger

/// `recount whatif`.
struct WhatIfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whatif",
        abstract: "Say what would have been decided under other rules, from the same votes.",
        discussion: """
            The ledger is run again twice: under its own rules, which must give every
            stored event and state root (the control), and under others from its first
            batch on. What differs is told: decisions with their margins, leaders,
            reputations. Of each decision it says after which entry nobody could change it
            any more, and how few validators would have turned it by voting otherwise.

              recount whatif home --threshold 8
              recount whatif home --without validator-3 --without validator-7
              recount whatif home --timeout 20 --decay 20
              recount whatif home --weights 0.5,0.5 --penalty missed=-10 --json

            Several options are one hypothesis. Nothing else can be assumed otherwise:
            votes and requests are those of the log, cast under its own rules. Nothing is
            written.

            JSON: ledger, entries, height, assumed, control, outcomes, flip_count, flips,
            by_votes_to_flip, nearest, batches, proposers_moved, leaders_moved, validators,
            not_taken, limits. Of flips and nearest there are 10,000 at most.

            Exit codes: 0 every request ends the same; 1 some end otherwise; 2 that cannot
            be judged: the control fails, there is no such validator or no ledger.
            """)

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Option(help: "How many approvals approve.")
    var threshold: UInt32?

    @Option(
        help: ArgumentHelp("A validator that never was; may be repeated.", valueName: "name"))
    var without: [String] = []

    @Option(help: ArgumentHelp("How long a round is open.", valueName: "seconds"))
    var timeout: String?

    @Option(
        help: ArgumentHelp(
            "Ten-thousandths of a reputation that each day takes; 10 is every ledger's own.",
            valueName: "parts"))
    var decay: UInt64?

    @Option(
        help: ArgumentHelp(
            "The weights of stake and reputation for leaders; both come to 1.",
            valueName: "stake,reputation"))
    var weights: String?

    @Option(
        help: ArgumentHelp(
            "Points that a cause brings: correct, bonus, incorrect, missed or equivocation; may be"
                + " repeated.", valueName: "cause=points"))
    var penalty: [String] = []

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let hypothesis = try hypothesis()
        let log = try openLedger(ledger)
        let answer: WhatIf
        do throws(WhatIfError) { answer = try WhatIf.run(hypothesis, in: log) } catch {
            throw Failure("\(ledger): \(error)\(Nearest.suggestion(without, in: log))")
        }
        if json { try Output.json(answer) } else { WhatIfText(answer: answer).print() }
        Output.flush()
        if answer.flipCount > 0 { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private func hypothesis() throws(Failure) -> Hypothesis {
        var hypothesis = Hypothesis()
        hypothesis.threshold = threshold
        hypothesis.absent = without
        do throws(HypothesisError) {
            if let timeout { try hypothesis.set(timeout: timeout) }
            if let decay { try hypothesis.set(decay: decay) }
            if let weights { try hypothesis.set(weights: weights) }
            for text in penalty { try hypothesis.set(penalty: text) }
        } catch { throw Failure("--\(error)") }
        guard
            threshold != nil || !without.isEmpty || timeout != nil || decay != nil
                || weights != nil || !penalty.isEmpty
        else {
            throw Failure(
                "nothing is assumed otherwise: give --threshold, --without, --timeout, --decay,"
                    + " --weights or --penalty; nothing else can be")
        }
        return hypothesis
    }
}

/// What would have been, as people read it.
private struct WhatIfText {
    private static let shown = 20

    let answer: WhatIf

    func print() {
        let words = answer.assumed.isEmpty ? ["as the ledger has it"] : answer.assumed
        Output.line(Output.strong("What if \(words.joined(separator: "; "))"))
        Output.line(
            "  control: run by its own rules it is the stored ledger,"
                + " \(Text.count(answer.control.stateRoots, "state root")) and"
                + " \(Text.count(answer.control.derivedEvents, "derived event")) alike")
        printOutcomes()
        printFlips()
        printNearness()
        printValidators()
        printNotTaken()
        Output.line()
        for limit in answer.limits { Output.note(limit) }
    }

    private func printOutcomes() {
        let (own, other) = (answer.outcomes.own, answer.outcomes.assumed)
        Output.line()
        var table = Table(("requests", .left), ("own", .right), ("assumed", .right))
        for (name, mine, theirs) in [
            ("approved", own.approved, other.approved), ("rejected", own.rejected, other.rejected),
            ("timedOut", own.timedOut, other.timedOut), ("open", own.open, other.open),
            ("refused", own.refused, other.refused),
        ] where mine + theirs > 0 {
            table.add(name, Text.grouped(mine), Text.grouped(theirs))
        }
        table.print()
    }

    private func printFlips() {
        Output.line()
        guard answer.flipCount > 0 else {
            return Output.line(Output.strong("No request ends otherwise."))
        }
        Output.line(
            Output.strong(
                Text.count(answer.flipCount, "request ends", "requests end") + " otherwise"))
        var table = Table(
            ("entry", .right), ("request", .left), ("own", .left), ("margin", .right),
            ("assumed", .left), ("margin", .right))
        for pair in answer.flips.prefix(Self.shown) {
            table.add(styled: [
                ("\(pair.entry)", .plain), (Text.short(pair.request), .plain),
                Self.outcome(pair.own), (Self.margin(pair.own), .plain),
                Self.outcome(pair.assumed), (Self.margin(pair.assumed), .plain),
            ])
        }
        table.print()
        if answer.flipCount > Self.shown {
            Output.line("  the first \(Self.shown) are shown; --json has more")
        }
    }

    private static func outcome(_ decision: RunDecision) -> (String, Style) {
        ("\(decision.outcome) (\(decision.reason))", .of(outcome: decision.outcome))
    }

    private static func margin(_ decision: RunDecision) -> String {
        guard decision.outcome != "refused" else { return "" }
        return decision.margin < 0 ? "\(decision.margin)" : "+\(decision.margin)"
    }

    private func printNearness() {
        guard !answer.byVotesToFlip.isEmpty else { return }
        Output.line()
        Output.line(Output.strong("How few votes would have turned a decision"))
        var counts = Table(("votes", .right), ("own", .right), ("assumed", .right))
        for row in answer.byVotesToFlip {
            counts.add("\(row.votes)", Text.grouped(row.own), Text.grouped(row.assumed))
        }
        counts.print()
        Output.line("  the nearest, under the ledger's own rules:")
        var table = Table(
            ("entry", .right), ("request", .left), ("outcome", .left), ("margin", .right),
            ("settled after entry", .right), ("votes", .right))
        for pair in answer.nearest.prefix(Self.shown / 2) {
            table.add(styled: [
                ("\(pair.entry)", .plain), (Text.short(pair.request), .plain),
                Self.outcome(pair.own), (Self.margin(pair.own), .plain),
                (pair.own.inevitable.map { "\($0)" } ?? "", .plain),
                (pair.own.votesToFlip.map { "\($0)" } ?? "", .plain),
            ])
        }
        table.print()
    }

    private func printValidators() {
        Output.line()
        Output.line(Output.strong("Reputations and leaders"))
        var table = Table(fitting: [
            ("validator", .left, .kept), ("reputation", .right, .kept), ("assumed", .right, .kept),
            ("change", .right, .dropped(1)), ("proposed", .right, .kept),
            ("assumed", .right, .kept),
            ("led", .right, .dropped(2)), ("assumed", .right, .dropped(2)),
        ])
        for row in answer.validators {
            let (own, other) = (row.reputation.own ?? 0, row.reputation.assumed)
            let change = other.map { Text.change(Int64($0) - Int64(own)) }
            table.add([
                row.name, Text.points(own), other.map { Text.points($0) } ?? "never was",
                change ?? "", Text.grouped(row.proposed.own), Text.grouped(row.proposed.assumed),
                Text.grouped(row.led.own), Text.grouped(row.led.assumed),
            ])
        }
        table.print()
        Output.line(
            "  another proposer: \(Text.grouped(answer.proposersMoved)) of"
                + " \(Text.count(answer.batches, "batch", "batches")); another first in rank:"
                + " \(Text.count(answer.leadersMoved, "request"))")
    }

    private func printNotTaken() {
        guard !answer.notTaken.isEmpty else { return }
        Output.line()
        Output.line(Output.strong("Entries of the log that the other rules do not take"))
        var table = Table(("entry", .left), ("because", .left), ("count", .right))
        for row in answer.notTaken { table.add(row.entry, row.reason, Text.grouped(row.count)) }
        table.print()
    }
}
