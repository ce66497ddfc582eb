// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Node

/// What `recount doctor` found.
struct DoctorReport: Encodable {
    /// One thing that was looked at.
    struct Check: Encodable {
        let subject: String
        let verdict: String
        let finding: String
        let advice: String?

        init(_ check: HealthCheck) {
            subject = check.subject.rawValue
            verdict = check.health.rawValue
            finding = check.finding
            advice = check.advice
        }
    }

    /// One home.
    struct Home: Encodable {
        let path: String
        let name: String?
        let ledgerID: String?
        let entries: UInt64?
        let height: UInt64?
        let root: String?
        let process: Int32?
        let wouldStart: Bool
        let checks: [Check]
        /// How many of them decide.
        let threshold: UInt32?
        let isObserver: Bool

        init(_ health: HomeHealth, _ checks: [HealthCheck]) {
            path = health.home
            name = health.name
            ledgerID = health.ledger?.hex
            entries = health.size
            height = health.height?.rawValue
            root = health.root
            process = health.process
            wouldStart = health.wouldStart
            threshold = health.threshold
            isObserver = health.isObserver
            self.checks = checks.map(Check.init)
        }
    }

    let program = NodeLimits.programVersion
    let commit = ProgramVersion.commit
    let format = Limits.formatVersion
    let isWell: Bool
    let warnings: Int
    let homes: [Home]
    /// What the homes are together, and the copies that are kept.
    let together: [Check]

    /// - Parameters:
    ///   - network: The folder of the homes; nil for a home by itself.
    ///   - backups: Where copies are kept, where that was said.
    init(_ homes: [Home], network: String?, backups: String?) {
        let others = network.map { Self.together(homes, $0) } ?? []
        let together = (others + BackupHealth(homes, backups).checks()).map(Check.init)
        let all = homes.flatMap(\.checks) + together
        isWell = !all.contains { $0.verdict == HealthCheck.Health.bad.rawValue }
        warnings = all.count { $0.verdict == HealthCheck.Health.warning.rawValue }
        self.homes = homes
        self.together = together
    }

    /// What the homes of a network are together.
    private static func together(_ homes: [Home], _ path: String) -> [HealthCheck] {
        var checks: [HealthCheck] = []
        let known = homes.filter { $0.ledgerID != nil }
        if Set(known.compactMap(\.ledgerID)).count > 1 {
            checks.append(
                HealthCheck(.network, .bad, "the homes in \(path) are of different ledgers"))
        }
        guard let first = known.max(by: { $0.height ?? 0 < $1.height ?? 0 }) else { return checks }
        for home in known where home.entries == first.entries && home.root != first.root {
            checks.append(
                HealthCheck(
                    .network, .bad,
                    "the ledgers of \(home.name ?? home.path) and \(first.name ?? first.path) have"
                        + " as many entries and different roots", advice: "recount diff \(path)"))
        }
        for home in known where (home.height ?? 0) < (first.height ?? 0) {
            checks.append(
                HealthCheck(
                    .network, .good,
                    "\(home.name ?? home.path) is at batch \(home.height ?? 0), and"
                        + " \(first.name ?? first.path) at \(first.height ?? 0): what it lacks it"
                        + " gets from the others"))
        }
        let able = homes.count { $0.wouldStart && !$0.isObserver }
        let needed = Int(first.threshold ?? 0)
        checks.append(
            HealthCheck(
                .network, able < needed ? .bad : .good,
                "\(able) of the validators here could run, and \(needed) decide",
                advice: able < needed ? "heal as many more, or find them elsewhere" : nil))
        return checks
    }

    // MARK: For people

    /// Writes it for people.
    func print() {
        let bad = (homes.flatMap(\.checks) + together).count { $0.verdict == "bad" }
        Output.line(
            Output.strong(
                isWell
                    ? warnings == 0 ? "All is well." : "Nothing is wrong."
                    : "\(Text.count(UInt64(bad), "thing")) \(bad == 1 ? "is" : "are") wrong.")
                + (warnings > 0
                    ? " \(Text.count(UInt64(warnings), "thing")) to look at." : ""))
        Output.line(
            "recount \(program), commit \(commit.map(Text.short) ?? "unknown"), ledger format"
                + " \(format)")
        for home in homes {
            Output.line()
            Output.line(Output.strong("\(home.name ?? "a home") in \(home.path)"))
            Self.print(home.checks)
        }
        if !together.isEmpty {
            Output.line()
            Output.line(Output.strong(homes.count > 1 ? "Together" : "Beside it"))
            Self.print(together)
        }
    }

    private static func print(_ checks: [Check]) {
        let width = checks.map(\.subject.count).max() ?? 0
        for check in checks {
            let fill = String(repeating: " ", count: width - check.subject.count)
            let style: Style =
                switch check.verdict {
                case "good": .good
                case "bad": .bad
                case "warning": .warning
                default: .faint
                }
            let word = check.verdict == "warning" ? "look at" : check.verdict
            let label = word + String(repeating: " ", count: 8 - word.count)
            let indent = String(repeating: " ", count: width + 12)
            let words = (check.finding + (check.advice.map { ". \($0.capitalisedFirst)" } ?? ""))
                .visible.split(separator: " ").map(String.init)
            let lines = Text.wrapped(words, columns: max(40, min(Output.columns, 100) - width - 12))
            Output.line(
                "  \(check.subject)\(fill)  \(style.applied(to: label))\(lines.first ?? "")")
            for line in lines.dropFirst() { Output.line(indent + line) }
        }
    }
}

extension String {
    /// The text with its first letter as one that begins a sentence; a command stays as it is.
    fileprivate var capitalisedFirst: String {
        guard !hasPrefix("recount ") else { return self }
        return prefix(1).uppercased() + dropFirst()
    }
}
