// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The names of validators, submitters and circuits: for people, and unique for ever.
package enum PartyName {
    /// Whether it is 1 to 32 of `a-z 0-9 - .`.
    package static func isValid(_ name: String) -> Bool {
        (1...Limits.partyNameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { character in
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Checks that names are valid and that none stands twice.
    static func check(_ names: [String]) throws(Refusal) {
        guard names.allSatisfy(isValid) else { throw .malformedName }
        guard Set(names).count == names.count else { throw .nameTaken }
    }

    /// Checks the name of a key: one that is known keeps its own, a new one takes a new one.
    ///
    /// - Parameters:
    ///   - own: The name that the key has, where it is known.
    ///   - taken: Those of all keys.
    static func check(_ name: String, own: String?, taken: Set<String>) throws(Refusal) {
        guard isValid(name) else { throw .malformedName }
        if let own {
            guard name == own else { throw .nameChanged }
        } else {
            guard !taken.contains(name) else { throw .nameTaken }
        }
    }
}
