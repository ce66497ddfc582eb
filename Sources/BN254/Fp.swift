// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An element of the base field of BN254, over which its points have coordinates.
///
/// Held in Montgomery form. `+ - *`, `negated` and `squared` are constant-time; `inverse` is not.
package struct Fp: PrimeField {
    /// The element times 2^256 mod the order.
    package let montgomery: UInt256

    /// Takes a value that is already in Montgomery form and below the order.
    @inline(__always)
    init(montgomery: UInt256) { self.montgomery = montgomery }

    /// Takes four limbs of a constant that is already in Montgomery form and below the order.
    @inline(__always)
    init(_ limb0: UInt64, _ limb1: UInt64, _ limb2: UInt64, _ limb3: UInt64) {
        montgomery = UInt256(limb0, limb1, limb2, limb3)
    }

    @inline(__always)
    static var modulus: MontgomeryModulus {
        MontgomeryModulus(
            value: UInt256(
                0x3C20_8C16_D87C_FD47, 0x9781_6A91_6871_CA8D,
                0xB850_45B6_8181_585D, 0x3064_4E72_E131_A029),
            negatedInverse: 0x87D2_0782_E486_6389,
            squaredRadix: UInt256(
                0xF32C_FC5B_538A_FA89, 0xB5E7_1911_D445_01FB,
                0x47AB_1EFF_0A41_7FF6, 0x06D8_9F71_CAB8_351F))
    }

    /// The order of the field.
    package static var order: UInt256 { modulus.value }

    /// The neutral element of addition.
    package static var zero: Fp { Fp(0, 0, 0, 0) }

    /// The neutral element of multiplication.
    package static var one: Fp {
        Fp(
            0xD35D_438D_C58F_0D9D, 0x0A78_EB28_F5C7_0B3D,
            0x666E_A36F_7879_462C, 0x0E0A_77C1_9A07_DF2F)
    }

    /// Makes the element that a number below the order stands for; not checked.
    package init(uncheckedCanonical value: UInt256) {
        montgomery = Montgomery.enter(value, Self.modulus)
    }

    /// The number below the order that this element stands for.
    package var canonical: UInt256 { Montgomery.leave(montgomery, Self.modulus) }
}

// MARK: - Arithmetic

extension Fp {
    /// Whether this is the neutral element of addition.
    @inline(__always)
    package var isZero: Bool { montgomery.isZero }

    /// The sum.
    @inline(__always)
    package static func + (left: Fp, right: Fp) -> Fp {
        Fp(montgomery: Montgomery.add(left.montgomery, right.montgomery, modulus))
    }

    /// The difference.
    @inline(__always)
    package static func - (left: Fp, right: Fp) -> Fp {
        Fp(montgomery: Montgomery.subtract(left.montgomery, right.montgomery, modulus))
    }

    /// The product.
    package static func * (left: Fp, right: Fp) -> Fp {
        Fp(montgomery: Montgomery.multiply(left.montgomery, right.montgomery, modulus))
    }

    /// The product with itself.
    package func squared() -> Fp { self * self }

    /// Twice the element.
    @inline(__always)
    package func doubled() -> Fp { self + self }

    /// The element that gives zero when added to this one.
    @inline(__always)
    package var negated: Fp { .zero - self }
}

// MARK: - Square roots

extension Fp {
    /// A square root, or nil where there is none.
    ///
    /// The order is 3 mod 4, so the power of (order + 1) / 4 is a root if there is one.
    package var squareRoot: Fp? {
        let root = power(
            publicExponent: UInt256(
                0x4F08_2305_B61F_3F52, 0x65E0_5AA4_5A1C_72A3,
                0x6E14_116D_A060_5617, 0x0C19_139C_B84C_680A))
        return root.squared() == self ? root : nil
    }

    /// The power of (order - 3) / 4: times this element a root of it, where it has one.
    package var progenitor: Fp {
        power(
            publicExponent: UInt256(
                0x4F08_2305_B61F_3F51, 0x65E0_5AA4_5A1C_72A3,
                0x6E14_116D_A060_5617, 0x0C19_139C_B84C_680A))
    }

    /// The progenitors of elements, eight at once where the processor can.
    package static func progenitors(of elements: [Fp]) -> [Fp] {
        var powers = elements
        return Kernels.raiseToProgenitors(&powers) ? powers : elements.map(\.progenitor)
    }

    /// The square roots of values, or nil for each that has none.
    static func squareRoots(of values: [Fp]) -> [Fp?] {
        zip(values, progenitors(of: values)).map { value, progenitor in
            let root = value * progenitor
            return root.squared() == value ? root : nil
        }
    }

    /// Returns `9 * value + addend`, for an addend of at most p.
    ///
    /// The sum t is below 10 p. The quotient by p is estimated from its bits above the 246th as
    /// floor(t / 2^246) * 1354 / 2^18, which is never too large and at most one too small: a third
    /// of the instructions that nine additions take.
    @inline(__always)
    static func nineTimes(_ value: Fp, plus addend: UInt256) -> Fp {
        let factor = value.montgomery
        let (sum0, carry0) = multiplyAdd(addend.limb0, factor.limb0, 9, 0)
        let (sum1, carry1) = multiplyAdd(addend.limb1, factor.limb1, 9, carry0)
        let (sum2, carry2) = multiplyAdd(addend.limb2, factor.limb2, 9, carry1)
        let (sum3, carry3) = multiplyAdd(addend.limb3, factor.limb3, 9, carry2)
        let quotient = ((carry3 << 10 | sum3 >> 54) &* 1354) >> 18
        // Adding q (2^256 - p) mod 2^256 subtracts q p; what is left is below 2p.
        let (low0, fold0) = multiplyAdd(sum0, quotient, 0xC3DF_73E9_2783_02B9, 0)
        let (low1, fold1) = multiplyAdd(sum1, quotient, 0x687E_956E_978E_3572, fold0)
        let (low2, fold2) = multiplyAdd(sum2, quotient, 0x47AF_BA49_7E7E_A7A2, fold1)
        let (low3, _) = multiplyAdd(sum3, quotient, 0xCF9B_B18D_1ECE_5FD6, fold2)
        return Fp(
            montgomery: Montgomery.reduceOnce(UInt256(low0, low1, low2, low3), modulus))
    }

    /// Half of the element.
    @inline(__always)
    func halved() -> Fp {
        // Adding the modulus to an odd number makes it even; the sum is below 2^255.
        let mask = 0 &- (montgomery.limb0 & 1)
        let even = montgomery.addingWithCarry(Fp.modulus.value.masked(by: mask)).0
        return Fp(montgomery: even.halved())
    }

    /// Whether the number is above (order - 1) / 2, that is, larger than its negation.
    package var isLarger: Bool {
        UInt256(
            0x9E10_460B_6C3E_7EA3, 0xCBC0_B548_B438_E546,
            0xDC28_22DB_40C0_AC2E, 0x1832_2739_7098_D014) < canonical
    }
}
