// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a public input of a circuit must equal in every request.
package enum InputBinding: Hashable, Sendable, BorshCodable {
    /// A published root of the circuit.
    case root
    /// The next nullifier of the request.
    case nullifier
    /// The amount.
    case amount
    /// The amount negated modulo r.
    case negatedAmount
    /// The recipient's thirty-two bytes, read little-endian.
    case recipient
    /// `SHA-256(recipient || i64 LE of -amount)`, read little-endian modulo r.
    case externalDataHash
    /// This field element, as thirty-two little-endian bytes.
    case constant(Bytes32)
    /// Nothing.
    case free

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .root: writer.write(UInt8(0))
        case .nullifier: writer.write(UInt8(1))
        case .amount: writer.write(UInt8(2))
        case .negatedAmount: writer.write(UInt8(3))
        case .recipient: writer.write(UInt8(4))
        case .externalDataHash: writer.write(UInt8(5))
        case .constant(let value):
            writer.write(UInt8(6))
            writer.write(value)
        case .free: writer.write(UInt8(7))
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .root
        case 1: self = .nullifier
        case 2: self = .amount
        case 3: self = .negatedAmount
        case 4: self = .recipient
        case 5: self = .externalDataHash
        case 6: self = .constant(try reader.bytes32())
        case 7: self = .free
        case let tag: throw .unknownTag(type: "InputBinding", tag: tag, offset: start)
        }
    }
}

/// A circuit whose proofs the ledger accepts: its verifying key and what its inputs are bound to.
package struct Circuit: BorshCodable, Hashable, Sendable {
    /// Its name.
    package var name: String
    /// The verifying key in the binary form of `Groth16.VerifyingKey`.
    package var verifyingKey: [UInt8]
    /// What each public input is bound to, in order.
    package var inputs: [InputBinding]

    /// Whether the key can be read and the inputs bind enough is `LedgerState.check`.
    package init(
        name: String, verifyingKey: [UInt8], inputs: [InputBinding]
    ) {
        self.name = name
        self.verifyingKey = verifyingKey
        self.inputs = inputs
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(name)
        writer.write(verifyingKey)
        writer.write(inputs)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        name = try reader.text(of: "Circuit.name", bound: Limits.partyNameBytesMax)
        verifyingKey = try reader.blob(
            of: "Circuit.verifyingKey", bound: Limits.verifyingKeyBytesMax)
        inputs = try reader.list(bound: Limits.publicInputsMax)
    }
}

extension Circuit {
    /// The identity: SHA-256 of the definition after its domain.
    package var id: CircuitID {
        var writer = BorshWriter(domain: "recount/circuit/v1")
        writer.write(self)
        return CircuitID(Digest(hashing: writer.bytes))
    }

    /// The number of nullifiers that a request to this circuit has.
    package var nullifierCount: Int { inputs.count { $0 == .nullifier } }
}
