// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An element `c0 + c1 w` of the quadratic extension of the sextic field, with `w^2 = v`.
package struct Fp12: Hashable, Sendable {
    let c0: Fp6
    let c1: Fp6

    @inline(__always)
    init(c0: Fp6, c1: Fp6) {
        self.c0 = c0
        self.c1 = c1
    }

    /// The neutral element of multiplication.
    package static var one: Fp12 { Fp12(c0: .one, c1: .zero) }

    /// The product, by Karatsuba: three multiplications of the sextic field.
    package static func * (left: Fp12, right: Fp12) -> Fp12 {
        let product0 = left.c0 * right.c0
        let product1 = left.c1 * right.c1
        let cross = (left.c0 + left.c1) * (right.c0 + right.c1)
        return Fp12(c0: product0 + product1.timesV, c1: cross - product0 - product1)
    }

    /// The product with itself: two multiplications of the sextic field.
    package func squared() -> Fp12 {
        let product = c0 * c1
        let mixed = (c0 + c1) * (c0 + c1.timesV)
        return Fp12(c0: mixed - product - product.timesV, c1: product + product)
    }

    /// `c0 - c1 w`, which is also this element to the power of p^6.
    package var conjugate: Fp12 { Fp12(c0: c0, c1: c1.negated) }

    /// The element that gives one when multiplied with this one; zero for zero.
    package var inverse: Fp12 {
        let factor = (c0 * c0 - (c1 * c1).timesV).inverse
        return Fp12(c0: c0 * factor, c1: (c1 * factor).negated)
    }

    /// The product with a line `constant + factor1 w + factor3 w^3`.
    func multiplied(line constant: Fp2, _ factor1: Fp2, _ factor3: Fp2) -> Fp12 {
        let turned = factor3.timesNonResidue
        let product0 = c0 * constant
        let product1 = c1.multiplied(sparse: factor1, factor3, turned: turned)
        let cross = (c0 + c1).multiplied(sparse: constant + factor1, factor3, turned: turned)
        return Fp12(c0: product0 + product1.timesV, c1: cross - product0 - product1)
    }

    /// The product with a line `1 + factor1 w + factor3 w^3`.
    func multiplied(unitLine factor1: Fp2, _ factor3: Fp2) -> Fp12 {
        let turned = factor3.timesNonResidue
        let product0 = c0.multiplied(sparse: factor1, factor3, turned: turned)
        let product1 = c1.multiplied(sparse: factor1, factor3, turned: turned)
        return Fp12(c0: c0 + product1.timesV, c1: c1 + product0)
    }
}

// MARK: - Powers of p

extension Fp12 {
    /// The element to the power of p.
    var frobenius: Fp12 {
        typealias Constants = CurveConstants
        return Fp12(
            c0: Fp6(
                c0: c0.c0.conjugate,
                c1: c0.c1.conjugate * Constants.frobeniusOnce2,
                c2: c0.c2.conjugate * Constants.frobeniusOnce4),
            c1: Fp6(
                c0: c1.c0.conjugate * Constants.frobeniusOnce1,
                c1: c1.c1.conjugate * Constants.frobeniusOnce3,
                c2: c1.c2.conjugate * Constants.frobeniusOnce5))
    }

    /// The element to the power of p^2.
    var frobeniusSquared: Fp12 {
        typealias Constants = CurveConstants
        return Fp12(
            c0: Fp6(
                c0: c0.c0,
                c1: c0.c1 * Constants.frobeniusTwice2,
                c2: c0.c2 * Constants.frobeniusTwice4),
            c1: Fp6(
                c0: c1.c0 * Constants.frobeniusTwice1,
                c1: c1.c1 * Constants.frobeniusTwice3,
                c2: c1.c2 * Constants.frobeniusTwice5))
    }

    /// The element to the power of p^3.
    var frobeniusCubed: Fp12 {
        typealias Constants = CurveConstants
        return Fp12(
            c0: Fp6(
                c0: c0.c0.conjugate,
                c1: c0.c1.conjugate * Constants.frobeniusThrice2,
                c2: c0.c2.conjugate * Constants.frobeniusThrice4),
            c1: Fp6(
                c0: c1.c0.conjugate * Constants.frobeniusThrice1,
                c1: c1.c1.conjugate * Constants.frobeniusThrice3,
                c2: c1.c2.conjugate * Constants.frobeniusThrice5))
    }
}

// MARK: - The cyclotomic subgroup

extension Fp12 {
    /// The product with itself, for an element whose power p^4 - p^2 + 1 is one.
    ///
    /// Source: Granger and Scott 2010, "Faster squaring in the cyclotomic subgroup of sixth
    /// degree extensions", section 3.2. Nine squarings of `Fp2` instead of twelve products.
    func cyclotomicSquared() -> Fp12 {
        let (a0, a1) = Fp12.squareQuartic(c0.c0, c1.c1)
        let (b0, b1) = Fp12.squareQuartic(c1.c0, c0.c2)
        let (d0, d1) = Fp12.squareQuartic(c0.c1, c1.c2)
        let turned = d1.timesNonResidue
        return Fp12(
            c0: Fp6(
                c0: (a0 - c0.c0).doubled() + a0,
                c1: (b0 - c0.c1).doubled() + b0,
                c2: (d0 - c0.c2).doubled() + d0),
            c1: Fp6(
                c0: (turned + c1.c0).doubled() + turned,
                c1: (a1 + c1.c1).doubled() + a1,
                c2: (b1 + c1.c2).doubled() + b1))
    }

    /// Returns the square of `left + right s` where `s^2 = 9 + u`.
    @inline(__always)
    private static func squareQuartic(_ left: Fp2, _ right: Fp2) -> (Fp2, Fp2) {
        let leftSquare = left.squared()
        let rightSquare = right.squared()
        let cross = (left + right).squared() - leftSquare - rightSquare
        return (rightSquare.timesNonResidue + leftSquare, cross)
    }

    /// The element to the power of u, for an element of the cyclotomic subgroup.
    func cyclotomicPowerOfParameter() -> Fp12 {
        let square = cyclotomicSquared()
        let third = square * self
        let fifth = third * square
        let seventh = fifth * square
        var result = Fp12.one
        var isStarted = false
        for digit in CurveConstants.parameterDigits.reversed() {
            if isStarted { result = result.cyclotomicSquared() }
            if digit == 0 { continue }
            let odd =
                switch digit.magnitude {
                case 1: self
                case 3: third
                case 5: fifth
                default: seventh
                }
            // The inverse of an element of this subgroup is its conjugate.
            let factor = digit > 0 ? odd : odd.conjugate
            result = isStarted ? result * factor : factor
            isStarted = true
        }
        return result
    }
}
