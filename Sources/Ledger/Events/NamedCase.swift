// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An enumeration that stands in the log by number, and before people and in JSON by the names of
/// its cases: the declaration is the one table of both.
package protocol NamedCase: CaseIterable, RawRepresentable<UInt8>, Sendable {
    /// `namesOfCases()`, kept.
    static var names: [String] { get }
}

extension NamedCase {
    /// Returns the name of each case at the place of its number; empty where no case has a number.
    static func namesOfCases() -> [String] {
        let size = allCases.reduce(0) { max($0, Int($1.rawValue) + 1) }
        var names = [String](repeating: "", count: size)
        for value in allCases { names[Int(value.rawValue)] = "\(value)" }
        return names
    }

    /// What JSON calls it: the name of the case.
    package var jsonName: String { Self.names[Int(rawValue)] }

    /// The case that JSON calls so; nil where none is.
    package init?(jsonName: String) {
        guard let found = Self.allCases.first(where: { $0.jsonName == jsonName }) else {
            return nil
        }
        self = found
    }
}
