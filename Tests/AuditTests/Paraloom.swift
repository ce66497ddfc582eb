// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import Groth16
import Ledger
import TestSupport

/// The third-party proofs, as requests to circuits of ours.
enum Paraloom {
    static let folder = "groth16/paraloom/"
    static let isThere = Vectors.has(folder + "verification_key.json")

    static func inputs(_ name: String) throws -> [Bytes32] {
        let texts: [String] = try Vectors.json(folder + "transact_\(name).public.json")
        return try PublicInputs.parse(decimal: texts).map {
            Bytes32($0.littleEndianBytes) ?? .zero
        }
    }

    static func circuit(_ name: String) throws -> GenesisCircuit {
        let form: SnarkjsVerifyingKey = try Vectors.json(folder + "verification_key.json")
        let inputs = try inputs(name)
        let circuit = Circuit(
            name: "paraloom-\(name)", verifyingKey: try VerifyingKey(snarkjs: form).bytes,
            inputs: [
                .root, .negatedAmount, .externalDataHash, .constant(inputs[3]), .nullifier,
                .nullifier, .free, .free,
            ])
        return GenesisCircuit(circuit: circuit, roots: [inputs[0]])
    }

    /// A request of the scenario's submitter, without a signature.
    static func request(
        _ name: String, proofOf other: String? = nil, timestamp: UInt64 = 0
    ) throws -> RequestMessage {
        let form: SnarkjsProof = try Vectors.json(
            folder + "transact_\(other ?? name).proof.json")
        let inputs = try inputs(name)
        let recipient = [UInt8](repeating: name == "native" ? 0x03 : 0x22, count: 32)
        return RequestMessage(
            circuit: try circuit(name).circuit.id, nullifiers: [inputs[4], inputs[5]],
            amount: Amount(500), recipient: Bytes32(recipient) ?? .zero,
            proof: try Proof(snarkjs: form).compressed, publicInputs: inputs,
            timestamp: Time(timestamp), submitter: Fixture.key(200).publicKey, signature: .zero)
    }
}
