// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

extension PreparedVerifyingKey {
    /// A proof with the public inputs that it is to hold for.
    package struct Item: Sendable {
        /// The proof.
        package let proof: Proof
        /// The public inputs.
        package let inputs: [Fr]

        /// Pairs a proof with its inputs.
        package init(_ proof: Proof, inputs: [Fr]) {
            self.proof = proof
            self.inputs = inputs
        }
    }

    /// Up to this many proofs of a batch that failed are verified one by one.
    private static let oneByOneMax = 8

    /// Returns for each proof whether it holds for its inputs: the verdicts of `verify`.
    ///
    /// The equations, each to the power of a random factor of 128 bits, are checked as one
    /// product: a Miller loop for each A and B, with shared squarings, one each for alpha, gamma
    /// and delta, and one final exponentiation. A product that is not one is settled by halves,
    /// and from eight proofs down one by one: with one bad proof among 64 faster than one by one
    /// from the start, with nothing but bad proofs about two and a half times as slow.
    ///
    /// A proof that holds is never refused. One that does not is taken with a probability of at
    /// most 2^-128 for each product that it is part of, if whoever made the proofs cannot predict
    /// `factors`: the pairing has prime order, and with all other factors chosen no more than one
    /// value of its own factor makes the product one. That rests on B being in the group, which
    /// is checked for every point by itself when a `Proof` is made: the cofactor of the twist
    /// contains 10069, so that a combined check would let one in 10069 pass.
    /// Throws only `wrongInputCount`, for the first item that has it, before anything is verified.
    /// Source: Ferrara, Green, Hohenberger and Pedersen 2009, "Practical short signature batch
    /// verification", technique 2 (small exponents).
    package func verifyTogether(
        _ items: [Item], factors: inout some RandomNumberGenerator
    ) throws(Groth16Error) -> [Bool] {
        for item in items where item.inputs.count != publicInputCount {
            throw .wrongInputCount(expected: publicInputCount, actual: item.inputs.count)
        }
        var verdicts = [Bool](repeating: false, count: items.count)
        try settle(items[...], knownToFail: false, &verdicts, &factors)
        return verdicts
    }

    /// Fills in the verdicts of some items, of which one fails if that is known.
    func settle(
        _ items: ArraySlice<Item>, knownToFail: Bool, _ verdicts: inout [Bool],
        _ factors: inout some RandomNumberGenerator
    ) throws(Groth16Error) {
        if items.count < 2 || knownToFail && items.count <= Self.oneByOneMax {
            for index in items.indices {
                verdicts[index] = try verify(items[index].proof, inputs: items[index].inputs)
            }
            return
        }
        if !knownToFail, allHold(items, &factors) {
            for index in items.indices { verdicts[index] = true }
            return
        }
        if items.count <= Self.oneByOneMax {
            return try settle(items, knownToFail: true, &verdicts, &factors)
        }
        let middle = items.startIndex + items.count / 2
        let first = items[..<middle]
        try settle(first, knownToFail: false, &verdicts, &factors)
        // With a first half that holds, the one that fails is in the second.
        let isInSecond = first.indices.allSatisfy { verdicts[$0] }
        try settle(items[middle...], knownToFail: isInSecond, &verdicts, &factors)
    }

    /// Returns whether the product of all equations, to the powers of fresh factors, is one.
    private func allHold(
        _ items: ArraySlice<Item>, _ factors: inout some RandomNumberGenerator
    ) -> Bool {
        let equations = weighted(items.map(\.equation), &factors)
        let value = Pairing.millerLoop(
            zip(equations.first, items).map { ($0, $1.proof.b) }, prepared: equations.fixed)
        return Pairing.finalExponentiation(value) == .one
    }
}

// MARK: - Equations to the powers of factors

extension PreparedVerifyingKey {
    /// What the equation of a proof has but for B.
    struct Equation {
        let a: G1Affine
        let c: G1Affine
        let inputs: [Fr]
    }

    /// A product of equations but for the points B.
    struct Product {
        /// A of each proof, times its factor where it has one.
        let first: [G1Affine]
        /// The pairs of all proofs together.
        let fixed: [(G1Point, PreparedG2)]
    }

    /// Draws a factor for each equation and multiplies by it.
    func weighted(
        _ equations: [Equation], _ factors: inout some RandomNumberGenerator
    ) -> Product {
        let scalars = equations.map { _ in SplitScalar(from: &factors) }
        let inLanes = multiplyInLanes(equations, scalars)
        let first =
            inLanes?.first
            ?? zip(equations, scalars).map { $0.a.multipliedVariableTime(by: $1) }
        let third =
            inLanes?.third
            ?? G1Affine.sumVariableTime(equations.map(\.c.negated), scalars)
        var sum = Fr.zero
        var inputs = [Fr](repeating: .zero, count: publicInputCount)
        for (equation, scalar) in zip(equations, scalars) {
            let element = inLanes == nil ? scalar.element : scalar.signedElement
            sum = sum + element
            for index in inputs.indices {
                inputs[index] = inputs[index] + element * equation.inputs[index]
            }
        }
        return Product(
            first: G1Affine.normalize(first),
            fixed: [
                (alpha.sumVariableTime([sum]), beta),
                (inputPoints.sumVariableTime(inputs + [sum]), gamma), (third, delta),
            ])
    }

    /// Multiplies A and the negation of C by the `signedElement` of each scalar; nil where the
    /// kernels cannot. No multiple of a point of prime order by such a scalar is infinity, so one
    /// that seems so is left to Swift.
    private func multiplyInLanes(
        _ equations: [Equation], _ scalars: [SplitScalar]
    ) -> (first: [G1Point], third: G1Point)? {
        if equations.contains(where: { $0.a.isInfinity || $0.c.isInfinity }) { return nil }
        guard let first = Kernels.multiples(equations.map(\.a), scalars),
            !first.contains(where: \.isInfinity),
            let third = Kernels.sum(equations.map(\.c.negated), scalars)
        else { return nil }
        return (first, third)
    }
}

extension PreparedVerifyingKey.Item {
    fileprivate var equation: PreparedVerifyingKey.Equation {
        PreparedVerifyingKey.Equation(a: proof.a, c: proof.c, inputs: inputs)
    }
}
