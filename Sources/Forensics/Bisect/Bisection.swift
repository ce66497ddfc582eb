// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// The command within a batch from which derivation or state differs.
package struct Bisection: Encodable, Sendable {
    /// A key of the state that both wrote otherwise, with every entry of the batch that wrote it.
    package struct Key: Encodable, Equatable, Sendable {
        /// The label of the component.
        package let component: String
        /// What is kept there, in words of the component.
        package let key: String
        /// The value by the first; nil for nothing.
        package let first: String?
        /// The value by the second; nil for nothing.
        package let second: String?
        /// The entries of the first that wrote it.
        package let firstEntries: [UInt64]
        /// The entries of the second that wrote it.
        package let secondEntries: [UInt64]
    }

    /// The name of the ledger.
    package let first: String
    /// The name of the other, or `rules`.
    package let second: String
    /// How it ended.
    package internal(set) var verdict = Likeness.same
    /// What a person is told.
    package internal(set) var sentence = ""
    /// The height of the batch.
    package internal(set) var height: UInt64?
    /// The command from which on they differ: the last input that both have, or the first that
    /// differs; nil where no command explains it.
    package internal(set) var command: HistoryComparison.EntryView?
    /// The first entry that differs.
    package internal(set) var entry: UInt64?
    /// What stands there in the first; nil for nothing.
    package internal(set) var firstEntry: HistoryComparison.EntryView?
    /// What stands there in the second, or what the rules give; nil for nothing.
    package internal(set) var secondEntry: HistoryComparison.EntryView?
    /// The components whose roots differ at the end of the batch.
    package internal(set) var components: [HistoryComparison.DifferentComponent] = []
    /// The keys that the batch wrote otherwise, by component and key; at most 1,000.
    package internal(set) var keys: [Key] = []
    /// How many such keys there are.
    package internal(set) var keyCount = 0
    /// The first entry that was looked at against the rules; nil between two ledgers.
    package internal(set) var since: UInt64?
    /// Entries that were folded or derived.
    package internal(set) var folded: UInt64 = 0

    init(_ first: String, _ second: String) {
        self.first = first
        self.second = second
    }
}

extension Bisection {
    /// Tells two batches that begin at one entry from each other.
    ///
    /// - Parameter refused: Of the second, why inputs of the first are not in it.
    mutating func compare(
        _ one: [LoggedEntry], _ other: [LoggedEntry], _ names: LedgerNames,
        refused: [RuledBatch.Refused] = []
    ) {
        let place =
            zip(one, other).enumerated().first { $1.0.entry != $1.1.entry }?.offset
            ?? min(one.count, other.count)
        guard place < max(one.count, other.count) else { return }
        verdict = .different
        let (here, there) = (one.dropFirst(place).first, other.dropFirst(place).first)
        entry = here?.index ?? there?.index
        firstEntry = here.map { HistoryComparison.EntryView($0, names) }
        secondEntry = there.map { HistoryComparison.EntryView($0, names) }
        let cause = cause(
            one.dropFirst(place), other.dropFirst(place), before: one.prefix(place), refused)
        command = cause.map { HistoryComparison.EntryView($0, names) }
        components = Self.differentComponents(one.last?.event, other.last?.event)
        tellKeys(StateWrites(one, names: names), StateWrites(other, names: names))
        sentence = words(here, there, cause, refused)
    }

    /// The command behind the first entry that differs: that input itself, or the last before it
    /// where both derive something else from the same inputs.
    private func cause(
        _ one: ArraySlice<LoggedEntry>, _ other: ArraySlice<LoggedEntry>,
        before: ArraySlice<LoggedEntry>, _ refused: [RuledBatch.Refused]
    ) -> LoggedEntry? {
        let (here, there) = (one.first, other.first)
        if let here, refused.contains(where: { $0.entry == here.index }) { return here }
        // After a seal that differs alone no command can be named.
        if case .batchSealed? = here?.event, case .batchSealed? = there?.event { return nil }
        let kind = DifferenceKind.of(one.map(\.event)[...], other.map(\.event)[...])
        if kind != .otherDerivation {
            if let here, !here.event.isDerived { return here }
            if let there, !there.event.isDerived { return there }
        }
        return before.last { !$0.event.isDerived }
    }

    private static func differentComponents(
        _ one: Event?, _ other: Event?
    ) -> [HistoryComparison.DifferentComponent] {
        guard case .batchSealed(let here)? = one, case .batchSealed(let there)? = other else {
            return []
        }
        return HistoryComparison.different(here.components, there.components)
    }

    private mutating func tellKeys(_ one: StateWrites, _ other: StateWrites) {
        let different = StateWrites.differentPlaces(one, other)
        keyCount = different.count
        keys = different.prefix(HistoryComparison.keysMax).map { place in
            Key(
                component: place.component.label, key: place.key, first: one.values[place],
                second: other.values[place], firstEntries: one.writers[place] ?? [],
                secondEntries: other.writers[place] ?? [])
        }
    }

    private func words(
        _ here: LoggedEntry?, _ there: LoggedEntry?, _ cause: LoggedEntry?,
        _ refused: [RuledBatch.Refused]
    ) -> String {
        let batch = height.map { "batch \($0)" } ?? "the batch"
        let one = here?.event.kind ?? "nothing"
        let other = there?.event.kind ?? "nothing"
        let place = "entry \(entry ?? 0)"
        if let refused = refused.first, refused.entry == here?.index {
            return "In \(batch), \(place), \(first) has a \(one), and \(refused.reason)."
        }
        guard let cause else {
            return "In \(batch) every entry is the same but the seal at \(place): one of both"
                + " derived or hashed its state otherwise without saying so in an entry."
        }
        if cause.index == here?.index || cause.index == there?.index && here?.index != cause.index {
            return "In \(batch) the commands differ from \(place) on: \(one) in \(first), \(other)"
                + " in \(second)."
        }
        let then = "\(cause.event.kind) in entry \(cause.index)"
        return "In \(batch) both agree up to the \(then); after it \(first) has \(one) at \(place),"
            + " and \(second) \(other)."
    }
}
