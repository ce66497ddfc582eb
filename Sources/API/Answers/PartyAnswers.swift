// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// What validators, submitters and circuits are called, by number.
package struct NamesAnswer: Codable, Sendable {
    /// The validators, also those that left.
    package var validators: [String]
    /// The submitters.
    package var submitters: [String]
    /// The circuits.
    package var circuits: [String]

    /// The names of a state.
    package init(_ names: LedgerNames) {
        validators = names.validators
        submitters = names.submitters
        circuits = names.circuits
    }

    /// The names, for those who print.
    package var names: LedgerNames {
        LedgerNames(validators: validators, submitters: submitters, circuits: circuits)
    }
}

/// A circuit as clients need it to make requests.
package struct CircuitAnswer: Codable, Sendable {
    /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
    package var name: String
    /// Its identity: the SHA-256 of `recount/circuit/v1` and the definition.
    package var circuitID: String
    /// What each public input is bound to, in order.
    package var inputs: [String]
    /// Its definition: the Borsh, in hexadecimal.
    package var definition: String

    /// A circuit of the ledger.
    init(_ circuit: Circuit) {
        name = circuit.name
        circuitID = circuit.id.hex
        inputs = circuit.inputs.map(\.word)
        definition = circuit.encoded.hex
    }

    /// The circuit that the definition says, where its name and identity are those stated.
    package var circuit: Circuit? {
        guard let bytes = [UInt8](hex: definition) else { return nil }
        do throws(Ledger.DecodingError) {
            let circuit = try Circuit(decoding: bytes)
            return circuit.name == name && circuit.id.hex == circuitID ? circuit : nil
        } catch { return nil }
    }
}

/// The circuits of a ledger, by number.
package struct CircuitsAnswer: Codable, Sendable {
    /// All of them.
    package var circuits: [CircuitAnswer]
}

extension InputBinding {
    fileprivate var word: String {
        switch self {
        case .root: "root"
        case .nullifier: "nullifier"
        case .amount: "amount"
        case .negatedAmount: "negatedAmount"
        case .recipient: "recipient"
        case .externalDataHash: "externalDataHash"
        case .constant: "constant"
        case .free: "free"
        }
    }
}
