// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A queue: what came first goes first, each in constant time on the average.
struct Fifo<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    /// How many elements wait.
    var count: Int { elements.count - head }

    /// The element that goes next.
    var first: Element? { head < elements.count ? elements[head] : nil }

    /// Adds an element behind all others.
    mutating func append(_ element: Element) { elements.append(element) }

    /// Takes the element that goes next.
    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        head += 1
        // Once half of the array has gone, its memory goes too.
        if head > 32, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }
}
