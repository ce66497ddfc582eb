// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Replication

/// What a journal remembers of the newest heights, so that it refuses and repeats nothing.
///
/// The heights of a validator's own messages do not fall, so its own slots are those of one
/// height. Of others' messages and of batches it remembers those of the two newest heights.
/// Reading and writing go through the same `admit`.
///
/// Invariants: `own` is empty or of `ownHeight` alone, and `ownFirstEntry` is at most the place of
/// each; `notes` has at most two heights, which ascend; their first entries are at most that of
/// whatever is admitted next.
struct JournalWindow {
    /// A message of the validator's own.
    struct Own {
        let value: Digest?
        let validRound: Int64
        let signature: Signature
        /// Where in the journal it is.
        let entry: UInt64
    }

    /// What a vote says, whatever the bytes of its signature.
    private struct Said: Hashable {
        let slot: Slot
        let value: Digest?
        let validRound: Int64
        let validator: ValidatorIndex
    }

    /// What is remembered of one height.
    private struct Notes {
        let height: Height
        /// Where in the journal its first entry is.
        let firstEntry: UInt64
        var received: Set<Said> = []
        var held: Set<Digest> = []
    }

    /// The height of the validator's newest message; nil where it has sent none.
    private(set) var ownHeight: Height?
    /// Its messages there.
    private(set) var own: [Slot: Own] = [:]
    private var ownFirstEntry: UInt64 = 0
    /// Ascending by height.
    private var notes: [Notes] = []
    /// The height up to which it must not speak.
    var silentThrough: Height?

    /// The newest height of which anything was noted.
    var newestHeight: Height? { [ownHeight, notes.last?.height].compactMap { $0 }.max() }

    /// Where the entries of the heights from this one on start, as far as they are remembered.
    func firstEntry(from height: Height) -> UInt64? {
        var first = notes.filter { $0.height >= height }.map(\.firstEntry)
        if let ownHeight, ownHeight >= height { first.append(ownFirstEntry) }
        return first.min()
    }

    /// Its own messages, in the order of the journal.
    var ownByEntry: [(slot: Slot, own: Own)] {
        own.map { ($0.key, $0.value) }.sorted { $0.own.entry < $1.own.entry }
    }

    /// Takes in an own message; returns whether it was not there yet.
    ///
    /// Throws, in this order: `.silent`, `.past`, `.contradictory`.
    mutating func admit(
        own slot: Slot, at height: Height, _ message: Own
    ) throws(JournalProblem) -> Bool {
        if let silentThrough, height <= silentThrough {
            throw .silent(slot, through: silentThrough)
        }
        if let ownHeight, height < ownHeight { throw .past(slot, spoken: ownHeight) }
        if ownHeight != height {
            ownHeight = height
            own = [:]
            ownFirstEntry = message.entry
        }
        if let earlier = own[slot] {
            guard earlier.value == message.value, earlier.validRound == message.validRound else {
                throw .contradictory(slot)
            }
            return false
        }
        own[slot] = message
        invariant(
            ownFirstEntry <= message.entry,
            "the first word at a height is entry \(ownFirstEntry), and not \(message.entry)")
        return true
    }

    /// Takes in another's vote; returns whether it is new and not of a height long past.
    mutating func admit(received vote: ConsensusVote, entry: UInt64) -> Bool {
        guard let place = place(of: vote.height, entry) else { return false }
        invariant(
            notes[place].height == vote.height,
            "a vote of height \(vote.height.rawValue) is noted at another")
        return notes[place].received.insert(
            Said(
                slot: vote.slot, value: vote.value, validRound: vote.ground,
                validator: vote.validator)
        ).inserted
    }

    /// Takes in a batch; returns whether it is new and not of a height long past.
    mutating func admit(held value: Digest, at height: Height, entry: UInt64) -> Bool {
        guard let place = place(of: height, entry) else { return false }
        invariant(
            notes[place].height == height, "a batch \(height.rawValue) is noted at another height")
        return notes[place].held.insert(value).inserted
    }

    /// The position in `notes` of a height, made where it is among the newest two.
    private mutating func place(of height: Height, _ entry: UInt64) -> Int? {
        if let found = notes.firstIndex(where: { $0.height == height }) { return found }
        if notes.count == 2 {
            if height < notes[0].height { return nil }
            notes.removeFirst()
        }
        let place = notes.firstIndex { $0.height > height } ?? notes.count
        notes.insert(Notes(height: height, firstEntry: entry), at: place)
        invariant(notes.count <= 2, "\(notes.count) heights are remembered")
        invariant(
            zip(notes, notes.dropFirst()).allSatisfy { $0.height < $1.height },
            "remembered heights do not ascend")
        invariant(
            notes.allSatisfy { $0.firstEntry <= entry },
            "entry \(entry) is admitted behind a later one")
        return place
    }
}
