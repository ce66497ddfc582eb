// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Microseconds of virtual time since the start of a run.
package struct Moment: Hashable, Comparable, Sendable {
    /// The number.
    package let microseconds: UInt64

    /// Wraps a number of microseconds.
    package init(microseconds: UInt64) { self.microseconds = microseconds }

    /// Wraps a number of milliseconds.
    package init(milliseconds: UInt64) { microseconds = milliseconds * 1000 }

    /// Whole milliseconds.
    package var milliseconds: UInt64 { microseconds / 1000 }

    /// Returns a later moment.
    package func adding(microseconds: UInt64) -> Moment {
        Moment(microseconds: self.microseconds + microseconds)
    }

    /// Returns a later moment.
    package func adding(milliseconds: UInt64) -> Moment {
        adding(microseconds: milliseconds * 1000)
    }

    /// Returns how many milliseconds it is after another; 0 where it is not.
    package func milliseconds(since other: Moment) -> UInt64 {
        microseconds > other.microseconds ? (microseconds - other.microseconds) / 1000 : 0
    }

    package static func < (left: Moment, right: Moment) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// What is to happen, in order of time and, at one moment, of the calls that put it there.
struct EventQueue<Event> {
    private struct Item {
        let moment: Moment
        let sequence: UInt64
        let event: Event

        func isBefore(_ other: Item) -> Bool {
            moment == other.moment ? sequence < other.sequence : moment < other.moment
        }
    }

    /// A binary heap, the next event first.
    private var items: [Item] = []
    private var sequence: UInt64 = 0

    var count: Int { items.count }

    mutating func add(_ event: Event, at moment: Moment) {
        items.append(Item(moment: moment, sequence: sequence, event: event))
        sequence += 1
        var place = items.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard items[place].isBefore(items[parent]) else { break }
            items.swapAt(place, parent)
            place = parent
        }
    }

    /// The moment of the next event.
    var nextMoment: Moment? { items.first?.moment }

    /// Takes the next event out.
    mutating func next() -> (moment: Moment, event: Event)? {
        guard let first = items.first else { return nil }
        let last = items.removeLast()
        if !items.isEmpty {
            items[0] = last
            sink()
        }
        return (first.moment, first.event)
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < items.count {
                if items[child].isBefore(items[least]) { least = child }
            }
            guard least != place else { return }
            items.swapAt(place, least)
            place = least
        }
    }
}
