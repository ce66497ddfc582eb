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

    /// The product.
    ///
    /// Three wide products and two reductions: Aranha et al. 2011, "Faster explicit formulas for
    /// computing pairings over ordinary curves", section 4 (lazy reduction).
    package static func * (left: Fp2, right: Fp2) -> Fp2 {
        // The sums stay below 2^255, so the product of them is below 4 p^2 < 2^510.
        let leftSum = left.c0.montgomery.addingReportingOverflow(left.c1.montgomery).0
        let rightSum = right.c0.montgomery.addingReportingOverflow(right.c1.montgomery).0
        let product0 = Montgomery.multiplyWide(left.c0.montgomery, right.c0.montgomery)
        let product1 = Montgomery.multiplyWide(left.c1.montgomery, right.c1.montgomery)
        let cross = Montgomery.multiplyWide(leftSum, rightSum)
        let imaginary = cross.subtracting(product0).subtracting(product1)
        let real = product0.subtracting(product1, wrappingBy: Fp.modulus.value)
        return Fp2(
            c0: Fp(montgomery: Montgomery.reduce(real, Fp.modulus)),
            c1: Fp(montgomery: Montgomery.reduce(imaginary, Fp.modulus)))
    }

    /// The product with an element of the base field.
    package static func * (left: Fp2, right: Fp) -> Fp2 {
        Fp2(c0: left.c0 * right, c1: left.c1 * right)
    }

    /// The product with itself: `(c0 + c1)(c0 - c1) + 2 c0 c1 u`.
    package func squared() -> Fp2 {
        // Factors below 2^255 and p: the product is below p * 2^256, as the reduction needs.
        let sum = c0.montgomery.addingReportingOverflow(c1.montgomery).0
        let twice = c0.montgomery.addingReportingOverflow(c0.montgomery).0
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
        let eight = doubled().doubled().doubled()
        return Fp2(c0: eight.c0 + c0 - c1, c1: eight.c1 + c1 + c0)
    }

    /// The element that gives one when multiplied with this one; zero for zero.
    package var inverse: Fp2 {
        let factor = (c0.squared() + c1.squared()).inverse
        return Fp2(c0: c0 * factor, c1: (c1 * factor).negated)
    }

    /// A square root, or nil where there is none. Not constant-time.
    ///
    /// The root x of a norm gives `c0 + x = 2 s^2`, whose half or that of `c0 - x` is a square.
    /// Source: Adj and Rodriguez-Henriquez 2012, "Square root computation over even extension
    /// fields", algorithm 8.
    package var squareRoot: Fp2? {
        if c1.isZero {
            if let root = c0.squareRoot { return Fp2(c0: root, c1: .zero) }
            // -1 has no root in the base field, so that either c0 or its negation has one.
            return c0.negated.squareRoot.map { Fp2(c0: .zero, c1: $0) }
        }
        guard let norm = (c0.squared() + c1.squared()).squareRoot else { return nil }
        let first = (c0 + norm).halved().squareRoot
        guard let real = first ?? (c0 - norm).halved().squareRoot else { return nil }
        let root = Fp2(c0: real, c1: c1 * real.doubled().inverse)
        return root.squared() == self ? root : nil
    }

    /// Whether this is the larger of itself and its negation, by c1 and, where that is 0, by c0.
    package var isLarger: Bool { c1.isZero ? c0.isLarger : c1.isLarger }
}

extension UInt512 {
    /// Returns `self - other`, which must not go below zero.
    @inline(__always)
    func subtracting(_ other: UInt512) -> UInt512 {
        let (low, borrow) = self.low.subtractingReportingOverflow(other.low)
        let (high, _) = subtractHigh(other.high, borrow)
        return UInt512(low: low, high: high)
    }

    /// Returns `self - other`, plus `modulus * 2^256` where that went below zero.
    @inline(__always)
    func subtracting(_ other: UInt512, wrappingBy modulus: UInt256) -> UInt512 {
        let (low, borrow) = self.low.subtractingReportingOverflow(other.low)
        let (high, isNegative) = subtractHigh(other.high, borrow)
        let correction = modulus.masked(by: isNegative ? .max : 0)
        return UInt512(low: low, high: high.addingReportingOverflow(correction).0)
    }

    @inline(__always)
    private func subtractHigh(_ other: UInt256, _ borrow: Bool) -> (UInt256, Bool) {
        let (limb0, borrow0) = subtractWithBorrow(high.limb0, other.limb0, borrow)
        let (limb1, borrow1) = subtractWithBorrow(high.limb1, other.limb1, borrow0)
        let (limb2, borrow2) = subtractWithBorrow(high.limb2, other.limb2, borrow1)
        let (limb3, borrow3) = subtractWithBorrow(high.limb3, other.limb3, borrow2)
        return (UInt256(limb0, limb1, limb2, limb3), borrow3)
    }
}
