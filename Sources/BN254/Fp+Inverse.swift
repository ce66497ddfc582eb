// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Fp {
    /// The element that gives one when multiplied with this one; zero for zero.
    ///
    /// By a binary Euclidean algorithm on approximations of 64 bits: 17 rounds of 31 steps, which
    /// is enough since 2 * 254 - 1 = 507 <= 527. A sixth of the instructions of the power by
    /// Fermat. The number of steps is fixed, but no care is taken that time is: points are public.
    /// Source: Pornin 2020, "Optimized binary GCD for modular inversion", algorithm 2.
    package var inverse: Fp {
        var left = montgomery
        var right = Fp.modulus.value
        var leftFactor = UInt256(1, 0, 0, 0)
        var rightFactor = UInt256.zero
        for _ in 0..<17 {
            var steps = EuclideanSteps(left, right)
            // left = element * leftFactor and right = element * rightFactor, up to a power of two.
            let (nextLeft, isLeftNegative) = EuclideanSteps.combine(
                left, steps.leftLeft, right, steps.leftRight)
            let (nextRight, isRightNegative) = EuclideanSteps.combine(
                left, steps.rightLeft, right, steps.rightRight)
            left = nextLeft
            right = nextRight
            if isLeftNegative { steps.negateLeft() }
            if isRightNegative { steps.negateRight() }
            let factor = Fp.combine(leftFactor, steps.leftLeft, rightFactor, steps.leftRight)
            rightFactor = Fp.combine(
                leftFactor, steps.rightLeft, rightFactor, steps.rightRight)
            leftFactor = factor
        }
        // Each round divided by 2^31 on one side and by 2^64 on the other: with the two radices
        // of the Montgomery form what is missing is 2^(17 * 33) * 2^512, here in Montgomery form.
        return Fp(montgomery: rightFactor)
            * Fp(
                0xD330_B361_7404_F53C, 0x5F12_AA9F_D968_87C1,
                0xE782_0241_E67F_0488, 0x2029_E539_EF58_B497)
    }

    /// Returns `(left * leftFactor + right * rightFactor) / 2^64` mod p, for factors whose
    /// magnitudes add up to no more than 2^32.
    private static func combine(
        _ left: UInt256, _ leftFactor: Int64, _ right: UInt256, _ rightFactor: Int64
    ) -> UInt256 {
        let (sum, top) = EuclideanSteps.sum(left, leftFactor, right, rightFactor)
        let quotient = sum.limb0 &* modulus.negatedInverse
        let (_, fold0) = multiplyAdd(sum.limb0, quotient, modulus.value.limb0, 0)
        let (low0, fold1) = multiplyAdd(sum.limb1, quotient, modulus.value.limb1, fold0)
        let (low1, fold2) = multiplyAdd(sum.limb2, quotient, modulus.value.limb2, fold1)
        let (low2, fold3) = multiplyAdd(sum.limb3, quotient, modulus.value.limb3, fold2)
        // In two's complement: between -p / 2^32 and p + p / 2^32.
        let value = UInt256(low0, low1, low2, fold3 &+ top)
        let sign = UInt64(bitPattern: Int64(bitPattern: value.limb3) >> 63)
        return Montgomery.reduceOnce(
            value.addingWithCarry(modulus.value.masked(by: sign)).0, modulus)
    }
}

/// What 31 steps of the binary Euclidean algorithm do to two numbers, but for the power of two.
///
/// The new left number is `left * leftLeft + right * leftRight`, over 2^31, and so on; the
/// magnitudes of the two factors of each add up to no more than 2^31.
private struct EuclideanSteps {
    var leftLeft: Int64 = 1
    var leftRight: Int64 = 0
    var rightLeft: Int64 = 0
    var rightRight: Int64 = 1

    /// Runs the steps on the 31 lowest and the 33 highest bits; `right` is odd.
    init(_ left: UInt256, _ right: UInt256) {
        let size = max(left.bitWidth, right.bitWidth, 64)
        var a = Self.approximate(left, size)
        var b = Self.approximate(right, size)
        for _ in 0..<31 {
            // Without branches, which nobody could predict: a -= b for an odd a, after a change
            // of places where b is larger, then a /= 2.
            let odd = 0 &- (a & 1)
            let swap = odd & (a < b ? ~0 : 0)
            let change = (a ^ b) & swap
            a ^= change
            b ^= change
            a = (a &- (b & odd)) >> 1
            let signedOdd = Int64(bitPattern: odd)
            let signedSwap = Int64(bitPattern: swap)
            let first = (leftLeft ^ rightLeft) & signedSwap
            leftLeft ^= first
            rightLeft ^= first
            let second = (leftRight ^ rightRight) & signedSwap
            leftRight ^= second
            rightRight ^= second
            leftLeft &-= rightLeft & signedOdd
            leftRight &-= rightRight & signedOdd
            rightLeft &<<= 1
            rightRight &<<= 1
        }
    }

    /// Returns the 31 lowest bits and, above them, the 33 highest of a number of `size` bits.
    private static func approximate(_ value: UInt256, _ size: Int) -> UInt64 {
        value.limb0 & 0x7FFF_FFFF | value.bits(at: size - 33, width: 33) << 31
    }

    mutating func negateLeft() {
        leftLeft = 0 &- leftLeft
        leftRight = 0 &- leftRight
    }

    mutating func negateRight() {
        rightLeft = 0 &- rightLeft
        rightRight = 0 &- rightRight
    }

    /// Returns `left * leftFactor + right * rightFactor` in two's complement, the limb above the
    /// fourth apart.
    @inline(__always)
    static func sum(
        _ left: UInt256, _ leftFactor: Int64, _ right: UInt256, _ rightFactor: Int64
    ) -> (UInt256, UInt64) {
        var result = UInt256.zero
        var carry: Int128 = 0
        // Products of 64 and 32 bits with their signs: nothing comes near 2^127.
        func next(_ left: UInt64, _ right: UInt64) -> UInt64 {
            carry &+= Int128(left) &* Int128(leftFactor) &+ Int128(right) &* Int128(rightFactor)
            let low = UInt64(truncatingIfNeeded: carry)
            carry >>= 64
            return low
        }
        result.limb0 = next(left.limb0, right.limb0)
        result.limb1 = next(left.limb1, right.limb1)
        result.limb2 = next(left.limb2, right.limb2)
        result.limb3 = next(left.limb3, right.limb3)
        return (result, UInt64(truncatingIfNeeded: carry))
    }

    /// Returns the magnitude of `(left * leftFactor + right * rightFactor) / 2^31`, a division
    /// that is exact, and whether the number is below zero.
    @inline(__always)
    static func combine(
        _ left: UInt256, _ leftFactor: Int64, _ right: UInt256, _ rightFactor: Int64
    ) -> (UInt256, Bool) {
        let (sum, top) = sum(left, leftFactor, right, rightFactor)
        let shifted = UInt256(
            sum.limb0 >> 31 | sum.limb1 << 33, sum.limb1 >> 31 | sum.limb2 << 33,
            sum.limb2 >> 31 | sum.limb3 << 33, sum.limb3 >> 31 | top << 33)
        let sign = UInt64(bitPattern: Int64(bitPattern: top) >> 63)
        // -x is ~x + 1.
        let flipped = UInt256(
            shifted.limb0 ^ sign, shifted.limb1 ^ sign, shifted.limb2 ^ sign,
            shifted.limb3 ^ sign)
        return (flipped.addingWithCarry(.zero, sign & 1).0, sign != 0)
    }
}
