// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What is due when: a binary heap, the earliest first, of two at one time the one put in before.
///
/// An element whose time has changed is put in again; its owner knows which of the two counts.
///
/// Invariants: none is before its parent, `items[(k - 1) / 2]`; `number` is above that of each.
package struct TimeQueue<Element> {
    fileprivate struct Item {
        let at: UInt64
        let number: UInt64
        let element: Element

        func isBefore(_ other: Item) -> Bool {
            at == other.at ? number < other.number : at < other.at
        }
    }

    private var items: [Item] = []
    private var number: UInt64 = 0

    /// Begins with nothing in it.
    package init() {}

    /// How many are in it.
    package var count: Int { items.count }

    /// The earliest.
    package var first: (at: UInt64, element: Element)? { items.first.map { ($0.at, $0.element) } }

    /// Puts an element in.
    package mutating func push(_ element: Element, at time: UInt64) {
        let item = Item(at: time, number: number, element: element)
        items.append(item)
        number += 1
        var place = items.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard items[place].isBefore(items[parent]) else { break }
            items.swapAt(place, parent)
            place = parent
        }
        invariant(!item.isBefore(items[0]), "what is due at \(time) is not before what is later")
    }

    /// Takes the earliest out, where it is due.
    mutating func pop(dueAt time: UInt64) -> (at: UInt64, element: Element)? {
        guard let first = items.first, first.at <= time else { return nil }
        dropFirst()
        return (first.at, first.element)
    }

    /// Takes the earliest out.
    package mutating func dropFirst() {
        guard let earliest = items.first else { return }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < items.count {
                if items[child].isBefore(items[least]) { least = child }
            }
            guard least != place else { break }
            items.swapAt(place, least)
            place = least
        }
        invariant(
            items.first.map { earliest.isBefore($0) } ?? true, "what is due later was first")
    }

    /// Leaves only what still counts.
    mutating func keep(_ counts: (_ element: Element, _ at: UInt64) -> Bool) {
        let kept = items.filter { counts($0.element, $0.at) }
        items = []
        for item in kept.sorted(by: { $0.isBefore($1) }) { items.append(item) }
    }
}

extension TimeQueue: Sendable where Element: Sendable {}
extension TimeQueue.Item: Sendable where Element: Sendable {}

/// Elements in the order in which they came.
///
/// Invariants: `start <= elements.count`, and `start < 64` or less than half of that.
struct Line<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var start = 0

    var count: Int { elements.count - start }

    var first: Element? { start < elements.count ? elements[start] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard start < elements.count else { return nil }
        let element = elements[start]
        start += 1
        if start >= 64, start * 2 >= elements.count {
            elements.removeFirst(start)
            start = 0
        }
        invariant(start <= elements.count, "\(start) of \(elements.count) are taken out")
        return element
    }
}
