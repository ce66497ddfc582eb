// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The optimal ate pairing on BN254.
///
/// Branches on points at infinity, and inverts in a time that depends on the element.
/// Source: Vercauteren 2010, "Optimal pairings", for BN curves: loop length 6u + 2.
package enum Pairing {
    /// Returns the product of the pairings of all pairs, final exponentiation included.
    ///
    /// The squarings of the Miller loop and the final exponentiation are shared. One exactly when
    /// EIP-197 says so.
    package static func product(_ pairs: [(G1Affine, G2Affine)]) -> Fp12 {
        finalExponentiation(millerLoop(pairs, prepared: []))
    }

    /// Returns the product of the Miller loops of `pairs` and of `prepared`.
    ///
    /// Equal to the true product only up to a factor that the final exponentiation takes to one.
    package static func millerLoop(
        _ pairs: [(G1Affine, G2Affine)], prepared: [(G1Point, PreparedG2)]
    ) -> Fp12 {
        let used = pairs.filter { !$0.0.isInfinity && !$0.1.isInfinity }
        if let loops = inLanes(used.map { ($0.0, TwistPoint($0.1)) }, prepared: prepared) {
            return loops.product
        }
        return millerLoop(used, fixed: fixedPairs(prepared))
    }

    /// The product of Miller loops in Swift, for pairs none of which has infinity.
    package static func portableMillerLoop(_ pairs: [(G1Affine, G2Affine)]) -> Fp12 {
        millerLoop(pairs, fixed: [])
    }

    /// The product of pairings in Swift, for pairs none of which has infinity.
    package static func portableProduct(_ pairs: [(G1Affine, G2Affine)]) -> Fp12 {
        hardPart(easyPart(portableMillerLoop(pairs)))
    }

    private static func millerLoop(
        _ used: [(G1Affine, G2Affine)], fixed: [FixedPair]
    ) -> Fp12 {
        let areMany = used.count >= AffineRunners.pairsMin
        var moving = areMany ? [] : used.map(MovingPair.init)
        var many = AffineRunners(areMany ? used : [])
        var result = Fp12.one
        var lineIndex = 0
        var isFirst = true
        for digit in CurveConstants.ateLoopDigits.dropLast().reversed() {
            if !isFirst { result = result.squared() }
            isFirst = false
            many.double(into: &result)
            for index in moving.indices {
                result = moving[index].evaluate(moving[index].runner.double(), into: result)
            }
            for pair in fixed { result = pair.evaluate(lineIndex, into: result) }
            lineIndex += 1
            if digit == 0 { continue }
            many.add(isNegative: digit < 0, into: &result)
            for index in moving.indices {
                let line = moving[index].runner.add(isNegative: digit < 0)
                result = moving[index].evaluate(line, into: result)
            }
            for pair in fixed { result = pair.evaluate(lineIndex, into: result) }
            lineIndex += 1
        }
        many.addFrobenius(into: &result)
        many.subtractFrobeniusSquared(into: &result)
        for index in moving.indices {
            let first = moving[index].runner.addFrobenius()
            result = moving[index].evaluate(first, into: result)
            let second = moving[index].runner.subtractFrobeniusSquared()
            result = moving[index].evaluate(second, into: result)
        }
        for pair in fixed {
            result = pair.evaluate(lineIndex, into: result)
            result = pair.evaluate(lineIndex + 1, into: result)
        }
        return result
    }

    /// What `millerLoop` returns, by kernels, and whether each second point of `pairs` is in the
    /// group: if one is not, the product is any element. Nil where the kernels are not there.
    ///
    /// The loop leaves [6u + 2]Q + psi(Q) - psi^2(Q) behind, which is -psi^3(Q) exactly for Q in
    /// the group. With N = a^2 + a b t + b^2 p the norm of that sum plus psi^3, written a + b psi
    /// by psi^2 = t psi - p, N Q is zero where the sum is; N and the order of the twist have no
    /// common factor but r. On its way the loop never adds a point to itself or its negation,
    /// whatever the order of Q: k + 1 and k - 1, for each multiple k that Q is added to, and the
    /// norms for the last two steps have no common factor with the order of the twist. If it
    /// did, z would become zero, and the answer be no. `Tools/vectors/bn254_loop.py` checks this.
    /// - Precondition: no point of `pairs` is infinity.
    package static func inLanes(
        _ pairs: [(G1Affine, TwistPoint)], prepared: [(G1Point, PreparedG2)]
    ) -> (product: Fp12, areMembers: [Bool])? {
        guard Kernels.areThere else { return nil }
        let (first, second) = (pairs.map(\.0), pairs.map(\.1))
        let fixed = fixedPairs(prepared)
        if let loops = Kernels.millerLoop(first, second, fixed: fixed) {
            return (loops.products[0], loops.areMembers)
        }
        let others = Kernels.millerLoop([], [], fixed: fixed)?.products[0]
        guard let loops = Kernels.millerLoops(first, second) else { return nil }
        let product = loops.products.reduce(others ?? millerLoop([], fixed: fixed), *)
        return (product, loops.areMembers)
    }

    /// A pair whose lines are computed as the loop runs.
    private struct MovingPair {
        let x: Fp
        let y: Fp
        var runner: MillerRunner

        init(_ pair: (G1Affine, G2Affine)) {
            x = pair.0.x
            y = pair.0.y
            runner = MillerRunner(pair.1)
        }

        func evaluate(_ line: MillerLine, into result: Fp12) -> Fp12 {
            result.multiplied(line: line.constant * y, line.factor1 * x, line.factor3)
        }
    }

    /// A pair whose lines are known.
    struct FixedPair {
        /// x / y of the point of G1.
        let ratio: Fp
        /// 1 / y of the point of G1.
        let inverse: Fp
        let lines: [PreparedG2.Line]

        func evaluate(_ index: Int, into result: Fp12) -> Fp12 {
            let line = lines[index]
            return result.multiplied(unitLine: line.factor1 * ratio, line.factor3 * inverse)
        }
    }

    /// Leaves pairs with infinity out, and takes the points of G1 to the form the lines need.
    ///
    /// In Jacobian coordinates x / y is X Z / Y and 1 / y is Z^3 / Y: one inversion for all.
    private static func fixedPairs(_ prepared: [(G1Point, PreparedG2)]) -> [FixedPair] {
        let used = prepared.filter { !$0.0.isInfinity && !$0.1.lines.isEmpty }
        // No point of G1 has y = 0, since the order of the curve is odd.
        var inverted = used.map(\.0.y)
        Fp.invertAll(&inverted)
        return zip(used, inverted).map { pair, inverse in
            let (point, table) = pair
            let scaled = point.z * inverse
            return FixedPair(
                ratio: point.x * scaled, inverse: point.z.squared() * scaled, lines: table.lines)
        }
    }

    /// Returns a value to the power of (p^12 - 1) / r, times a factor prime to r.
    ///
    /// Source: Fuentes-Castaneda, Knapp and Rodriguez-Henriquez 2011, "Faster hashing to G2",
    /// section 5; the factor is 2u (6u^2 + 3u + 1).
    package static func finalExponentiation(_ value: Fp12) -> Fp12 {
        let base = easyPart(value)
        return Kernels.hardPart(base) ?? hardPart(base)
    }

    /// Returns a value to the power of (p^6 - 1)(p^2 + 1), of which the inverse is the conjugate.
    package static func easyPart(_ value: Fp12) -> Fp12 {
        let ratio = value.conjugate * value.inverse
        return ratio.frobeniusSquared * ratio
    }

    /// Returns an element, whose inverse is its conjugate, to the power of (p^4 - p^2 + 1) / r
    /// times that factor.
    package static func hardPart(_ base: Fp12) -> Fp12 {
        let toU = base.cyclotomicPowerOfParameter()  // u
        let to2U = toU.cyclotomicSquared()  // 2u
        let to6U = to2U.cyclotomicSquared() * to2U  // 6u
        let to6U2 = to6U.cyclotomicPowerOfParameter()  // 6u^2
        let to12U3 = to6U2.cyclotomicSquared().cyclotomicPowerOfParameter()  // 12u^3
        let sum = to12U3 * to6U2 * to6U  // 12u^3 + 6u^2 + 6u
        let less = sum * to2U.conjugate  // 12u^3 + 6u^2 + 4u
        let plus = sum * to6U2 * base  // 12u^3 + 12u^2 + 6u + 1
        let cubed = (base.conjugate * less).frobeniusCubed
        return cubed * sum.frobeniusSquared * less.frobenius * plus
    }
}
