// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An integer modulo p = 2^255 - 19 as five limbs of 51 bits, not necessarily the least.
///
/// A value is *tight* when every limb is below 2^51 + 2^13: what `multiply`, `square` and
/// `tightened` give. Sums and differences of tight values stay below 2^54, which is what `multiply`
/// and `square` take. Variable time: nothing here is secret.
///
/// Source: Bernstein, Duif, Lange, Schwabe and Yang 2012, "High-speed high-security signatures",
/// section 4, for the representation.
struct FieldElement: Sendable {
    var limb0: UInt64
    var limb1: UInt64
    var limb2: UInt64
    var limb3: UInt64
    var limb4: UInt64

    static let zero = FieldElement(0, 0, 0, 0, 0)
    static let one = FieldElement(1, 0, 0, 0, 0)

    /// The inverse of 2: (p + 1) / 2 = 2^254 - 9.
    static let half = FieldElement(
        0x7_FFFF_FFFF_FFF7, 0x7_FFFF_FFFF_FFFF, 0x7_FFFF_FFFF_FFFF, 0x7_FFFF_FFFF_FFFF,
        0x3_FFFF_FFFF_FFFF)

    @inline(__always)
    private static var mask: UInt64 { 0x7_FFFF_FFFF_FFFF }

    @inline(__always)
    init(_ limb0: UInt64, _ limb1: UInt64, _ limb2: UInt64, _ limb3: UInt64, _ limb4: UInt64) {
        self.limb0 = limb0
        self.limb1 = limb1
        self.limb2 = limb2
        self.limb3 = limb3
        self.limb4 = limb4
    }

    /// Reads 255 bits from four little-endian words, least significant first; bit 255 is left out.
    ///
    /// The result is tight. Values from p to 2^255 - 1 are taken as they are.
    init(words: Words256) {
        let mask = Self.mask
        self.init(
            words.word0 & mask,
            (words.word0 >> 51 | words.word1 << 13) & mask,
            (words.word1 >> 38 | words.word2 << 26) & mask,
            (words.word2 >> 25 | words.word3 << 39) & mask,
            words.word3 >> 12 & mask)
    }

    /// The least representative, as four words, least significant first.
    var words: Words256 {
        var value = tightened
        // Below 2^255 + 2^14: one more than p is left out at most, seen by adding 19.
        var carry = (value.limb0 &+ 19) >> 51
        carry = (value.limb1 &+ carry) >> 51
        carry = (value.limb2 &+ carry) >> 51
        carry = (value.limb3 &+ carry) >> 51
        carry = (value.limb4 &+ carry) >> 51
        value.limb0 &+= 19 &* carry
        let mask = Self.mask
        value.limb1 &+= value.limb0 >> 51
        value.limb2 &+= value.limb1 >> 51
        value.limb3 &+= value.limb2 >> 51
        value.limb4 &+= value.limb3 >> 51
        value.limb0 &= mask
        value.limb1 &= mask
        value.limb2 &= mask
        value.limb3 &= mask
        value.limb4 &= mask
        return Words256(
            value.limb0 | value.limb1 << 51, value.limb1 >> 13 | value.limb2 << 38,
            value.limb2 >> 26 | value.limb3 << 25, value.limb3 >> 39 | value.limb4 << 12)
    }

    /// The same value, tight: limbs below 2^51 but the second, which is below 2^51 + 2^13.
    @inline(__always)
    var tightened: FieldElement {
        let mask = Self.mask
        let next1 = limb1 &+ limb0 >> 51
        let next2 = limb2 &+ next1 >> 51
        let next3 = limb3 &+ next2 >> 51
        let next4 = limb4 &+ next3 >> 51
        let low = limb0 & mask &+ next4 >> 51 &* 19
        return FieldElement(
            low & mask, next1 & mask &+ low >> 51, next2 & mask, next3 & mask, next4 & mask)
    }

    /// Whether it is zero modulo p.
    var isZero: Bool { words == Words256(0, 0, 0, 0) }

