// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An element of the scalar field of BN254, whose order is that of its groups.
///
/// Held in Montgomery form. `+ - *`, `negated`, `squared` and `inverse` are constant-time.
///
/// It repeats `Fp` line by line but for its constants: one generic type of both would call its
/// kernels through witnesses wherever the compiler does not specialise it, and an `Fp` could be
/// added to an `Fr` by a mistake in a type parameter alone.
package struct Fr: PrimeField {
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
                0x43E1_F593_F000_0001, 0x2833_E848_79B9_7091,
                0xB850_45B6_8181_585D, 0x3064_4E72_E131_A029),
            negatedInverse: 0xC2E1_F593_EFFF_FFFF,
            squaredRadix: UInt256(
                0x1BB8_E645_AE21_6DA7, 0x53FE_3AB1_E35C_59E3,
                0x8C49_833D_53BB_8085, 0x0216_D0B1_7F4E_44A5))
    }

    /// The order of the field.
    package static var order: UInt256 { modulus.value }

    /// The neutral element of addition.
    package static var zero: Fr { Fr(0, 0, 0, 0) }

    /// The neutral element of multiplication.
    package static var one: Fr {
        Fr(
            0xAC96_341C_4FFF_FFFB, 0x36FC_7695_9F60_CD29,
            0x666E_A36F_7879_462E, 0x0E0A_77C1_9A07_DF2F)
    }

    /// Makes the element that a number below the order stands for; not checked.
    package init(uncheckedCanonical value: UInt256) {
        montgomery = Montgomery.enter(value, Self.modulus)
    }

    /// The number below the order that this element stands for.
    package var canonical: UInt256 { Montgomery.leave(montgomery, Self.modulus) }
}

// MARK: - Arithmetic

extension Fr {
    /// Whether this is the neutral element of addition.
    @inline(__always)
    package var isZero: Bool { montgomery.isZero }

    /// The sum.
    @inline(__always)
    package static func + (left: Fr, right: Fr) -> Fr {
        Fr(montgomery: Montgomery.add(left.montgomery, right.montgomery, modulus))
    }

    /// The difference.
    @inline(__always)
    package static func - (left: Fr, right: Fr) -> Fr {
        Fr(montgomery: Montgomery.subtract(left.montgomery, right.montgomery, modulus))
    }

    /// The product.
    package static func * (left: Fr, right: Fr) -> Fr {
        Fr(montgomery: Montgomery.multiply(left.montgomery, right.montgomery, modulus))
    }

    /// The product with itself.
    package func squared() -> Fr { self * self }

    /// Twice the element.
    @inline(__always)
    package func doubled() -> Fr { self + self }

    /// The element that gives zero when added to this one.
    @inline(__always)
    package var negated: Fr { .zero - self }

    /// The element that gives one when multiplied with this one; zero for zero.
    ///
    /// By Fermat: the power of the order less two.
    package var inverse: Fr {
        power(
            publicExponent: UInt256(
                0x43E1_F593_EFFF_FFFF, 0x2833_E848_79B9_7091,
                0xB850_45B6_8181_585D, 0x3064_4E72_E131_A029))
    }
}
