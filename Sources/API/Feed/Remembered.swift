// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The newest values by their keys: as many as there is room for.
struct Remembered<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let countMax: Int
    private var values: [Key: Value] = [:]
    /// The keys, oldest first from `oldest` on and round.
    private var keys: [Key] = []
    private var oldest = 0

    init(countMax: Int) { self.countMax = countMax }

    /// The value of a key; setting one forgets the oldest where there is no room.
    subscript(key: Key) -> Value? { values[key] }

    /// Remembers a value.
    mutating func add(_ key: Key, _ value: Value) {
        if values.updateValue(value, forKey: key) != nil { return }
        if keys.count < countMax { return keys.append(key) }
        values[keys[oldest]] = nil
        keys[oldest] = key
        oldest = (oldest + 1) % countMax
    }

    /// Forgets one; its place is used again when its turn comes.
    mutating func remove(_ key: Key) { values[key] = nil }
}
