// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What can be looked up in a `KeyedTable`.
protocol TableKey: Equatable, Sendable {
    /// Its hash under a secret.
    func hash(_ hash: KeyedHash) -> UInt64
}

/// Nobody chooses an index, and no two of the log's are nearer than those of two requests: left in
/// their order they fill a table as evenly as they fill the log, and neighbours lie together.
extension EntryIndex: TableKey {
    func hash(_ hash: KeyedHash) -> UInt64 { rawValue << 20 | rawValue >> 44 }
}

extension RequestID: TableKey {
    func hash(_ hash: KeyedHash) -> UInt64 { hash.hash(digest.value) }
}

extension Bytes32: TableKey {
    func hash(_ hash: KeyedHash) -> UInt64 { hash.hash(self) }
}

/// A table that only grows: what a state with millions of decisions is restored into quickly.
///
/// Keys and values lie in the order in which they came, so that filling it writes them one behind
/// the other and touches one slot each. Like `Dictionary` it may be looked up and never walked.
///
/// Invariants: `keys` and `values` are as many; the slots are a power of two, at most three of four
/// in use; a slot in use holds the upper half of the key's hash and, below it, its place plus one.
struct KeyedTable<Key: TableKey, Value: Sendable>: Sendable {
    private static var slotsMin: Int { 16 }

    private var keys: [Key] = []
    private var values: [Value] = []
    private var slots = [UInt64](repeating: 0, count: Self.slotsMin)
    private let secret = KeyedHash.ofProcess

    /// No keys.
    init() {}

    /// The number of keys.
    var count: Int { keys.count }

    /// The value of a key; setting nil is a mistake of the caller's, for nothing is removed.
    subscript(key: Key) -> Value? {
        get {
            let found = slot(of: key)
            return found.place.map { values[$0] }
        }
        set {
            invariant(newValue != nil, "a key was to be removed")
            if let newValue { _ = updateValue(newValue, forKey: key) }
        }
    }

    /// Sets the value of a key; returns the one before, where there was one.
    @discardableResult
    mutating func updateValue(_ value: Value, forKey key: Key) -> Value? {
        if 4 * (keys.count + 1) > 3 * slots.count { spread(over: 2 * slots.count) }
        return set(value, key, at: slot(of: key))
    }

    /// Sets values in order; `isGood` is asked of each that takes the place of another.
    ///
    /// Looks at the slots of all before it uses the first, so that memory is waited for once.
    /// Returns whether all were good.
    mutating func update(
        _ block: [(key: Key, value: Value)], isGood: (_ before: Value, Value) -> Bool
    ) -> Bool {
        reserveCapacity(keys.count + block.count)
        let mask = slots.count - 1
        let seen = block.map { pair in
            slots[Int(truncatingIfNeeded: pair.key.hash(secret) >> 20) & mask]
        }
        var areGood = true
        for (pair, first) in zip(block, seen) {
            let found = slot(of: pair.key, first: first)
            guard let before = set(pair.value, pair.key, at: found) else { continue }
            areGood = areGood && isGood(before, pair.value)
        }
        return areGood
    }

    private mutating func set(
        _ value: Value, _ key: Key, at found: (place: Int?, slot: Int, tag: UInt64)
    ) -> Value? {
        if let place = found.place {
            let before = values[place]
            values[place] = value
            return before
        }
        invariant(keys.count < Int(UInt32.max), "a table of \(keys.count) keys")
        invariant(slots[found.slot] == 0, "a key is noted where another is")
        keys.append(key)
        values.append(value)
        slots[found.slot] = found.tag | UInt64(keys.count)
        invariant(
            4 * keys.count <= 3 * slots.count, "\(keys.count) keys in \(slots.count) slots")
        return nil
    }

    /// Changes a value where it lies; returns false where the key is none.
    mutating func change(_ key: Key, _ body: (inout Value) -> Bool) -> Bool {
        guard let place = slot(of: key).place else { return false }
        return body(&values[place])
    }

    /// Makes room for so many keys.
    mutating func reserveCapacity(_ count: Int) {
        // Twice as many where there is none, as `append` would.
        if count > keys.capacity {
            keys.reserveCapacity(max(count, 2 * keys.count))
            values.reserveCapacity(max(count, 2 * keys.count))
        }
        var wanted = slots.count
        while 4 * count > 3 * wanted { wanted *= 2 }
        if wanted > slots.count { spread(over: wanted) }
    }

    /// The place of a key, or the slot where it would be noted.
    ///
    /// `first` is what was seen in its first slot, or 0: a slot in use stays as it is.
    private func slot(
        of key: Key, first: UInt64 = 0
    ) -> (place: Int?, slot: Int, tag: UInt64) {
        let hash = key.hash(secret)
        let tag = hash & 0xFFFF_FFFF_0000_0000
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash >> 20) & mask
        var found = first == 0 ? slots[slot] : first
        while found != 0 {
            if found & 0xFFFF_FFFF_0000_0000 == tag {
                let place = Int(found & 0xFFFF_FFFF) - 1
                if keys[place] == key { return (place, slot, tag) }
            }
            slot = (slot + 1) & mask
            found = slots[slot]
        }
        return (nil, slot, tag)
    }

    private mutating func spread(over count: Int) {
        invariant(keys.count == values.count, "\(keys.count) keys, \(values.count) values")
        invariant(count.nonzeroBitCount == 1, "\(count) slots are no power of two")
        invariant(count > slots.count, "\(slots.count) slots shrink to \(count)")
        slots = [UInt64](repeating: 0, count: count)
        let mask = count - 1
        for (place, key) in keys.enumerated() {
            let hash = key.hash(secret)
            var slot = Int(truncatingIfNeeded: hash >> 20) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(place + 1)
        }
    }
}
