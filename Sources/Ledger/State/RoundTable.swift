// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The rounds that are not closed, by the entries that introduced their requests.
///
/// Found by halving, not by hashing: there are at most as many as the parameters allow, each is
/// asked for with every vote, and it is changed where it lies.
///
/// Invariants: `entries` rises strictly, `slots[slotOf[i]]` is the round of `entries[i]`, and every
/// other slot is empty and listed once in `free`; what `encodings` holds is the encoding of the
/// round in the same slot.
struct RoundTable: Sendable {
    /// The entries that introduced the requests, rising.
    private(set) var entries: [EntryIndex] = []
    /// By place in `entries`: the slot of the round.
    private var slotOf: [Int] = []
    private var slots: [Round?] = []
    private var free: [Int] = []
    /// By slot: what the round adds to the state root, where that was kept. Every batch asks for
    /// that of every open round, and few of those that wait for a late vote change.
    private var encodings: [[UInt8]?] = []
    /// By slot: whether the round changed since the last seal.
    private var isChanged: [Bool] = []

    /// No rounds.
    init() {}

    /// The round of a request; nil where it is closed or none.
    subscript(entry: EntryIndex) -> Round? { place(of: entry).flatMap { slots[slotOf[$0]] } }

    /// The identity of a request; nil where its round is closed or none. Copies nothing else.
    func id(of entry: EntryIndex) -> RequestID? {
        guard let place = place(of: entry) else { return nil }
        let slots = slots.span
        return slots[slotOf[place]]?.id
    }

    /// Adds a round.
    ///
    /// - Precondition: There is none of this entry.
    mutating func insert(_ round: Round) {
        let place = lowerBound(of: round.entry)
        invariant(
            place == 0 || entries[place - 1] < round.entry,
            "entry \(round.entry.rawValue) comes behind one that is not below it")
        invariant(
            place == entries.count || entries[place] != round.entry,
            "two rounds of entry \(round.entry.rawValue)")
        if let slot = free.popLast() {
            slots[slot] = round
            slotOf.insert(slot, at: place)
            change(slot)
        } else {
            slotOf.insert(slots.count, at: place)
            slots.append(round)
            encodings.append(nil)
            isChanged.append(true)
        }
        entries.insert(round.entry, at: place)
        checkCounts()
    }

    /// Takes a round out.
    mutating func remove(_ entry: EntryIndex) {
        guard let place = place(of: entry) else { return }
        entries.remove(at: place)
        let slot = slotOf.remove(at: place)
        invariant(isUsed(slot, by: entry), "the round of entry \(entry.rawValue) lies elsewhere")
        slots[slot] = nil
        change(slot)
        free.append(slot)
        checkCounts()
    }

    /// Records a vote; nil where there is no such round.
    mutating func record(_ vote: RecordedVote) -> Round.Recording? {
        guard let place = place(of: vote.event.request) else { return nil }
        change(slotOf[place])
        return slots[slotOf[place]]?.record(vote)
    }

    /// Notes the decision of a round.
    mutating func decide(_ decided: OutcomeDecided) {
        guard let place = place(of: decided.request) else { return }
        invariant(
            isUsed(slotOf[place], by: decided.request),
            "a decision on \(decided.request.rawValue) meets another round")
        change(slotOf[place])
        slots[slotOf[place]]?.decided = decided
    }

    /// What every change but that of a round leaves behind.
    private func checkCounts() {
        invariant(
            entries.count == slotOf.count, "\(entries.count) rounds in \(slotOf.count) slots")
        invariant(
            entries.count + free.count == slots.count,
            "\(entries.count) rounds and \(free.count) of \(slots.count) slots")
        invariant(
            encodings.count == slots.count, "\(encodings.count) encodings of \(slots.count) slots")
        invariant(
            isChanged.count == slots.count, "\(isChanged.count) marks of \(slots.count) slots")
    }

    private func isUsed(_ slot: Int, by entry: EntryIndex) -> Bool {
        let slots = slots.span
        return slots[slot]?.entry == entry
    }

    private mutating func change(_ slot: Int) {
        encodings[slot] = nil
        isChanged[slot] = true
    }

    /// A batch is sealed: keeps the encodings of the rounds that no entry of it changed.
    mutating func seal() {
        for slot in slotOf {
            if isChanged[slot] {
                isChanged[slot] = false
            } else if encodings[slot] == nil, let round = slots[slot] {
                var writer = BorshWriter()
                round.encodeState(to: &writer)
                encodings[slot] = writer.bytes
            }
        }
    }

    /// Encodes all rounds, in order of their entries, for the state root.
    func encode(to writer: inout BorshWriter) {
        writer.write(UInt32(entries.count))
        for (entry, slot) in zip(entries, slotOf) {
            if let encoding = encodings[slot] {
                writer.writeFixed(encoding)
            } else {
                invariant(isUsed(slot, by: entry), "no round of entry \(entry.rawValue) is encoded")
                slots[slot]?.encodeState(to: &writer)
            }
        }
    }

    /// What is wrong with the table; nil where its invariants hold.
    var fault: String? {
        guard zip(entries, entries.dropFirst()).allSatisfy({ $0 < $1 }) else {
            return "entries of rounds rise"
        }
        guard entries.count == slotOf.count else { return "each round has a slot" }
        guard encodings.count == slots.count else { return "each slot may keep an encoding" }
        guard isChanged.count == slots.count else { return "each slot says whether it changed" }
        guard entries.count + free.count == slots.count else { return "slots are used or free" }
        guard zip(entries, slotOf).allSatisfy({ slots[$1]?.entry == $0 }) else {
            return "the slot of an entry holds its round"
        }
        guard free.allSatisfy({ slots[$0] == nil }) else { return "free slots are empty" }
        for slot in slotOf {
            guard let kept = encodings[slot], let round = slots[slot] else { continue }
            var writer = BorshWriter()
            round.encodeState(to: &writer)
            guard writer.bytes == kept else { return "what is kept of a round is its encoding" }
        }
        return nil
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
