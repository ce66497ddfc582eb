// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What the validators, submitters and circuits of a ledger are called, by index.
package struct LedgerNames: Equatable, Sendable {
    /// The validators, also those that left.
    package let validators: [String]
    /// The submitters.
    package let submitters: [String]
    /// The circuits.
    package let circuits: [String]

    /// Names by index.
    package init(validators: [String], submitters: [String] = [], circuits: [String] = []) {
        self.validators = validators
        self.submitters = submitters
        self.circuits = circuits
    }

    /// The names in a state.
    package init(_ state: LedgerState) {
        self.init(
            validators: state.validators.map(\.name), submitters: state.submitters.map(\.name),
            circuits: state.circuits.map(\.circuit.name))
    }

    /// The names in the first entry.
    package init(_ opened: LedgerOpened) {
        self.init(
            validators: opened.validators.map(\.name), submitters: opened.submitters.map(\.name),
            circuits: opened.circuits.map(\.circuit.name))
    }

    /// The index of a validator that is called so: a name, or a number.
    package func validator(_ text: String) -> ValidatorIndex? {
        Self.index(text, in: validators).map { ValidatorIndex($0) }
    }

    /// The index of a circuit that is called so: a name, or a number.
    package func circuit(_ text: String) -> CircuitIndex? {
        Self.index(text, in: circuits).map { CircuitIndex($0) }
    }

    /// What a validator is called; its number where it has no name here.
    package func name(of index: ValidatorIndex) -> String {
        let place = Int(index.rawValue)
        return validators.indices.contains(place)
            ? validators[place] : "validator \(index.rawValue)"
    }

    private static func index(_ text: String, in names: [String]) -> UInt16? {
        if let place = names.firstIndex(of: text) { return UInt16(exactly: place) }
        return UInt64(plain: text).flatMap { UInt16(exactly: $0) }
            .flatMap { names.indices.contains(Int($0)) ? $0 : nil }
    }
}
