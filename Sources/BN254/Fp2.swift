// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An element `c0 + c1 u` of the quadratic extension of `Fp` with `u^2 = -1`.
package struct Fp2: FieldElement {
    /// The part without u.
    package let c0: Fp
    /// The factor of u.
    package let c1: Fp

    /// Makes `c0 + c1 u`.
    @inline(__always)
    package init(c0: Fp, c1: Fp) {
        self.c0 = c0
        self.c1 = c1
    }

    /// The neutral element of addition.
    package static var zero: Fp2 { Fp2(c0: .zero, c1: .zero) }

    /// The neutral element of multiplication.
    package static var one: Fp2 { Fp2(c0: .one, c1: .zero) }

    /// Whether this is the neutral element of addition.
    @inline(__always)
    package var isZero: Bool { c0.isZero && c1.isZero }

    /// The sum.
    @inline(__always)
    package static func + (left: Fp2, right: Fp2) -> Fp2 {
        Fp2(c0: left.c0 + right.c0, c1: left.c1 + right.c1)
    }

    /// The difference.
    @inline(__always)
    package static func - (left: Fp2, right: Fp2) -> Fp2 {
        Fp2(c0: left.c0 - right.c0, c1: left.c1 - right.c1)
    }

    /// The sum without its reduction, parts below 2p: fit to be the left factor of a product only.
    @inline(__always)
    func addingUnreduced(_ other: Fp2) -> Fp2 {
        Fp2(
            c0: Fp(montgomery: c0.montgomery.addingWithCarry(other.c0.montgomery).0),
            c1: Fp(montgomery: c1.montgomery.addingWithCarry(other.c1.montgomery).0))
    }

    /// The product, with one reduction for each part.
    ///
    /// The parts of `left` may be below 2p instead of p: rows stay below 5p < 2^256, and the
    /// result is below p + 4 p^2 / 2^256 < 2p before it is reduced.
    package static func * (left: Fp2, right: Fp2) -> Fp2 {
        // p - c1 is at most p, which the bound of the sum allows.
        let negated = Fp.modulus.value.subtractingWithCarry(right.c1.montgomery).0
        return Fp2(
            c0: Fp(
                montgomery: Montgomery.multiplySum(
                    left.c0.montgomery, right.c0.montgomery, left.c1.montgomery, negated,
                    Fp.modulus)),
            c1: Fp(
                montgomery: Montgomery.multiplySum(
                    left.c0.montgomery, right.c1.montgomery, left.c1.montgomery,
                    right.c0.montgomery, Fp.modulus)))
    }

    /// Returns `left0 * right0 + left1 * right1`, with one reduction for each part.
    @inline(never)
    static func sumOfProducts(
        _ left0: Fp2, _ right0: Fp2, _ left1: Fp2, _ right1: Fp2
    ) -> Fp2 {
        let negated0 = Fp.modulus.value.subtractingWithCarry(right0.c1.montgomery).0
        let negated1 = Fp.modulus.value.subtractingWithCarry(right1.c1.montgomery).0
        return Fp2(
            c0: Fp(
                montgomery: Montgomery.multiplySum(
                    left0.c0.montgomery, right0.c0.montgomery, left0.c1.montgomery, negated0,
                    left1.c0.montgomery, right1.c0.montgomery, left1.c1.montgomery, negated1,
                    Fp.modulus)),
            c1: Fp(
                montgomery: Montgomery.multiplySum(
                    left0.c0.montgomery, right0.c1.montgomery, left0.c1.montgomery,
                    right0.c0.montgomery, left1.c0.montgomery, right1.c1.montgomery,
                    left1.c1.montgomery, right1.c0.montgomery, Fp.modulus)))
    }

    /// The product with an element of the base field.
    package static func * (left: Fp2, right: Fp) -> Fp2 {
        Fp2(c0: left.c0 * right, c1: left.c1 * right)
    }

    /// The product with itself: `(c0 + c1)(c0 - c1) + 2 c0 c1 u`.
    package func squared() -> Fp2 {
        // Factors below 2^255 and p: the product is below p * 2^256, as the reduction needs.
        let sum = c0.montgomery.addingWithCarry(c1.montgomery).0
        let twice = c0.montgomery.addingWithCarry(c0.montgomery).0
        let difference = (c0 - c1).montgomery
        return Fp2(
            c0: Fp(montgomery: Montgomery.multiply(difference, sum, Fp.modulus)),
            c1: Fp(montgomery: Montgomery.multiply(c1.montgomery, twice, Fp.modulus)))
    }

    /// Twice the element.
    @inline(__always)
    package func doubled() -> Fp2 { Fp2(c0: c0.doubled(), c1: c1.doubled()) }

    /// The element that gives zero when added to this one.
    @inline(__always)
    package var negated: Fp2 { Fp2(c0: c0.negated, c1: c1.negated) }

    /// `c0 - c1 u`, which is also this element to the power of p.
    @inline(__always)
    package var conjugate: Fp2 { Fp2(c0: c0, c1: c1.negated) }

    /// Half of the element.
    @inline(__always)
    func halved() -> Fp2 { Fp2(c0: c0.halved(), c1: c1.halved()) }

    /// The element times `9 + u`, from which the next extension is made.
    @inline(__always)
    var timesNonResidue: Fp2 {
        let negated = Fp.modulus.value.subtractingWithCarry(c1.montgomery).0  // at most p
        return Fp2(
            c0: Fp.nineTimes(c0, plus: negated), c1: Fp.nineTimes(c1, plus: c0.montgomery))
    }

    /// The element that gives one when multiplied with this one; zero for zero.
    package var inverse: Fp2 {
        let factor = norm.inverse
        return Fp2(c0: c0 * factor, c1: (c1 * factor).negated)
    }

    /// A square root, or nil where there is none. Not constant-time.
    ///
    /// The root x of a norm gives `t = (c0 + x) / 2`. With w = t^((p - 3) / 4) and s = t w, either
    /// s^2 = t and 1 / s = w, and s + c1 / (2s) u is a root; or s^2 = -t and 1 / s = -w, and
    /// c1 / (2s) + s u is one, since (c1 / (2s))^2 = -c1^2 / (4t) = (c0 - x) / 2. So one power
    /// gives both parts.
    /// Source: Adj and Rodriguez-Henriquez 2012, "Square root computation over even extension
    /// fields", algorithm 8, with the inversion saved as by Scott 2020, "A note on the
    /// calculation of some functions in finite fields: tricks of the trade".
    package var squareRoot: Fp2? {
        if c1.isZero {
            if let root = c0.squareRoot { return Fp2(c0: root, c1: .zero) }
            // -1 has no root in the base field, so that either c0 or its negation has one.
            return c0.negated.squareRoot.map { Fp2(c0: .zero, c1: $0) }
        }
        guard let norm = norm.squareRoot else { return nil }
        let mean = (c0 + norm).halved()
        return squareRoot(mean: mean, inverse: mean.progenitor)
    }

    /// The roots of values, each as `squareRoot` gives it, from the roots of their norms, with
    /// their powers taken at once.
    static func squareRoots(of values: [Fp2], norms: ArraySlice<Fp?>) -> [Fp2?] {
        let means = zip(values, norms).map { ($0.c0 + ($1 ?? .zero)).halved() }
        let inverses = Fp.progenitors(of: means)
        return zip(values.indices, norms).map { index, norm in
            let value = values[index]
            if value.c1.isZero { return value.squareRoot }
            if norm == nil { return nil }
            return value.squareRoot(mean: means[index], inverse: inverses[index])
        }
    }

    /// The product with the conjugate.
    var norm: Fp { c0.squared() + c1.squared() }

    private func squareRoot(mean: Fp, inverse: Fp) -> Fp2? {
        let root = mean * inverse
        let half = c1.halved() * inverse
        let candidate =
            root.squared() == mean ? Fp2(c0: root, c1: half) : Fp2(c0: half.negated, c1: root)
        return candidate.squared() == self ? candidate : nil
    }

    /// Whether this is the larger of itself and its negation, by c1 and, where that is 0, by c0.
    package var isLarger: Bool { c1.isZero ? c0.isLarger : c1.isLarger }
}
