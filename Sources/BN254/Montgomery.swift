// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What Montgomery arithmetic needs to know of an odd modulus below 2^254.
struct MontgomeryModulus {
    /// The modulus m itself.
    let value: UInt256
    /// -1/m mod 2^64.
    let negatedInverse: UInt64
    /// 2^512 mod m, which takes a number into Montgomery form.
    let squaredRadix: UInt256

    @inline(__always)
    init(value: UInt256, negatedInverse: UInt64, squaredRadix: UInt256) {
        self.value = value
        self.negatedInverse = negatedInverse
        self.squaredRadix = squaredRadix
    }
}

/// Returns the low and high half of `addend + left * right + carry`, which is below 2^128.
@inline(__always)
func multiplyAdd(
    _ addend: UInt64, _ left: UInt64, _ right: UInt64, _ carry: UInt64
) -> (UInt64, UInt64) {
    // (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1, so nothing can wrap.
    let wide = UInt128(left) &* UInt128(right) &+ UInt128(addend) &+ UInt128(carry)
    return (UInt64(truncatingIfNeeded: wide), UInt64(truncatingIfNeeded: wide >> 64))
}

/// Arithmetic modulo an odd number below 2^254, in Montgomery form with radix 2^256.
///
/// Every routine here is constant-time: no branch and no index depends on a value. The modulus is
/// passed as a literal by each caller and folded into the code by inlining.
/// Source: Montgomery 1985; the interleaved form without a spare carry word is that described by
/// the gnark authors ("Faster big-integer modular multiplication for most moduli", 2020).
enum Montgomery {
    /// Returns `value` or `value - m`, whichever is below m, for a value below 2m.
    @inline(__always)
    static func reduceOnce(_ value: UInt256, _ modulus: MontgomeryModulus) -> UInt256 {
        let difference = value.subtractingWithCarry(modulus.value).0
        // Both are below 2^255, so the top bit of the difference is its sign.
        let isBelow = Int64(bitPattern: difference.limb3) < 0
        return UInt256(
            isBelow ? value.limb0 : difference.limb0, isBelow ? value.limb1 : difference.limb1,
            isBelow ? value.limb2 : difference.limb2, isBelow ? value.limb3 : difference.limb3)
    }

    /// Returns `left + right` mod m.
    @inline(__always)
    static func add(_ left: UInt256, _ right: UInt256, _ modulus: MontgomeryModulus) -> UInt256 {
        // left - (m - right): a mask and no selection, which takes fewer instructions.
        subtract(left, modulus.value.subtractingWithCarry(right).0, modulus)
    }

    /// Returns `left - right` mod m.
    @inline(__always)
    static func subtract(
        _ left: UInt256, _ right: UInt256, _ modulus: MontgomeryModulus
    ) -> UInt256 {
        let (difference, carry) = left.subtractingWithCarry(right)
        return difference.addingWithCarry(modulus.value.masked(by: carry &- 1)).0
    }

    /// Returns `left * right / 2^256` mod m.
    @inline(__always)
    static func multiply(
        _ left: UInt256, _ right: UInt256, _ modulus: MontgomeryModulus
    ) -> UInt256 {
        var total = multiplyRow(.zero, left, right.limb0, modulus)
        total = multiplyRow(total, left, right.limb1, modulus)
        total = multiplyRow(total, left, right.limb2, modulus)
        total = multiplyRow(total, left, right.limb3, modulus)
        return reduceOnce(total, modulus)
    }

    /// Returns `(total + left * right + q * m) / 2^64` with the q that makes the division exact.
    @inline(__always)
    private static func multiplyRow(
        _ total: UInt256, _ left: UInt256, _ right: UInt64, _ modulus: MontgomeryModulus
    ) -> UInt256 {
        let (sum0, carry0) = multiplyAdd(total.limb0, left.limb0, right, 0)
        let quotient = sum0 &* modulus.negatedInverse
        let (_, fold0) = multiplyAdd(sum0, quotient, modulus.value.limb0, 0)
        let (sum1, carry1) = multiplyAdd(total.limb1, left.limb1, right, carry0)
        let (low0, fold1) = multiplyAdd(sum1, quotient, modulus.value.limb1, fold0)
        let (sum2, carry2) = multiplyAdd(total.limb2, left.limb2, right, carry1)
        let (low1, fold2) = multiplyAdd(sum2, quotient, modulus.value.limb2, fold1)
        let (sum3, carry3) = multiplyAdd(total.limb3, left.limb3, right, carry2)
        let (low2, fold3) = multiplyAdd(sum3, quotient, modulus.value.limb3, fold2)
        // No wrap: the top limb of the modulus is below 2^62, so the row stays below 2^256.
        return UInt256(low0, low1, low2, carry3 &+ fold3)
    }

