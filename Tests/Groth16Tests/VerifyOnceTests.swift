// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Groth16
import TestSupport
import Testing

@Suite struct VerifyOnceTests {
    private func wrongProofs(_ proof: Proof) -> [Proof] {
        [
            Proof(a: proof.a.negated, b: proof.b, c: proof.c),
            Proof(a: proof.a, b: proof.b, c: proof.c.negated),
            Proof(a: proof.c, b: proof.b, c: proof.a),
            Proof(a: .infinity, b: proof.b, c: proof.c),
            Proof(a: proof.a, b: .infinity, c: proof.c),
            Proof(a: proof.a, b: proof.b, c: .infinity),
            Proof(a: .infinity, b: .infinity, c: .infinity),
        ]
    }

    @Test(.enabled(if: Vectors.has("groth16"), "no groth16 vectors"), arguments: 0..<5)
    func `third-party proofs hold, and nothing beside them`(_ index: Int) throws {
        let item = try SnarkjsCase.all()[index]
        let key = try VerifyingKey(snarkjs: item.key)
        let proof = try Proof(snarkjs: item.proof)
        let inputs = try PublicInputs.parse(decimal: item.inputs)
        #expect(try key.verifyOnce(proof, inputs: inputs))
        for changed in inputs.indices {
            var wrong = inputs
            wrong[changed] = wrong[changed] + .one
            #expect(try !key.verifyOnce(proof, inputs: wrong))
        }
        for wrong in wrongProofs(proof) {
            #expect(try !key.verifyOnce(wrong, inputs: inputs))
        }
    }

    @Test func `the verdict is that of the prepared key for any number of inputs`() throws {
        for count in 0...5 {
            var generator = SplitMix64(seed: UInt64(count))
            let forge = try Forge(inputCount: count, &generator)
            let prepared = PreparedVerifyingKey(forge.key)
            var inputs = (0..<count).map { _ in Forge.scalar(&generator) }
            if count > 2 { inputs[1] = .zero }
            let proof = forge.proof(inputs, &generator)
            #expect(try forge.key.verifyOnce(proof, inputs: inputs), "\(count) inputs")
            for item in wrongProofs(proof) + [proof] {
                let verdict = try prepared.verify(item, inputs: inputs)
                #expect(try forge.key.verifyOnce(item, inputs: inputs) == verdict, "\(count)")
            }
            #expect(throws: Groth16Error.wrongInputCount(expected: count, actual: count + 1)) {
                try forge.key.verifyOnce(proof, inputs: inputs + [.one])
            }
        }
    }
}
