// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Who may submit, what each has under way, and the refusals recorded in this minute.
///
/// Invariants:
/// - `indices[all[i].key] == i`, and `names` holds the name of each, none of which stands twice;
/// - `all[i].undecided` is the number of its rounds and jobs without a decision;
/// - `refusals` rises strictly by sender, each counted at least once, and holds at most
///   `Limits.refusedSendersMax` senders, each at most `Parameters.refusalsPerMinute` times, as
///   the rules record no more;
/// - `refusalMinute` is at most the minute of batch time, and the one that `refusals` counts.
struct SubmittersComponent: Component {
    static let kind = StateComponent.submitters

    /// The submitters, by index.
    private(set) var all: [Submitter] = []
    private(set) var indices: [PublicKey: SubmitterIndex] = [:]
    private(set) var names: Set<String> = []
    /// The minute of batch time that `refusals` counts.
    private(set) var refusalMinute: UInt64 = 0
    /// Recorded refusals of this minute by sender, in order of the key.
    private(set) var refusals: [(sender: PublicKey, count: UInt32)] = []

    /// Nobody.
    init() {}

    /// Whether there is a submitter of this number.
    func holds(_ index: SubmitterIndex) -> Bool { all.indices.contains(Int(index.rawValue)) }

    // MARK: Its part of `apply`

    /// Lists a submitter, or changes the quota of one that is listed.
    mutating func list(_ key: PublicKey, _ name: String, quota: UInt32) {
        if let known = indices[key] {
            all[Int(known.rawValue)].quota = quota
        } else {
            indices[key] = SubmitterIndex(UInt32(all.count))
            names.insert(name)
            all.append(Submitter(key: key, name: name, quota: quota, undecided: 0))
        }
        invariant(all.count <= Limits.submittersMax, "\(all.count) submitters")
        invariant(
            indices.count == all.count, "\(indices.count) keys of \(all.count) submitters")
        invariant(names.count == all.count, "\(names.count) names of \(all.count) submitters")
    }

    /// A round or job of a submitter begins.
    mutating func begin(_ index: SubmitterIndex) { all[Int(index.rawValue)].undecided += 1 }

    /// A round or job of a submitter is decided.
    mutating func decide(_ index: SubmitterIndex) {
        invariant(
            all[Int(index.rawValue)].undecided > 0, "\(index.rawValue) has nothing to be decided")
        all[Int(index.rawValue)].undecided -= 1
    }

    mutating func countRefusal(of sender: PublicKey?) {
        guard let sender else { return }
        let place = refusals.firstIndex { $0.sender >= sender } ?? refusals.count
        if place < refusals.count, refusals[place].sender == sender {
            refusals[place].count += 1
        } else {
            refusals.insert((sender, 1), at: place)
        }
        invariant(
            place + 1 == refusals.count || sender < refusals[place + 1].sender,
            "refusals are counted out of the order of their senders, at \(place)")
    }

    /// A batch begins, perhaps in another minute.
    mutating func openBatch(at time: Time) {
        guard time.minute != refusalMinute else { return }
        refusalMinute = time.minute
        refusals = []
    }

    // MARK: Its root and its part of a snapshot

    func encodeRoot(to writer: inout BorshWriter) {
        writer.write(UInt32(all.count))
        for submitter in all {
            writer.write(submitter.key)
            writer.write(submitter.name)
            writer.write(submitter.quota)
            writer.write(submitter.undecided)
        }
        writer.write(refusalMinute)
        writer.write(UInt32(refusals.count))
        for refusal in refusals {
            writer.write(refusal.sender)
            writer.write(refusal.count)
        }
    }

    /// The same as for its root.
    func encodeFixed(to writer: inout BorshWriter) { encodeRoot(to: &writer) }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        for number in 0..<(try reader.count(of: "submitters", bound: Limits.submittersMax)) {
            let start = reader.offset
            let submitter = Submitter(
                key: try reader.publicKey(),
                name: try reader.text(of: "name", bound: Limits.partyNameBytesMax),
                quota: try reader.integer(), undecided: try reader.integer())
            guard
                indices.updateValue(SubmitterIndex(UInt32(number)), forKey: submitter.key) == nil,
                names.insert(submitter.name).inserted
            else { throw .notCanonical(type: "submitters", offset: start) }
            all.append(submitter)
        }
        refusalMinute = try reader.integer()
        for _ in 0..<(try reader.count(of: "refusals", bound: Limits.refusedSendersMax)) {
            let start = reader.offset
            let sender = try reader.publicKey()
            if let last = refusals.last, last.sender >= sender {
                throw .notCanonical(type: "refusals", offset: start)
            }
            refusals.append((sender, try reader.integer()))
        }
    }

    // MARK: Its soundness

    /// Whether the minute is none to come, and each has as many rounds and jobs undecided as it is
    /// counted for.
    ///
    /// - Parameter owners: Whose the rounds and jobs without a decision are.
    func isWithinBounds(owners: [SubmitterIndex], at time: Time) -> Bool {
        var counts = [UInt32](repeating: 0, count: all.count)
        for owner in owners {
            guard holds(owner) else { return false }
            counts[Int(owner.rawValue)] += 1
        }
        return refusalMinute <= time.minute
            && zip(counts, all).allSatisfy { $0 == $1.undecided }
    }

    /// See `LedgerState.checkSoundness`; how many each has undecided `isWithinBounds` says.
    func checkSoundness(at height: Height, _ time: Time) throws(Unsoundness) {
        try Self.believe(all.count <= Limits.submittersMax, "\(all.count) submitters, too many")
        try Self.believe(indices.count == all.count, "each submitter has a key of its own")
        try Self.believe(names.count == all.count, "each submitter has a name of its own")
        for (place, submitter) in all.enumerated() {
            let index = SubmitterIndex(UInt32(place))
            try Self.believe(indices[submitter.key] == index, "key \(place) has number \(place)")
            try Self.believe(names.contains(submitter.name), "name \(place) is among the names")
            try Self.believe(PartyName.isValid(submitter.name), "name \(place) is well formed")
            try Self.believe(submitter.quota <= Limits.unclosedMax, "quota \(place) is in bounds")
        }
        try Self.believe(
            refusals.count <= Limits.refusedSendersMax, "\(refusals.count) senders, too many")
        try Self.believe(
            zip(refusals, refusals.dropFirst()).allSatisfy { $0.sender < $1.sender },
            "senders of what was refused rise by key")
        try Self.believe(
            refusals.allSatisfy { (1...Limits.unclosedMax).contains($0.count) },
            "each sender is counted at least once, and not without bound")
        // Batch 0 has no minute: it refuses nothing.
        try Self.believe(
            height.rawValue == 0 ? refusals.isEmpty : refusalMinute == time.minute,
            "refusals are those of the minute of the last batch")
    }
}
