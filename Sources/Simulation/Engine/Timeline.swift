// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a line of the account is about.
package enum TimelineKind: String, Sendable {
    case fault, life, height, outcome, evidence, change, notice, violation
}

/// One line of what happened.
package struct TimelineEntry: Sendable {
    /// When.
    package let moment: Moment
    /// The number of the event.
    package let event: UInt64
    /// What it is about.
    package let kind: TimelineKind
    /// The node that it is about, where it is one.
    package let node: Int?
    /// What happened.
    package let text: String
}

/// What happened in a run, for people.
struct Timeline {
    /// Lines from which on nothing is added but violations.
    static let linesMax = 200_000

    private(set) var entries: [TimelineEntry] = []

    mutating func add(
        _ moment: Moment, _ event: UInt64, _ kind: TimelineKind, _ node: Int, _ text: String
    ) {
        append(TimelineEntry(moment: moment, event: event, kind: kind, node: node, text: text))
    }

    mutating func add(
        _ moment: Moment, _ event: UInt64, _ kind: TimelineKind, _ text: String
    ) {
        append(TimelineEntry(moment: moment, event: event, kind: kind, node: nil, text: text))
    }

    private mutating func append(_ entry: TimelineEntry) {
        if entries.count < Self.linesMax || entry.kind == .violation { entries.append(entry) }
    }
}
