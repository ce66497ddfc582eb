// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Replication

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
    private var events = TimeQueue<Event>()

    var count: Int { events.count }

    mutating func add(_ event: Event, at moment: Moment) {
        events.push(event, at: moment.microseconds)
    }

    /// The moment of the next event.
    var nextMoment: Moment? { events.first.map { Moment(microseconds: $0.at) } }

    /// Takes the next event out.
    mutating func next() -> (moment: Moment, event: Event)? {
        guard let first = events.first else { return nil }
        events.dropFirst()
        return (Moment(microseconds: first.at), first.element)
    }
}
