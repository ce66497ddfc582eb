// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A value of TOML 1.0.
package enum TOMLValue: Equatable, Sendable {
    /// The four kinds of dates and times.
    package enum TimeKind: String, Sendable {
        case offsetDateTime, localDateTime, localDate, localTime
    }

    case text(String)
    case integer(Int64)
    /// A number with a point or an exponent, `inf` or `nan`: as written, without underscores.
    case decimal(String)
    case bool(Bool)
    /// A date, a time or both, as written.
    case time(TimeKind, String)
    case array([TOMLValue])
    case table([String: TOMLValue])

    /// What a person calls its type.
    package var word: String {
        switch self {
        case .table: "a section"
        case .array: "a list"
        case .text: "a text"
        case .integer: "a whole number"
        case .decimal: "a decimal number"
        case .bool: "true or false"
        case .time: "a date or time"
        }
    }
}

/// Why a text is no TOML 1.0.
package struct TOMLProblem: Error, Equatable, Sendable {
    /// Where it is.
    package let place: TextPlace
    /// What is wrong, for a person.
    package let words: String
}