    /// Returns `(left0 * right0 + left1 * right1) / 2^256` mod m.
    ///
    /// One reduction for two products: the rows stay below `left0 + left1 + m`, which is below
    /// 2^256, and the result is below 2m before it is reduced. Wide products and Karatsuba need
    /// fewer multiplications but more moves: 101 ns against 96 ns for a product of `Fp2`.
    @inline(__always)
    static func multiplySum(
        _ left0: UInt256, _ right0: UInt256, _ left1: UInt256, _ right1: UInt256,
        _ modulus: MontgomeryModulus
    ) -> UInt256 {
        var total = sumRow(.zero, left0, right0.limb0, left1, right1.limb0, modulus)
        total = sumRow(total, left0, right0.limb1, left1, right1.limb1, modulus)
        total = sumRow(total, left0, right0.limb2, left1, right1.limb2, modulus)
        total = sumRow(total, left0, right0.limb3, left1, right1.limb3, modulus)
        return reduceOnce(total, modulus)
    }

    @inline(__always)
    private static func sumRow(
        _ total: UInt256, _ left0: UInt256, _ right0: UInt64, _ left1: UInt256, _ right1: UInt64,
        _ modulus: MontgomeryModulus
    ) -> UInt256 {
        let (part0, carry0) = multiplyAdd(total.limb0, left0.limb0, right0, 0)
        let (part1, carry1) = multiplyAdd(total.limb1, left0.limb1, right0, carry0)
        let (part2, carry2) = multiplyAdd(total.limb2, left0.limb2, right0, carry1)
        let (part3, carry3) = multiplyAdd(total.limb3, left0.limb3, right0, carry2)
        let (sum0, next0) = multiplyAdd(part0, left1.limb0, right1, 0)
        let (sum1, next1) = multiplyAdd(part1, left1.limb1, right1, next0)
        let (sum2, next2) = multiplyAdd(part2, left1.limb2, right1, next1)
        let (sum3, next3) = multiplyAdd(part3, left1.limb3, right1, next2)
        let quotient = sum0 &* modulus.negatedInverse
        let (_, fold0) = multiplyAdd(sum0, quotient, modulus.value.limb0, 0)
        let (low0, fold1) = multiplyAdd(sum1, quotient, modulus.value.limb1, fold0)
        let (low1, fold2) = multiplyAdd(sum2, quotient, modulus.value.limb2, fold1)
        let (low2, fold3) = multiplyAdd(sum3, quotient, modulus.value.limb3, fold2)
        // No wrap, since the row stays below 2^256.
        return UInt256(low0, low1, low2, carry3 &+ next3 &+ fold3)
    }

    /// Returns `(left0 * right0 + ... + left3 * right3) / 2^256` mod m, with one reduction.
    ///
    /// The rows stay below `left0 + ... + left3 + m`, which has to be below 2^256; 5m is. The
    /// result is below 4 m^2 / 2^256 + m < 2m before it is reduced.
    @inline(__always)
    static func multiplySum(
        _ left0: UInt256, _ right0: UInt256, _ left1: UInt256, _ right1: UInt256,
        _ left2: UInt256, _ right2: UInt256, _ left3: UInt256, _ right3: UInt256,
        _ modulus: MontgomeryModulus
    ) -> UInt256 {
        var total = UInt256.zero
        for index in 0..<4 {
            var top: UInt64 = 0
            accumulate(&total, &top, left0, right0.limb(index))
            accumulate(&total, &top, left1, right1.limb(index))
            accumulate(&total, &top, left2, right2.limb(index))
            accumulate(&total, &top, left3, right3.limb(index))
            fold(&total, &top, modulus)
        }
        return reduceOnce(total, modulus)
    }

    /// Adds `left * right` to a number whose limb above the fourth is `top`, which does not wrap.
    @inline(__always)
    private static func accumulate(
        _ total: inout UInt256, _ top: inout UInt64, _ left: UInt256, _ right: UInt64
    ) {
        let (sum0, carry0) = multiplyAdd(total.limb0, left.limb0, right, 0)
        let (sum1, carry1) = multiplyAdd(total.limb1, left.limb1, right, carry0)
        let (sum2, carry2) = multiplyAdd(total.limb2, left.limb2, right, carry1)
        let (sum3, carry3) = multiplyAdd(total.limb3, left.limb3, right, carry2)
        total = UInt256(sum0, sum1, sum2, sum3)
        top = top &+ carry3
    }

    /// Adds the multiple of m that makes the number divisible by 2^64, and divides it by that.
    @inline(__always)
    private static func fold(
        _ total: inout UInt256, _ top: inout UInt64, _ modulus: MontgomeryModulus
    ) {
        let quotient = total.limb0 &* modulus.negatedInverse
        let (_, fold0) = multiplyAdd(total.limb0, quotient, modulus.value.limb0, 0)
        let (low0, fold1) = multiplyAdd(total.limb1, quotient, modulus.value.limb1, fold0)
        let (low1, fold2) = multiplyAdd(total.limb2, quotient, modulus.value.limb2, fold1)
        let (low2, fold3) = multiplyAdd(total.limb3, quotient, modulus.value.limb3, fold2)
        total = UInt256(low0, low1, low2, top &+ fold3)
    }

    /// Returns the Montgomery form of `value`, which is below m.
    @inline(__always)
    static func enter(_ value: UInt256, _ modulus: MontgomeryModulus) -> UInt256 {
        multiply(value, modulus.squaredRadix, modulus)
    }

    /// Returns the number below m whose Montgomery form is `value`.
    @inline(__always)
    static func leave(_ value: UInt256, _ modulus: MontgomeryModulus) -> UInt256 {
        multiply(value, UInt256(1, 0, 0, 0), modulus)
    }
}
