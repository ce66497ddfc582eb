// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension LedgerState {
    /// Decides on a command and takes in what follows from it, which it returns.
    ///
    /// An event that the rules derive and cannot take in is a bug of ours and stops the node. After
    /// a refusal nothing has changed.
    /// - Parameter recorded: The entries that a log holds at this place; those that are equal are
    ///   taken, so that they are not encoded and hashed again.
    package mutating func run(
        _ command: Command, recorded: ArraySlice<Entry> = []
    ) throws(Refusal) -> [Entry] {
        let (derived, first) = (try decide(command), size)
        var entries: [Entry] = []
        entries.reserveCapacity(derived.count)
        do throws(FoldError) {
            try apply(derived) { place, event, _ in
                let known = place < recorded.count ? recorded[recorded.startIndex + place] : nil
                let entry = known?.event == event ? known.map(\.hashed) : nil
                entries.append(entry ?? Entry(event))
                return entries[place]
            }
        } catch { fatalError("the rules derived an event that cannot follow: \(error)") }
        invariant(
            entries.count == derived.count, "\(entries.count) entries of \(derived.count) events")
        invariant(
            size == first + UInt64(derived.count),
            "from \(first) to \(size) with \(derived.count) events")
        return entries
    }

    /// Applies events that `decide` gave, in order, each as the entry that `entry` makes of it or
    /// finds for it; ends before the first for which there is none. Returns how many it applied.
    ///
    /// The one place where what is derived becomes entries and meets `apply`.
    /// - Parameter entry: Sees the place of each event, the event, and the state before it, which
    ///   is `inout` only so that it is not copied.
    @discardableResult
    package mutating func apply(
        _ derived: [Event], as entry: (Int, Event, inout LedgerState) -> Entry?
    ) throws(FoldError) -> Int {
        for (place, event) in derived.enumerated() {
            guard let entry = entry(place, event, &self) else { return place }
            try apply(entry)
        }
        return derived.count
    }
}

/// A batch in the making: the state, the tree and the entries as they grow.
///
/// Invariants: `state`, `frontier` and `entries` grow by the same entries; no batch is open behind
/// a seal.
package struct BatchRun: Sendable {
    /// The state after the last entry.
    package private(set) var state: LedgerState
    /// The tree of the log after the last entry.
    package private(set) var frontier: MerkleFrontier
    /// What was derived, in order.
    package private(set) var entries: [Entry] = []

    /// Starts after what `state` and `frontier` hold.
    package init(state: LedgerState = LedgerState(), frontier: MerkleFrontier = MerkleFrontier()) {
        self.state = state
        self.frontier = frontier
    }

    /// Batch 0: opens a ledger and seals the batch.
    package init(opening opened: LedgerOpened) throws(Refusal) {
        self.init()
        try take(.openLedger(opened))
        try take(.seal(size: state.size, root: frontier.root))
    }

    /// Decides on a command and takes in what follows from it, which it returns.
    ///
    /// - Parameter recorded: See `LedgerState.run`.
    @discardableResult
    package mutating func take(
        _ command: Command, recorded: ArraySlice<Entry> = []
    ) throws(Refusal) -> [Entry] {
        let derived = try state.run(command, recorded: recorded)
        for entry in derived { frontier.append(leafHash: entry.leafHash) }
        entries += derived
        return derived
    }

    /// Closes what is due and seals the batch.
    package mutating func seal(recorded: ArraySlice<Entry> = []) throws(Refusal) {
        let due = try take(.closeDue, recorded: recorded)
        try take(
            .seal(size: state.size, root: frontier.root), recorded: recorded.dropFirst(due.count))
        invariant(!state.isBatchOpen, "batch \(state.height.rawValue) is open behind its seal")
    }
}