    /// Sum without carries. Below 2^53 for tight terms.
    @inline(__always)
    static func + (left: FieldElement, right: FieldElement) -> FieldElement {
        FieldElement(
            left.limb0 &+ right.limb0, left.limb1 &+ right.limb1, left.limb2 &+ right.limb2,
            left.limb3 &+ right.limb3, left.limb4 &+ right.limb4)
    }

    /// Difference without carries, by way of 2p: `right` must be tight. Below 2^53 for a tight
    /// `left`.
    @inline(__always)
    static func - (left: FieldElement, right: FieldElement) -> FieldElement {
        left + twiceModulus.exactlyMinus(right)
    }

    /// 2p in limbs, each above every limb of a tight value.
    @inline(__always)
    static var twiceModulus: FieldElement {
        FieldElement(
            0xF_FFFF_FFFF_FFDA, 0xF_FFFF_FFFF_FFFE, 0xF_FFFF_FFFF_FFFE, 0xF_FFFF_FFFF_FFFE,
            0xF_FFFF_FFFF_FFFE)
    }

    /// Limb by limb, wrapping: for sums in which no limb ends below zero.
    @inline(__always)
    func exactlyMinus(_ other: FieldElement) -> FieldElement {
        FieldElement(
            limb0 &- other.limb0, limb1 &- other.limb1, limb2 &- other.limb2,
            limb3 &- other.limb3, limb4 &- other.limb4)
    }

    /// Limb by limb, wrapping: the negative where `mask` is all ones, the same where it is zero.
    @inline(__always)
    func negatedExactly(where mask: UInt64) -> FieldElement {
        FieldElement(
            limb0 ^ mask &- mask, limb1 ^ mask &- mask, limb2 ^ mask &- mask,
            limb3 ^ mask &- mask, limb4 ^ mask &- mask)
    }

    @inline(__always)
    private static func product(_ left: UInt64, _ right: UInt64) -> UInt128 {
        UInt128(left) &* UInt128(right)
    }

