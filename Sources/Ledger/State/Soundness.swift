// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a component was found to break of its own invariants.
package struct Unsoundness: Error, Equatable, Sendable {
    /// Which.
    package let component: StateComponent
    /// What should hold of it and does not.
    package let belief: String
}

extension Unsoundness: CustomStringConvertible {
    /// What a person is told.
    package var description: String { "of the component \(component.label): \(belief)" }
}

extension Component {
    /// Throws where what is believed of the component does not hold.
    static func believe(
        _ holds: Bool, _ belief: @autoclosure () -> String
    ) throws(Unsoundness) {
        guard holds else { throw Unsoundness(component: kind, belief: belief()) }
    }

    /// Throws where these do not rise strictly.
    static func believe(
        rising entries: [EntryIndex], _ what: @autoclosure () -> String
    ) throws(Unsoundness) {
        for (one, next) in zip(entries, entries.dropFirst()) {
            try believe(one < next, "\(what()) rise: \(one.rawValue), then \(next.rawValue)")
        }
    }
}

extension LedgerState {
    /// Checks what holds of each component, and of all together, in every state that the rules
    /// give between two batches; that is, after a seal.
    ///
    /// Reads no records, so that it holds of an excerpt too: costs in proportion to parties and
    /// unfinished work, not to the history. See `checkRecords` for the rest.
    package func checkSoundness() throws(Unsoundness) {
        try components.parameters.checkSoundness()
        try components.validators.checkSoundness(at: height, time)
        try components.submitters.checkSoundness(at: height, time)
        try components.circuits.checkSoundness()
        try components.roots.checkSoundness(circuits: circuits.count)
        try components.rounds.checkSoundness(in: components)
        try components.outcomes.checkSoundness(in: components)
        try components.nullifiers.checkSoundness()
        try components.leaders.checkSoundness(in: components)
        try components.jobs.checkSoundness(in: components)
        try components.evidence.checkSoundness()
        try components.outbox.checkSoundness(in: components)
        try components.time.checkSoundness()
    }

    /// Checks what holds of the records of a whole state, and between them: that spent implies
    /// approved, paid implies approved, and every reference resolves.
    ///
    /// Decodes all records: costs in proportion to the history, so no opening waits for it. It is
    /// called after seals where ledgers are short, and by who verifies a whole ledger.
    package func checkRecords() throws(Unsoundness) {
        try components.roots.checkRecords()
        try components.outcomes.checkRecords(in: components)
        try components.nullifiers.checkRecords(in: components)
        try components.jobs.checkRecords(in: components)
        try components.evidence.checkRecords(in: components)
        try components.outbox.checkRecords(in: components)
    }
}
