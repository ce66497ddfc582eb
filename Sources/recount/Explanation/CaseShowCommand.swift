// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Forensics
import Hosting
import Ledger
import Node

/// `recount case show`.
struct CaseShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Say what a case holds: what differs, first entry, components, keys, versions.",
        discussion: """
              recount case show net/validator-3
              recount case show net/validator-3 --json | jq '.keys[0]'

            The first line says what differs: damage (of the disk), memory (deriving again
            gave something else), version (all others run another), inputs (the batch holds
            one that the node does not take, or rests on another history), derivation
            (the same inputs, again and again, give something else), or unknown.

            JSON: answer, sentences, height, entries (decided, derived), components
            (before, held, decided, derived), keys (first is what was decided, second what
            the node derived), voters, versions, disk, repeats.

            Exit codes: 0 shown; 2 there is no case, or it cannot be read.
            """)

    @Argument(help: "The file of a case, or a home whose newest is meant.", completion: .file())
    var place: String

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let place = try CasePlace.newest(place)
        let report = CaseReport(try place.load(), path: place.path)
        if json { return try Output.json(report) }
        CaseText(report: report, status: place.status).print()
    }
}

/// A case as people read it.
private struct CaseText {
    private static let keysShown = 20
    private static let valueColumns = 60
    private static var columns: Int { min(Output.columns, 100) - 2 }

    let report: CaseReport
    let status: CaseStore.Status?

    func print() {
        Output.line(
            Output.strong("Case of \(report.name), batch \(report.height): \(report.answer)"))
        for sentence in report.sentences {
            let words = sentence.visible.split(separator: " ").map(String.init)
            for line in Text.wrapped(words, columns: Self.columns) { Output.line("  \(line)") }
        }
        Output.line()
        var list = Listing()
        list.add("when", TimeText.of(Time(report.time)))
        list.add("status", status?.rawValue ?? "a copy")
        list.add("disk", report.disk.visible)
        list.add("program", Self.words(report.versions))
        list.add("decided", "root \(report.decidedRoot)")
        list.add("derived", "root \(report.derivedRoot)")
        if let stopped = report.stopped { list.add("stopped at", stopped.visible) }
        for attempt in report.repeats {
            list.add(
                "again",
                "\(attempt.place), state from the \(attempt.state): \(attempt.outcome)"
                    + (attempt.detail.map { " (\($0.prefix(80)))" } ?? "").visible)
        }
        list.print()
        printEntries()
        printComponents()
        printKeys()
        printVoters()
    }

    private static func words(_ versions: CaseReport.Versions) -> String {
        guard let program = versions.program, !program.isEmpty else { return "not said" }
        return "\(program), jobs by \(versions.engine ?? "nothing")".visible
    }

    private func printEntries() {
        guard let entries = report.entries else { return }
        Output.line()
        Output.line(Output.strong("The first entry that differs, \(entries.entry)"))
        let (decided, derived) = (Self.fields(entries.decided), Self.fields(entries.derived))
        var names = decided.map(\.name)
        for field in derived where !names.contains(field.name) { names.append(field.name) }
        var table = Table(("field", .left), ("decided", .left), ("derived", .left))
        for name in names {
            let one = decided.first { $0.name == name }?.value.text() ?? ""
            let other = derived.first { $0.name == name }?.value.text() ?? ""
            table.add(styled: [
                (name, one == other ? .plain : .strong),
                (Self.short(one), one == other ? .plain : .good),
                (Self.short(other), one == other ? .plain : .bad),
            ])
        }
        table.print()
    }

    /// As much of a value as stands beside another; --json has it whole.
    private static func short(_ text: String) -> String {
        text.count <= valueColumns ? text : text.prefix(valueColumns - 1) + "…"
    }

    private static func fields(_ entry: HistoryComparison.EntryView?) -> [NamedField] {
        guard let entry, case .record(let fields) = entry.fields else { return [] }
        return [NamedField("event", .text(entry.event))] + fields
    }

    private func printComponents() {
        let different = report.components.filter { !$0.isSame }
        Output.line()
        guard !different.isEmpty else {
            return Output.line("no component of the state differs after the batch")
        }
        var table = Table(("component", .left), ("decided", .left), ("derived", .left))
        for component in different {
            let note = component.before == component.held ? "" : " (held otherwise before)"
            table.add(
                component.component + note, component.decided.map { "\($0.prefix(16))…" } ?? "",
                component.derived.map { "\($0.prefix(16))…" } ?? "nothing")
        }
        table.print()
    }

    private func printKeys() {
        guard !report.keys.isEmpty else { return }
        Output.line()
        var table = Table(
            ("component", .left), ("key", .left), ("decided", .left), ("derived", .left))
        for key in report.keys.prefix(Self.keysShown) {
            table.add(
                key.component, key.key.visible, (key.first ?? "nothing").visible,
                (key.second ?? "nothing").visible)
        }
        table.print()
        if report.keyCount > Self.keysShown {
            Output.line("  the first \(Self.keysShown) of \(report.keyCount) keys; --json has more")
        }
    }

    private func printVoters() {
        Output.line()
        let needed = report.needed.map { ", of \($0) needed" } ?? ""
        Output.line(Output.strong("Signed by \(report.voters.count)\(needed)"))
        for voter in report.voters {
            Output.line("  \(voter.name.visible): \(Self.words(voter.versions))")
        }
    }
}
