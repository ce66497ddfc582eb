// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
package import Cryptography
package import Groth16

/// Whether thirty-two little-endian bytes are a scalar below the group order.
func isCanonical(_ bytes: Bytes32) -> Bool { Fr(littleEndian: bytes.bytes) != nil }

extension Circuit {
    /// Whether a request has as many inputs and nullifiers as the circuit, every one canonical and
    /// no nullifier twice, and its inputs are what its own fields bind them to.
    ///
    /// What the ledger asks of a request without its state: neither root nor spent nullifiers.
    package func admits(_ request: RequestMessage) -> Bool {
        request.publicInputs.count == inputs.count
            && request.nullifiers.count == nullifierCount
            && request.publicInputs.allSatisfy(isCanonical)
            && request.nullifiers.allSatisfy(isCanonical)
            && isSatisfied(by: request)
            && Set(request.nullifiers).count == request.nullifiers.count
    }

    /// Whether the public inputs are what the request's own fields bind them to.
    ///
    /// - Precondition: There are as many inputs and nullifiers as the circuit has.
    func isSatisfied(by request: RequestMessage) -> Bool {
        invariant(
            request.publicInputs.count == inputs.count,
            "\(request.publicInputs.count) of \(inputs.count) inputs are compared")
        var nullifiers = request.nullifiers.makeIterator()
        let isSatisfied = zip(inputs, request.publicInputs).allSatisfy { binding, input in
            switch binding {
            case .root, .free: true
            case .nullifier: nullifiers.next() == input
            case .amount: Fr(request.amount.rawValue).littleEndianBytes == input.bytes
            case .negatedAmount:
                Fr(request.amount.rawValue).negated.littleEndianBytes == input.bytes
            case .recipient: request.recipient == input
            case .externalDataHash:
                Self.externalDataHash(request.recipient, request.amount) == input.bytes
            case .constant(let value): value == input
            }
        }
        invariant(!isSatisfied || nullifiers.next() == nil, "a nullifier is bound to no input")
        return isSatisfied
    }

    /// `SHA-256(recipient || i64 LE of -amount)` read little-endian modulo r, as little-endian
    /// bytes; nil for an amount above 2^63 - 1. Source: the form that Paraloom uses.
    package static func externalDataHash(_ recipient: Bytes32, _ amount: Amount) -> [UInt8]? {
        guard let signed = Int64(exactly: amount.rawValue) else { return nil }
        var writer = BorshWriter()
        writer.write(recipient)
        writer.write(-signed)
        let digest = Digest(hashing: writer.bytes)
        return Fr(reducingLittleEndian: digest.bytes)?.littleEndianBytes
    }

    /// Whether root, a nullifier, amount and recipient are all bound.
    package var isBound: Bool {
        let hash = inputs.contains(.externalDataHash)
        return inputs.contains(.root) && inputs.contains(.nullifier)
            && (hash || inputs.contains(.amount) || inputs.contains(.negatedAmount))
            && (hash || inputs.contains(.recipient))
    }

    /// Why proofs of the circuit's key are worth nothing here; nil where nothing is known against
    /// it. The one check of keys, wherever they enter.
    package func soundnessFault(of key: VerifyingKey) -> VerifyingKeyFault? {
        key.soundnessFault(isBound: inputs.map { $0 != .free })
    }
}

extension LedgerState {
    /// Checks, in order: name, verifying key, number and kind of inputs, bindings, and that proofs
    /// of the key are worth anything.
    static func check(_ circuit: Circuit) throws(Refusal) {
        guard PartyName.isValid(circuit.name) else { throw .malformedName }
        guard
            circuit.inputs.count <= Limits.publicInputsMax,
            circuit.nullifierCount <= Limits.nullifiersMax
        else { throw .malformedCircuit }
        let key: VerifyingKey
        do { key = try VerifyingKey(bytes: circuit.verifyingKey) } catch {
            throw .malformedCircuit
        }
        guard key.publicInputCount == circuit.inputs.count else { throw .malformedCircuit }
        for case .constant(let value) in circuit.inputs {
            guard isCanonical(value) else { throw .malformedCircuit }
        }
        guard circuit.isBound else { throw .circuitUnbound }
        if let fault = circuit.soundnessFault(of: key) { throw Refusal(fault) }
    }
}

extension Refusal {
    /// The refusal for a verifying key that proves nothing.
    init(_ fault: VerifyingKeyFault) {
        self =
            switch fault {
            case .gammaIsDelta: .gammaIsDelta
            case .gammaIsBeta: .gammaIsBeta
            case .deltaIsBeta: .deltaIsBeta
            case .deltaIsGenerator: .deltaIsGenerator
            case .secretIsKnown: .keySecretKnown
            case .constantIsInfinity: .constantIsInfinity
            case .constantIsAlpha: .constantIsAlpha
            case .inputIsInfinity: .inputIsInfinity
            case .inputIsConstant: .inputIsConstant
            case .inputsShareAPoint: .inputsShareAPoint
            }
    }
}
