// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The rounds that are not closed, by the entries that introduced their requests.
///
/// Found by halving, not by hashing: there are at most as many as the parameters allow, each is
/// asked for with every vote, and it is changed where it lies.
///
/// Invariants: `entries` rises strictly, `slots[slotOf[i]]` is the round of `entries[i]`, and every
/// other slot is empty and listed once in `free`.
struct RoundTable: Sendable {
    /// The entries that introduced the requests, rising.
    private(set) var entries: [EntryIndex] = []
    /// By place in `entries`: the slot of the round.
    private var slotOf: [Int] = []
    private var slots: [Round?] = []
    private var free: [Int] = []

    /// No rounds.
    init() {}

    /// The round of a request; nil where it is closed or none.
    subscript(entry: EntryIndex) -> Round? { place(of: entry).flatMap { slots[slotOf[$0]] } }

    /// Adds a round.
    ///
    /// - Precondition: There is none of this entry.
    mutating func insert(_ round: Round) {
        let place = lowerBound(of: round.entry)
        invariant(
            place == entries.count || entries[place] != round.entry,
            "two rounds of entry \(round.entry.rawValue)")
        if let slot = free.popLast() {
            slots[slot] = round
            slotOf.insert(slot, at: place)
        } else {
            slotOf.insert(slots.count, at: place)
            slots.append(round)
        }
        entries.insert(round.entry, at: place)
    }

    /// Takes a round out.
    mutating func remove(_ entry: EntryIndex) {
        guard let place = place(of: entry) else { return }
        entries.remove(at: place)
        let slot = slotOf.remove(at: place)
        slots[slot] = nil
        free.append(slot)
    }

    /// Records a vote; nil where there is no such round.
    mutating func record(_ vote: RecordedVote) -> Round.Recording? {
        guard let place = place(of: vote.event.request) else { return nil }
        return slots[slotOf[place]]?.record(vote)
    }

    /// Notes the decision of a round.
    mutating func decide(_ decided: OutcomeDecided) {
        guard let place = place(of: decided.request) else { return }
        slots[slotOf[place]]?.decided = decided
    }

    private func place(of entry: EntryIndex) -> Int? {
        let place = lowerBound(of: entry)
        return place < entries.count && entries[place] == entry ? place : nil
    }

    /// The first place whose entry is not below this one.
    private func lowerBound(of entry: EntryIndex) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
