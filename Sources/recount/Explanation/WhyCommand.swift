// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import EventLog
import Forensics
import Ledger

/// `recount why`.
struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say in plain sentences why something is as it is, counted from the log.",
        discussion: """
            A thing is a validator (its reputation), a request, a nullifier, a job, a
            batch, the leader of a batch, or an entry. A bare number is an entry; other
            bare names are looked up as a validator, a request, a job and a nullifier.

              recount why validator-8 home
              recount why 3f9a home --graph
              recount why nullifier:77 home --json
              recount why leader:12 home --svg leader.svg
              recount why batch:12 home
              recount why entry:2044 home

            Kinds before a colon: request, validator, nullifier, leader, job, batch, entry.
            The value is counted again from the links of its chain of causes, of which none
            can be left out, and each link is read from the log. The last line is a command
            that proves it to a stranger.

            A reputation is counted from the bound that clamped it last, if one has; what
            it was before counts for nothing, and recount show reputation lists it.

            Projections that are there say where requests, nullifiers, leaders and batches
            stand, and that bound. They are believed in nothing: what is read is checked
            against what the log commits to, and where it does not come out the log is
            folded. What they could hide is what came after a round had closed, and a
            version announced; --fold asks no projections, and reads all of the log.

            JSON: thing, stated (what the log says), recounted, holds, sentences (text,
            rule, amount, entry), chain (entry, label, causes), proof.

            Exit codes: 0 recounted, and the log says the same; 1 the log says something
            else; 2 there is no such thing, or the log cannot be read.
            """)

    @Argument(
        help: "What is to be explained: kind:name, or a name.", completion: Completions.things)
    var thing: String

    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String

    @Flag(help: "Draw the chain of causes too.")
    var graph = false

    @Option(
        help: ArgumentHelp(
            "Write the chain of causes as SVG; - is standard output.", valueName: "file"),
        completion: .file(extensions: ["svg"]))
    var svg: String?

    @Flag(help: "Fold all of the log, and ask no projections where things stand in it.")
    var fold = false

    @OptionGroup var replacing: ForceOption

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func validate() throws {
        if json, graph { throw ValidationError("--json has the chain: leave out --graph") }
        if svg == "-", json || graph {
            throw ValidationError("--svg - writes to standard output, and so do --json and --graph")
        }
    }

    mutating func run() throws {
        guard let things = Thing.parse(thing) else {
            throw Failure(
                "\(thing) is no thing: name \(Thing.kinds.joined(separator: ", ")) before a colon;"
                    + " leader, batch and entry want a number")
        }
        let log = try openLedger(ledger)
        let explanation: Explanation
        do throws(WhyError) {
            explanation = try Explanation.of(
                things, in: log, path: ledger, index: fold ? nil : ProjectionsIndex(of: log))
        } catch {
            throw failure(error, log)
        }
        try show(explanation)
        Output.flush()
        if !explanation.holds { throw ExitCode(ExitStatus.wrong.rawValue) }
    }

    private func failure(_ error: WhyError, _ log: EventLog) -> Failure {
        guard case .notFound = error else { return Failure("\(thing): \(error)") }
        let names: LedgerNames?
        do throws(Failure) { names = try OpenedViews(log: log).names() } catch { names = nil }
        let word = thing.split(separator: ":", maxSplits: 1).last.map(String.init) ?? thing
        let near = Nearest.anybody(word, names)
        return Failure(
            "nothing in \(ledger) is called \(thing)\(near.isEmpty ? ";" : near) recount requests,"
                + " validators and log list what is there")
    }

    private func show(_ explanation: Explanation) throws {
        let value = explanation.recounted ?? "nothing"
        let drawing = CausalDrawing(explanation.chain, value: value)
        if let svg {
            let text = SVGChart.text(of: drawing, title: "Why \(explanation.thing)")
            try OutputFile.write(Array("\(text)\n".utf8), to: svg, force: replacing.force)
            if svg == "-" { return }
        }
        if json { return try Output.json(explanation) }
        WhyText(explanation: explanation).print()
        guard graph else { return }
        Output.line()
        for line in drawing.lines(isUnicode: Output.isUnicode) {
            Output.line("  " + Output.cut(line.visible))
        }
    }
}

/// An explanation as people read it.
private struct WhyText {
    let explanation: Explanation

    func print() {
        Output.line(Output.strong("Why \(explanation.thing)".visible))
        for (number, sentence) in explanation.sentences.enumerated() {
            let entry = sentence.entry.map { " [entry \($0)]" } ?? ""
            let rule = sentence.rule.map { " (\($0))" } ?? ""
            let words = (sentence.text + rule + entry).visible.split(separator: " ")
            let lines = Text.wrapped(
                words.map(String.init), columns: min(Output.columns, 100) - 5)
            for (place, line) in lines.enumerated() {
                let mark = place == 0 ? "\(number + 1)." : ""
                Output.line(String(repeating: " ", count: 4 - mark.count) + mark + " " + line)
            }
        }
        Output.line()
        let stated = explanation.stated ?? "nothing yet"
        if explanation.holds {
            Output.line("  recounted: \(stated)".visible)
        } else {
            let recounted = explanation.recounted ?? "nothing"
            Output.line("  the log says: \(stated)".visible)
            Output.line(Style.bad.applied(to: "  recounted:    \(recounted)".visible))
        }
        Output.line("  prove it to a stranger: \(explanation.proof)".visible)
    }
}
