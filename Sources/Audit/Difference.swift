// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// How the log differs from what the rules give.
enum Difference: Error {
    /// These events are due, and the first of them is not what stands here; what is due together
    /// with them may have begun before.
    case unlike([Event], isBegun: Bool)
    /// A derived event stands here, and none is due.
    case added
    /// The rules refuse the command that stands here.
    case refused(Refusal)
    /// The command names a party, request or job that the ledger does not hold.
    case unknownParty
    /// A command stands after the deadlines of its batch.
    case late
}

/// Puts a difference in words.
enum DifferenceText {
    /// Says what became of the first of `expected`, where `rest` of the batch stands instead.
    static func findings(
        _ expected: [Event], _ rest: [LoggedEntry], at entry: UInt64
    ) -> [Finding] {
        guard let due = expected.first else { return [] }
        guard let here = rest.first else {
            return [missing(due, entry, "the end of the batch")]
        }
        if case (.batchSealed(let due), .batchSealed(let here)) = (due, here.event) {
            return sealed(due, here, at: entry)
        }
        let later = rest.dropFirst().first { $0.event == due }
        let isHereDue = expected.dropFirst().contains(here.event)
        guard let later else {
            if due.tag == here.event.tag, !isHereDue { return [changed(due, here)] }
            return [missing(due, entry, here.event.text)]
        }
        if here.event.isDerived, !isHereDue { return [added(here)] }
        return [
            Finding(
                entry: entry, kind: .moved, expected: due.text,
                found: "it stands at entry \(later.index); here stands \(here.event.text)")
        ]
    }

    /// An event that is too many.
    static func added(_ entry: LoggedEntry) -> Finding {
        Finding(
            entry: entry.index, kind: .added, expected: "no such event here",
            found: entry.event.text)
    }

    /// An event that is too many here and missing at `home`.
    static func moved(_ entry: LoggedEntry, to home: UInt64) -> Finding {
        Finding(
            entry: entry.index, kind: .moved, expected: "this event at entry \(home), not here",
            found: entry.event.text)
    }

    private static func missing(_ due: Event, _ entry: UInt64, _ instead: String) -> Finding {
        Finding(
            entry: entry, kind: .missing, expected: due.text, found: "in its place: \(instead)")
    }

    private static func changed(_ due: Event, _ here: LoggedEntry) -> Finding {
        Finding(
            entry: here.index, kind: .changed, expected: due.text(whereUnlike: here.event),
            found: here.event.text(whereUnlike: due))
    }

    private static func sealed(
        _ due: BatchSealed, _ here: BatchSealed, at entry: UInt64
    ) -> [Finding] {
        var findings: [Finding] = []
        func compare(_ kind: FindingKind, _ name: String, _ due: String, _ here: String) {
            guard due != here else { return }
            findings.append(
                Finding(
                    entry: entry, kind: kind, expected: "\(name) \(due)",
                    found: "\(name) \(here)"))
        }
        compare(.changed, "height", "\(due.height.rawValue)", "\(here.height.rawValue)")
        compare(.logSize, "size", "\(due.size)", "\(here.size)")
        compare(.logRoot, "root of the log", due.root.hex, here.root.hex)
        for (place, component) in StateComponent.allCases.enumerated() {
            compare(
                .componentRoot, "root of \(component.label)", due.components[place].hex,
                here.components[place].hex)
        }
        compare(.stateRoot, "state root", due.stateRoot.hex, here.stateRoot.hex)
        return findings
    }
}
