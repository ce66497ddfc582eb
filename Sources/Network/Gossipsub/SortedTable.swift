// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Values by key, in the order of their keys: what is iterated decides the same everywhere.
///
/// For tables of peers and topics, of some hundred rows: finding is O(log n), adding O(n).
package struct SortedTable<Key: Comparable & Sendable, Value: Sendable>: Sendable {
    /// The keys, ascending.
    package private(set) var keys: [Key] = []
    /// The values in the order of the keys.
    package private(set) var values: [Value] = []

    /// A table without rows.
    package init() {}

    /// How many rows there are.
    package var count: Int { keys.count }

    /// Whether there are no rows.
    package var isEmpty: Bool { keys.isEmpty }

    /// The rows, by ascending key.
    package var rows: Zip2Sequence<[Key], [Value]> { zip(keys, values) }

    /// The value of a key; setting nil removes the row.
    package subscript(key: Key) -> Value? {
        get {
            let (index, isThere) = keys.position(of: key)
            return isThere ? values[index] : nil
        }
        set {
            let (index, isThere) = keys.position(of: key)
            switch (newValue, isThere) {
            case (let value?, true): values[index] = value
            case (let value?, false):
                keys.insert(key, at: index)
                values.insert(value, at: index)
            case (nil, true):
                keys.remove(at: index)
                values.remove(at: index)
            case (nil, false): break
            }
        }
    }

    /// Whether there is a row of this key.
    package func contains(_ key: Key) -> Bool { keys.position(of: key).isThere }

    /// Changes the value of a key in place; nil where there is none.
    @discardableResult
    package mutating func update<Result>(
        _ key: Key, _ body: (inout Value) -> Result
    ) -> Result? {
        let (index, isThere) = keys.position(of: key)
        guard isThere else { return nil }
        return body(&values[index])
    }

    /// Changes every value in place, by ascending key.
    package mutating func updateAll(_ body: (Key, inout Value) -> Void) {
        for index in keys.indices { body(keys[index], &values[index]) }
    }

    /// Removes the rows that meet a condition.
    package mutating func removeAll(where condition: (Key, Value) -> Bool) {
        var kept = SortedTable()
        for (key, value) in rows where !condition(key, value) {
            kept.keys.append(key)
            kept.values.append(value)
        }
        self = kept
    }
}

extension Array where Element: Comparable {
    /// Where an element is in an ascending array, or where it would be put.
    func position(of element: Element) -> (index: Int, isThere: Bool) {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < element { low = middle + 1 } else { high = middle }
        }
        return (low, low < count && self[low] == element)
    }

    /// Whether an ascending array contains an element.
    func sortedContains(_ element: Element) -> Bool { position(of: element).isThere }

    /// Adds an element to an ascending array, once.
    /// - Returns: whether it was not there before.
    @discardableResult
    mutating func sortedInsert(_ element: Element) -> Bool {
        let (index, isThere) = position(of: element)
        if !isThere { insert(element, at: index) }
        return !isThere
    }

    /// Removes an element from an ascending array.
    /// - Returns: whether it was there before.
    @discardableResult
    mutating func sortedRemove(_ element: Element) -> Bool {
        let (index, isThere) = position(of: element)
        if isThere { remove(at: index) }
        return isThere
    }
}