    /// Carries five sums of products into a tight value.
    ///
    /// With factors below 2^54 the first sum is below 77 * 2^108 and the last below 5 * 2^108 plus
    /// a carry, so that every carry fits 64 bits and 19 times the last is below 2^63.7.
    @inline(__always)
    private static func carried(
        _ sum0: UInt128, _ sum1: UInt128, _ sum2: UInt128, _ sum3: UInt128, _ sum4: UInt128
    ) -> FieldElement {
        @inline(__always) func low(_ sum: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: sum) }
        @inline(__always) func high(_ sum: UInt128) -> UInt64 {
            UInt64(truncatingIfNeeded: sum >> 51)
        }
        let next1 = sum1 &+ UInt128(high(sum0))
        let next2 = sum2 &+ UInt128(high(next1))
        let next3 = sum3 &+ UInt128(high(next2))
        let next4 = sum4 &+ UInt128(high(next3))
        let first = low(sum0) & mask &+ high(next4) &* 19
        return FieldElement(
            first & mask, low(next1) & mask &+ first >> 51, low(next2) & mask, low(next3) & mask,
            low(next4) & mask)
    }

    /// Product of values whose limbs are below 2^54; tight.
    @inline(__always)
    static func * (left: FieldElement, right: FieldElement) -> FieldElement {
        let high1 = right.limb1 &* 19
        let high2 = right.limb2 &* 19
        let high3 = right.limb3 &* 19
        let high4 = right.limb4 &* 19
        let sum0 =
            product(left.limb0, right.limb0) &+ product(left.limb1, high4)
            &+ product(left.limb2, high3) &+ product(left.limb3, high2)
            &+ product(left.limb4, high1)
        let sum1 =
            product(left.limb0, right.limb1) &+ product(left.limb1, right.limb0)
            &+ product(left.limb2, high4) &+ product(left.limb3, high3)
            &+ product(left.limb4, high2)
        let sum2 =
            product(left.limb0, right.limb2) &+ product(left.limb1, right.limb1)
            &+ product(left.limb2, right.limb0) &+ product(left.limb3, high4)
            &+ product(left.limb4, high3)
        let sum3 =
            product(left.limb0, right.limb3) &+ product(left.limb1, right.limb2)
            &+ product(left.limb2, right.limb1) &+ product(left.limb3, right.limb0)
            &+ product(left.limb4, high4)
        let sum4 =
            product(left.limb0, right.limb4) &+ product(left.limb1, right.limb3)
            &+ product(left.limb2, right.limb2) &+ product(left.limb3, right.limb1)
            &+ product(left.limb4, right.limb0)
        return carried(sum0, sum1, sum2, sum3, sum4)
    }

    /// Square of a value whose limbs are below 2^54; tight.
    @inline(__always)
    var square: FieldElement {
        let twice0 = limb0 &* 2
        let twice1 = limb1 &* 2
        let high3 = limb3 &* 19
        let high4 = limb4 &* 19
        let sum0 =
            Self.product(limb0, limb0) &+ Self.product(twice1, high4)
            &+ Self.product(limb2 &* 2, high3)
        let sum1 =
            Self.product(twice0, limb1) &+ Self.product(limb2 &* 2, high4)
            &+ Self.product(limb3, high3)
        let sum2 =
            Self.product(twice0, limb2) &+ Self.product(limb1, limb1)
            &+ Self.product(limb3 &* 2, high4)
        let sum3 =
            Self.product(twice0, limb3) &+ Self.product(twice1, limb2)
            &+ Self.product(limb4, high4)
        let sum4 =
            Self.product(twice0, limb4) &+ Self.product(twice1, limb3)
            &+ Self.product(limb2, limb2)
        return Self.carried(sum0, sum1, sum2, sum3, sum4)
    }

    /// Returns the value squared `count` times.
    @inline(never)
    func squared(times count: Int) -> FieldElement {
        var result = self
        for _ in 0..<count { result = result.square }
        return result
    }

    /// Returns the value to the power 2^250 - 1 and to the power 11, from which the two exponents
    /// that are needed follow. The value must be tight.
    private var powers: (ones250: FieldElement, eleventh: FieldElement) {
        let second = square
        let ninth = second.squared(times: 2) * self
        let eleventh = ninth * second
        let ones5 = eleventh.square * ninth
        let ones10 = ones5.squared(times: 5) * ones5
        let ones20 = ones10.squared(times: 10) * ones10
        let ones40 = ones20.squared(times: 20) * ones20
        let ones50 = ones40.squared(times: 10) * ones10
        let ones100 = ones50.squared(times: 50) * ones50
        let ones200 = ones100.squared(times: 100) * ones100
        return (ones200.squared(times: 50) * ones50, eleventh)
    }

    /// The inverse, by the power p - 2 = 2^255 - 21; zero for zero. The value must be tight.
    var inverse: FieldElement {
        let (ones250, eleventh) = powers
        return ones250.squared(times: 5) * eleventh
    }

    /// The value to the power (p - 5) / 8 = 2^252 - 3. The value must be tight.
    var powerForRoot: FieldElement {
        powers.ones250.squared(times: 2) * self
    }
}

/// Two hundred and fifty-six bits as four words, least significant first.
struct Words256: Equatable, Sendable {
    var word0: UInt64
    var word1: UInt64
    var word2: UInt64
    var word3: UInt64

    @inline(__always)
    init(_ word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }

    /// The bytes as one little-endian integer.
    @inline(__always)
    init(_ value: Bytes32) {
        let (first, second, third, fourth) = value.bigEndianWords
        self.init(
            first.byteSwapped, second.byteSwapped, third.byteSwapped, fourth.byteSwapped)
    }

    /// The bytes of the integer, least significant first.
    var bytes: Bytes32 {
        Bytes32(
            bigEndianWords: word0.byteSwapped, word1.byteSwapped, word2.byteSwapped,
            word3.byteSwapped)
    }

    /// Whether it is below `other`, as integers.
    @inline(__always)
    func isBelow(_ other: Words256) -> Bool {
        if word3 != other.word3 { return word3 < other.word3 }
        if word2 != other.word2 { return word2 < other.word2 }
        if word1 != other.word1 { return word1 < other.word1 }
        return word0 < other.word0
    }
}
