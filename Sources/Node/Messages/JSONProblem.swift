// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why a text is not JSON of which every reader makes the same.
package enum JSONProblem: Error, Equatable, Sendable {
    /// It begins with the byte order mark of UTF-8.
    case byteOrderMark
    /// It is written in another encoding, which has this name.
    case encoding(String)
    /// It is not well-formed UTF-8.
    case notUTF8(TextPlace)
    /// Arrays and objects are nested more deeply than anything that is read here.
    case tooDeep(max: Int)
    /// The text ends within a value, or is empty.
    case ends(TextPlace)
    /// Something else than JSON (RFC 8259) stands there.
    case syntax(TextPlace, wanted: String)
    /// A name stands twice in one object.
    case doubledName(String, TextPlace)
    /// A string holds half of a surrogate pair, which stands for no character.
    case loneSurrogate(TextPlace)
    /// A number has a fraction or an exponent, or is a negative zero: readers differ in its value.
    case inexactNumber(String, TextPlace)
}

extension JSONProblem {
    /// Where it is, where that can be told.
    package var place: TextPlace? {
        switch self {
        case .byteOrderMark, .encoding, .tooDeep: nil
        case .notUTF8(let place), .ends(let place), .syntax(let place, _),
            .doubledName(_, let place), .loneSurrogate(let place), .inexactNumber(_, let place):
            place
        }
    }

    /// What is wrong, without where.
    package var words: String {
        switch self {
        case .byteOrderMark: "it begins with a byte order mark; save it as UTF-8 without one"
        case .encoding(let name): "it is written in \(name); save it as UTF-8"
        case .notUTF8: "it is not well-formed UTF-8; save it as UTF-8"
        case .tooDeep(let max): "it is nested more than \(max) levels deep"
        case .ends: "it ends too early"
        case .syntax(_, let wanted): "\(wanted) is wanted"
        case .doubledName(let name, _):
            "the name \(name.debugDescription) stands twice in one object, and readers differ in"
                + " which they take"
        case .loneSurrogate: "half of a surrogate pair, which is no character"
        case .inexactNumber(let text, _):
            "\(text.prefix(40)) is written with a fraction, an exponent or as a negative zero;"
                + " whole numbers are wanted, in plain digits"
        }
    }
}

extension JSONProblem: CustomStringConvertible {
    /// Where it is and what is wrong, for a person.
    package var description: String { place.map { "\($0): \(words)" } ?? words }
}
