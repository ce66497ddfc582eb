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

/// A product of two 256-bit numbers before reduction, in eight limbs.
struct UInt512 {
    var low: UInt256
    var high: UInt256

    @inline(__always)
    init(low: UInt256, high: UInt256) {
        self.low = low
        self.high = high
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
        let (difference, borrow) = value.subtractingReportingOverflow(modulus.value)
        return UInt256(
            borrow ? value.limb0 : difference.limb0, borrow ? value.limb1 : difference.limb1,
            borrow ? value.limb2 : difference.limb2, borrow ? value.limb3 : difference.limb3)
    }

    /// Returns `left + right` mod m.
    @inline(__always)
    static func add(_ left: UInt256, _ right: UInt256, _ modulus: MontgomeryModulus) -> UInt256 {
        // Both are below 2^254, so the sum stays below 2^255.
        reduceOnce(left.addingReportingOverflow(right).0, modulus)
    }

    /// Returns `left - right` mod m.
    @inline(__always)
    static func subtract(
        _ left: UInt256, _ right: UInt256, _ modulus: MontgomeryModulus
    ) -> UInt256 {
        let (difference, borrow) = left.subtractingReportingOverflow(right)
        let mask: UInt64 = borrow ? .max : 0
        return difference.addingReportingOverflow(modulus.value.masked(by: mask)).0
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

    /// Returns `left * right` in full.
    @inline(__always)
    static func multiplyWide(_ left: UInt256, _ right: UInt256) -> UInt512 {
        let (a0, a1) = multiplyAdd(0, left.limb0, right.limb0, 0)
        let (b1, a2) = multiplyAdd(a1, left.limb1, right.limb0, 0)
        let (b2, a3) = multiplyAdd(a2, left.limb2, right.limb0, 0)
        let (b3, b4) = multiplyAdd(a3, left.limb3, right.limb0, 0)
        let (c1, c2) = multiplyAdd(b1, left.limb0, right.limb1, 0)
        let (d2, c3) = multiplyAdd(b2, left.limb1, right.limb1, c2)
        let (d3, c4) = multiplyAdd(b3, left.limb2, right.limb1, c3)
        let (d4, d5) = multiplyAdd(b4, left.limb3, right.limb1, c4)
        let (e2, e3) = multiplyAdd(d2, left.limb0, right.limb2, 0)
        let (f3, e4) = multiplyAdd(d3, left.limb1, right.limb2, e3)
        let (f4, e5) = multiplyAdd(d4, left.limb2, right.limb2, e4)
        let (f5, f6) = multiplyAdd(d5, left.limb3, right.limb2, e5)
        let (g3, g4) = multiplyAdd(f3, left.limb0, right.limb3, 0)
        let (h4, g5) = multiplyAdd(f4, left.limb1, right.limb3, g4)
        let (h5, g6) = multiplyAdd(f5, left.limb2, right.limb3, g5)
        let (h6, h7) = multiplyAdd(f6, left.limb3, right.limb3, g6)
        return UInt512(low: UInt256(a0, c1, e2, g3), high: UInt256(h4, h5, h6, h7))
    }

    /// Returns `value / 2^256` mod m, for a value below `m * 2^256`.
    @inline(__always)
    static func reduce(_ value: UInt512, _ modulus: MontgomeryModulus) -> UInt256 {
        let (low0, carry0) = reduceRow(value.low, modulus)
        let (next1, bit1) = shift(low0, value.high.limb0, carry0, false)
        let (low1, carry1) = reduceRow(next1, modulus)
        let (next2, bit2) = shift(low1, value.high.limb1, carry1, bit1)
        let (low2, carry2) = reduceRow(next2, modulus)
        let (next3, bit3) = shift(low2, value.high.limb2, carry2, bit2)
        let (low3, carry3) = reduceRow(next3, modulus)
        // value < m * 2^256, so the result is below 2m and the last carry is clear.
        let (total, _) = shift(low3, value.high.limb3, carry3, bit3)
        return reduceOnce(total, modulus)
    }

    /// Returns the three limbs left of `value + q * m` after its lowest is cleared, and the carry.
    @inline(__always)
    private static func reduceRow(
        _ value: UInt256, _ modulus: MontgomeryModulus
    ) -> (UInt256, UInt64) {
        let quotient = value.limb0 &* modulus.negatedInverse
        let (_, fold0) = multiplyAdd(value.limb0, quotient, modulus.value.limb0, 0)
        let (low0, fold1) = multiplyAdd(value.limb1, quotient, modulus.value.limb1, fold0)
        let (low1, fold2) = multiplyAdd(value.limb2, quotient, modulus.value.limb2, fold1)
        let (low2, fold3) = multiplyAdd(value.limb3, quotient, modulus.value.limb3, fold2)
        return (UInt256(low0, low1, low2, 0), fold3)
    }

    /// Puts `next + carry + bit` on top of three limbs, with the bit that it carries out.
    @inline(__always)
    private static func shift(
        _ value: UInt256, _ next: UInt64, _ carry: UInt64, _ bit: Bool
    ) -> (UInt256, Bool) {
        let (top, overflow) = addWithCarry(next, carry, bit)
        return (UInt256(value.limb0, value.limb1, value.limb2, top), overflow)
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
