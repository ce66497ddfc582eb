// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// A verifying key with all that can be computed before the first proof arrives.
///
/// Preparing takes some milliseconds and 152 KB a public input and for two points more (33 KB an
/// input from 32 on). Copies
/// share that memory, and comparing a copy with what it was copied from costs next to nothing.
package struct PreparedVerifyingKey: Equatable, Sendable {
    /// The number of public inputs.
    package let publicInputCount: Int
    /// The pairing of alpha and beta.
    let alphaBeta: Fp12
    /// Multiples of the negation of alpha.
    let alpha: FixedBaseTable
    let beta: PreparedG2
    let gamma: PreparedG2
    let delta: PreparedG2
    /// The negated point for the constant.
    private let constant: G1Affine
    /// Multiples of the negated points for the inputs, and then of that for the constant.
    let inputPoints: FixedBaseTable

    /// Prepares a key.
    package init(_ key: VerifyingKey) {
        publicInputCount = key.publicInputCount
        alphaBeta = Pairing.product([(key.alpha, key.beta)])
        alpha = FixedBaseTable([key.alpha.negated])
        beta = PreparedG2(key.beta)
        gamma = PreparedG2(key.gamma)
        delta = PreparedG2(key.delta)
        constant = key.ic[0].negated
        inputPoints = FixedBaseTable((key.ic.dropFirst() + key.ic.prefix(1)).map(\.negated))
    }

    /// Returns whether the proof holds for these public inputs.
    ///
    /// That is e(A, B) = e(alpha, beta) e(L, gamma) e(C, delta), with L the sum of the constant's
    /// point and of each input times its point. Throws only `wrongInputCount`. Not constant-time:
    /// a verifier has no secrets.
    /// Source: Groth 2016, "On the size of pairing-based non-interactive arguments", section 3.2.
    package func verify(_ proof: Proof, inputs: [Fr]) throws(Groth16Error) -> Bool {
        guard inputs.count == publicInputCount else {
            throw .wrongInputCount(expected: publicInputCount, actual: inputs.count)
        }
        let sides = plain(Equation(a: proof.a, c: proof.c, inputs: inputs))
        let value = Pairing.millerLoop([(proof.a, proof.b)], prepared: sides.fixed)
        return Pairing.finalExponentiation(value) == alphaBeta
    }

    /// The product of one equation as it is, which has to be `alphaBeta`.
    func plain(_ equation: Equation) -> Product {
        let sum = inputPoints.sumVariableTime(equation.inputs, offset: constant)
        return Product(
            first: [equation.a],
            fixed: [(sum, gamma), (equation.c.negated.jacobian, delta)])
    }
}
