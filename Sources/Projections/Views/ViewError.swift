// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a view cannot be given.
package enum ViewError: Error, Equatable {
    /// SQLite failed; its message.
    case database(String)
    /// Somebody else has written to the file; what, in words.
    case changed(String)
    /// A value in the file is none that a fold writes.
    case unreadable(column: String)
    /// Nothing has the name that was given.
    case notFound
    /// Several things have names that start with what was given; the first few, in order.
    case ambiguous([NamedThing])
    /// What was given is neither a number nor the first digits of a name.
    case notAName
}

/// Something that people call by the first digits of its name.
package struct NamedThing: Equatable, Sendable {
    /// Its number: an entry, or the number of a validator.
    package let number: UInt64
    /// Its whole name: hexadecimal digits.
    package let name: String

    /// One of those that share the digits given.
    package init(number: UInt64, name: String) {
        self.number = number
        self.name = name
    }
}

extension ViewError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .database(let message): "the projections cannot be read: \(message)"
        case .changed(let what):
            "the projections are not what was folded, and nothing is read from them: \(what);"
                + " ask again, since whoever needs them next builds them anew"
        case .unreadable(let column):
            "the projections hold a value in \(column) that no fold writes;"
                + " recount projections rebuild makes them anew"
        case .notFound: "there is no such thing"
        case .ambiguous(let things):
            "several are meant: " + things.map(\.name).joined(separator: ", ")
        case .notAName: "that is neither a number nor hexadecimal digits"
        }
    }
}
