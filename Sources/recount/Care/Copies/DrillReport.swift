// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// What `recount drill` found.
struct DrillReport: Encodable {
    /// One step, and what came of it.
    struct Step: Encodable {
        let name: String
        /// What a person would type; absent where nothing is typed.
        let command: String?
        let isDone: Bool
        let finding: String
        let seconds: Double
    }

    let home: String
    let isGood: Bool
    let entriesHeld: UInt64
    /// Absent where the ledger was not rebuilt.
    let entriesRecovered: UInt64?
    let root: String?
    let steps: [Step]
    /// What would be lost.
    let lost: [String]
    /// What the copy lacks, and has to be kept elsewhere or made anew.
    let lacks: [String]
    /// Where all of it can be looked at, where it was to be kept.
    let scratch: String?

    /// Writes a step for people.
    static func show(_ step: Step) {
        let word = Style.series(0).applied(to: step.name)
        let fill = String(repeating: " ", count: max(1, 9 - step.name.count))
        let verdict = (step.isDone ? Style.good : .bad).applied(to: step.isDone ? "done" : "FAILED")
        Output.line("  \(word)\(fill)\(verdict)  \(step.finding.visible)")
        if let command = step.command { Output.line("             $ \(command.visible)") }
        Output.flush()
    }

    /// Writes the rest for people.
    func print() {
        Output.line()
        Output.line(
            Output.strong(
                isGood ? "The node came back." : "The node did not come back."))
        Self.list("Would be lost:", lost, none: "Nothing would be lost.")
        Self.list("The copy lacks:", lacks, none: "The copy lacks nothing.")
        if let scratch { Output.line("Kept in \(scratch).") }
    }

    private static func list(_ title: String, _ items: [String], none: String) {
        guard !items.isEmpty else { return Output.line(none) }
        Output.line(title)
        for item in items {
            let words = item.visible.split(separator: " ").map(String.init)
            let lines = Text.wrapped(words, columns: min(Output.columns, 100) - 4)
            for (place, line) in lines.enumerated() {
                Output.line((place == 0 ? "  - " : "    ") + line)
            }
        }
    }
}
