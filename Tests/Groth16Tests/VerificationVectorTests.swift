// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport
import Testing

@Suite("Verification against third-party proofs", .enabled(if: Vectors.has("groth16")))
struct VerificationVectorTests {
    @Test("Each circuit accepts its proof and nothing beside it", arguments: 0..<5)
    func acceptsExactlyTheProof(index: Int) throws {
        let item = try SnarkjsCase.all()[index]
        let key = try VerifyingKey(snarkjs: item.key)
        let prepared = PreparedVerifyingKey(key)
        let proof = try Proof(snarkjs: item.proof)
        let inputs = try PublicInputs.parse(decimal: item.inputs)
        #expect(try prepared.verify(proof, inputs: inputs))
        for changed in inputs.indices {
            var wrong = inputs
            wrong[changed] = wrong[changed] + .one
            #expect(try !prepared.verify(proof, inputs: wrong))
        }
        let wrongProofs = [
            Proof(a: proof.a.negated, b: proof.b, c: proof.c),
            Proof(a: proof.a, b: proof.b.negated, c: proof.c),
            Proof(a: proof.a, b: proof.b, c: proof.c.negated),
            Proof(a: proof.c, b: proof.b, c: proof.a),
            Proof(a: .infinity, b: proof.b, c: proof.c),
            Proof(a: proof.a, b: .infinity, c: proof.c),
            Proof(a: proof.a, b: proof.b, c: .infinity),
            Proof(a: .infinity, b: .infinity, c: .infinity),
        ]
        for wrong in wrongProofs { #expect(try !prepared.verify(wrong, inputs: inputs)) }
        let twice = Proof(a: proof.a.negated, b: proof.b.negated, c: proof.c)
        #expect(try prepared.verify(twice, inputs: inputs), "e(-A, -B) is e(A, B)")
    }

    @Test("A wrong number of inputs has its own error")
    func wrongInputCount() throws {
        let item = try SnarkjsCase(paraloom: "native")
        let prepared = PreparedVerifyingKey(try VerifyingKey(snarkjs: item.key))
        let proof = try Proof(snarkjs: item.proof)
        let inputs = try PublicInputs.parse(decimal: item.inputs)
        #expect(prepared.publicInputCount == 8)
        for count in [0, 7, 9] {
            let given = Array((inputs + inputs).prefix(count))
            #expect(throws: Groth16Error.wrongInputCount(expected: 8, actual: count)) {
                try prepared.verify(proof, inputs: given)
            }
        }
    }

    @Test("The settlement proofs hold in each of their byte forms")
    func paraloomBytes() throws {
        let file: ParaloomKey = try Vectors.json(
            "groth16/paraloom/transact_vk_eip197_strict.json")
        let keyBytes = try file.keyBytes()
        let key = try VerifyingKey(bytes: keyBytes)
        #expect(key.bytes == keyBytes)
        let text = try SnarkjsCase(paraloom: "native")
        #expect(try VerifyingKey(snarkjs: text.key) == key)
        let prepared = PreparedVerifyingKey(key)
        for item in try ParaloomCase.all() {
            let fromText = try SnarkjsCase(paraloom: item.name)
            let proof = try Proof(snarkjs: fromText.proof)
            let strictBytes = try #require(bytes(hex: item.strict))
            let strict = try Proof(ethereum: strictBytes)
            #expect(strict.ethereum == strictBytes)
            #expect(Proof(a: strict.a.negated, b: strict.b, c: strict.c) == proof)
            let compressed = try #require(bytes(hex: item.compressed))
            #expect(try Proof(compressed: compressed) == proof)
            #expect(proof.compressed == compressed)
            #expect(SnarkjsProof(proof) == fromText.proof)

            let hash = try #require(bytes(hex: item.extDataHash))
            let reduced = try #require(Fr(reducingLittleEndian: hash))
            let inputs = try PublicInputs.parse(decimal: fromText.inputs)
            #expect(inputs[2] == reduced)
            #expect(try prepared.verify(proof, inputs: inputs) == item.expect)
            #expect(try !prepared.verify(strict, inputs: inputs), "A is negated there")
        }
    }

    @Test("Inputs above the group order are refused and not reduced")
    func inputsAboveTheOrder() throws {
        for item in try ParaloomCase.all() {
            let parts = try item.publicInputsLittleEndian.map { try #require(bytes(hex: $0)) }
            let big = try item.publicInputsBigEndian.map { try #require(bytes(hex: $0)) }
            let expected = try PublicInputs.parse(
                decimal: try SnarkjsCase(paraloom: item.name).inputs)
            #expect(try PublicInputs.parse(littleEndian: parts) == expected)
            #expect(try PublicInputs.parse(bigEndian: big) == expected)
            guard item.name == "spl" else { continue }
            // The hash itself is above the order; what was proved is its remainder.
            let hash = try #require(bytes(hex: item.extDataHash))
            #expect(
                thrown { () throws(Groth16Error) in
                    _ = try PublicInputs.parse(littleEndian: [parts[0], parts[1], hash])
                } == .inputNotCanonical(index: 2))
            #expect(
                thrown { () throws(Groth16Error) in
                    _ = try PublicInputs.parse(bigEndian: [big[0], big[1], hash.reversed()])
                } == .inputNotCanonical(index: 2))
        }
    }

    @Test("The forms with flags in y, as published, are refused")
    func asPublished() throws {
        for item in try ParaloomCase.all() {
            let published = try #require(bytes(hex: item.asPublished))
            let error = thrown { () throws(Groth16Error) in _ = try Proof(ethereum: published) }
            guard case .notCanonical(_, let coordinate) = error else {
                Issue.record("\(item.name): \(String(describing: error))")
                continue
            }
            #expect(coordinate == .y || coordinate == .y1)
        }
        let key: ParaloomKey = try Vectors.json("groth16/paraloom/transact_vk_alt_bn128.json")
        let keyBytes = try key.keyBytes()
        let error = thrown { () throws(Groth16Error) in _ = try VerifyingKey(bytes: keyBytes) }
        #expect(error == .notCanonical(.beta, .y1))
    }
}
