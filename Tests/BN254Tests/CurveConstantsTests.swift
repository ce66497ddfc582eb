// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import TestSupport
import Testing

@Suite("Constants of the curve")
struct CurveConstantsTests {
    /// Returns (p - 1) / 6.
    static func sixth() -> UInt256 {
        // 6 * (2^-1 * 3^-1) is one, so that (p - 1) / 6 is -1/6 in the field with p elements.
        (Fp.one.negated * Fp(6).inverse).canonical
    }

    @Test("The powers of 9 + u are what their names say")
    func frobeniusConstants() {
        typealias Constants = CurveConstants
        let once = [
            Constants.frobeniusOnce1, Constants.frobeniusOnce2, Constants.frobeniusOnce3,
            Constants.frobeniusOnce4, Constants.frobeniusOnce5,
        ]
        let twice = [
            Constants.frobeniusTwice1, Constants.frobeniusTwice2, Constants.frobeniusTwice3,
            Constants.frobeniusTwice4, Constants.frobeniusTwice5,
        ]
        let thrice = [
            Constants.frobeniusThrice1, Constants.frobeniusThrice2, Constants.frobeniusThrice3,
            Constants.frobeniusThrice4, Constants.frobeniusThrice5,
        ]
        let base = Fp2(c0: Fp(9), c1: .one).slowPower(Self.sixth())
        var power = Fp2.one
        for index in 0..<5 {
            power = power * base
            #expect(once[index] == power)
            // The power of p is the conjugate, so that p^2 - 1 = (p - 1)(p + 1) gives the norm.
            #expect(Fp2(c0: twice[index], c1: .zero) == power * power.conjugate)
            #expect(thrice[index] == power * power.conjugate * power)
        }
    }

    @Test("The coefficients of curve and twist are 3 and 3 / (9 + u)")
    func coefficients() {
        #expect(CurveConstants.coefficient == Fp(3))
        let shift = Fp2(c0: Fp(9), c1: .one)
        #expect(CurveConstants.twistCoefficient * shift == Fp2(c0: Fp(3), c1: .zero))
    }

    @Test("The digits add up to 6u + 2 and to u, and the orders follow from u")
    func digits() {
        let parameter = CurveConstants.parameter
        var loop: UInt128 = 0
        for digit in CurveConstants.ateLoopDigits.reversed() {
            loop = loop &* 2 &+ UInt128(truncatingIfNeeded: digit)
        }
        #expect(loop == 6 * UInt128(parameter) + 2)
        #expect(CurveConstants.ateLoopDigits.last == 1)
        var sum: UInt128 = 0
        for digit in CurveConstants.parameterDigits.reversed() {
            sum = sum &* 2 &+ UInt128(truncatingIfNeeded: digit)
            #expect(digit == 0 || digit & 1 == 1 && digit.magnitude <= 7)
        }
        #expect(sum == UInt128(parameter))
        // p = 36u^4 + 36u^3 + 24u^2 + 6u + 1 is zero in Fp, and r with 18 for 24 in Fr.
        let u = Fp(parameter)
        #expect(((((u + .one) * u * Fp(36) + Fp(24)) * u + Fp(6)) * u + .one).isZero)
        let v = Fr(parameter)
        #expect(((((v + .one) * v * Fr(36) + Fr(18)) * v + Fr(6)) * v + .one).isZero)
    }
}
