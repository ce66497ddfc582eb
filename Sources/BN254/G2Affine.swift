// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A point of G2: the part of order r of the twist `y^2 = x^3 + 3 / (9 + u)`, or infinity.
///
/// Every value of this type was checked when it was made, membership of the group included, which
/// `G1Affine` has no need of: that is why the two are not one generic type.
package struct G2Affine: Hashable, Sendable {
    /// The first coordinate, 0 at infinity.
    package let x: Fp2
    /// The second coordinate, 0 at infinity.
    package let y: Fp2

    /// The size of the form with both coordinates, in bytes.
    package static let uncompressedSize = 128

    /// The size of the form with one coordinate, in bytes.
    package static let compressedSize = 64

    /// Takes coordinates that are known to be in the group, or (0, 0).
    @inline(__always)
    init(uncheckedX x: Fp2, y: Fp2) {
        self.x = x
        self.y = y
    }

    /// Takes the coordinates of a point, where (0, 0) is infinity.
    ///
    /// Checks the curve and then the group.
    package init(x: Fp2, y: Fp2) throws(PointError) {
        self.init(uncheckedX: x, y: y)
        if isInfinity { return }
        guard y.squared() == TwistPoint.rightSide(x) else { throw .notOnCurve }
        guard isInSubgroup else { throw .notInSubgroup }
    }

    /// The neutral element.
    package static let infinity = G2Affine(uncheckedX: .zero, y: .zero)

    /// The generator of EIP-197.
    package static let generator = G2Affine(
        uncheckedX: Fp2(
            c0: Fp(
                0x8E83_B5D1_02BC_2026, 0xDCEB_1935_497B_0172,
                0xFBB8_2647_9781_1ADF, 0x1957_3841_AF96_503B),
            c1: Fp(
                0xAFB4_737D_A84C_6140, 0x6043_DD5A_5802_D8C4,
                0x09E9_50FC_52A0_2F86, 0x14FE_F083_3AEA_7B6B)),
        y: Fp2(
            c0: Fp(
                0x619D_FA9D_886B_E9F6, 0xFE7F_D297_F59E_9B78,
                0xFF9E_1A62_231B_7DFE, 0x28FD_7EEB_AE9E_4206),
            c1: Fp(
                0x6409_5B56_C718_56EE, 0xDC57_F922_327D_3CBB,
                0x55F9_35BE_3335_1076, 0x0DA4_A0E6_93FD_6482)))

    /// Whether this is the neutral element.
    package var isInfinity: Bool { x.isZero && y.isZero }

    /// The point that gives infinity when added to this one.
    package var negated: G2Affine { G2Affine(uncheckedX: x, y: y.negated) }

    /// The same point in Jacobian coordinates.
    package var jacobian: G2Point { G2Point(x: x, y: y) }
}

/// A point of the twist in Jacobian coordinates.
package typealias G2Point = JacobianPoint<Fp2>

extension G2Affine {
    /// Brings a point of the group to affine coordinates; one inversion.
    init(_ point: G2Point) {
        let (x, y) = point.affine
        self.init(uncheckedX: x, y: y)
    }

    /// Returns the sum. Branches on its operands: for public data.
    package static func + (left: G2Affine, right: G2Affine) -> G2Affine {
        G2Affine(left.jacobian.adding(x: right.x, y: right.y))
    }

    /// Returns the point times a scalar.
    package func multipliedVariableTime(by scalar: Fr) -> G2Affine {
        G2Affine(jacobian.multipliedVariableTime(by: scalar.canonical))
    }

    /// Whether a point of the twist that is not infinity has order r.
    private var isInSubgroup: Bool {
        let point = TwistPoint(self)
        return Kernels.isMember(point) ?? point.isMember
    }
}

extension JacobianPoint where Coordinate == Fp2 {
    /// The power of p carried over to the twist.
    var frobenius: G2Point {
        G2Point(
            x: x.conjugate * CurveConstants.frobeniusOnce2,
            y: y.conjugate * CurveConstants.frobeniusOnce3, z: z.conjugate)
    }

    /// The power of p^2 carried over to the twist; its factor for y is -1.
    var frobeniusSquared: G2Point {
        G2Point(x: x * CurveConstants.frobeniusTwice2, y: y.negated, z: z)
    }

    /// The power of p^3 carried over to the twist.
    var frobeniusCubed: G2Point {
        G2Point(
            x: x.conjugate * CurveConstants.frobeniusThrice2,
            y: y.conjugate * CurveConstants.frobeniusThrice3, z: z.conjugate)
    }

    /// The point times u.
    func multipliedByParameter() -> G2Point {
        let twice = doubled()
        let third = twice + self
        let fifth = third + twice
        let seventh = fifth + twice
        var result = G2Point.infinity
        for digit in CurveConstants.parameterDigits.reversed() {
            result = result.doubled()
            if digit == 0 { continue }
            let odd =
                switch digit.magnitude {
                case 1: self
                case 3: third
                case 5: fifth
                default: seventh
                }
            result = result + (digit > 0 ? odd : odd.negated)
        }
        return result
    }
}

// MARK: - Bytes

extension G2Affine {
    /// Reads the 128 bytes of EIP-197: x, then y, each with the factor of u first, most
    /// significant byte first; zeros for infinity.
    ///
    /// Checks length, the four coordinates as they stand, the curve, and the group, in this order.
    package init(ethereum bytes: some RandomAccessCollection<UInt8>) throws(PointError) {
        guard bytes.count == Self.uncompressedSize else {
            throw .wrongLength(expectedBytes: Self.uncompressedSize, actualBytes: bytes.count)
        }
        let parts = Array(bytes)
        guard let x1 = Fp(bigEndian: Array(parts[0..<32])) else { throw .notCanonical(.x1) }
        guard let x0 = Fp(bigEndian: Array(parts[32..<64])) else { throw .notCanonical(.x0) }
        guard let y1 = Fp(bigEndian: Array(parts[64..<96])) else { throw .notCanonical(.y1) }
        guard let y0 = Fp(bigEndian: Array(parts[96..<128])) else { throw .notCanonical(.y0) }
        try self.init(x: Fp2(c0: x0, c1: x1), y: Fp2(c0: y0, c1: y1))
    }

    /// The 128 bytes of EIP-197.
    package var ethereum: [UInt8] {
        x.c1.bigEndianBytes + x.c0.bigEndianBytes + y.c1.bigEndianBytes + y.c0.bigEndianBytes
    }

    /// Reads 64 bytes: x.c0 and x.c1, least significant byte first, with flags in the two top bits
    /// of the last byte.
    ///
    /// 0x80 marks the larger y (by y.c1, and by y.c0 where that is 0), 0x40 infinity (all other
    /// bits clear). Checks length, flags, x.c0, x.c1, the curve, and the group, in this order.
    package init(compressed bytes: some RandomAccessCollection<UInt8>) throws(PointError) {
        guard bytes.count == Self.compressedSize else {
            throw .wrongLength(expectedBytes: Self.compressedSize, actualBytes: bytes.count)
        }
        var copy = Array(bytes)
        let flags = try CompressionFlags(removingFrom: &copy)
        if flags.isInfinity {
            self = .infinity
            return
        }
        guard let x0 = Fp(littleEndian: Array(copy[0..<32])) else { throw .notCanonical(.x0) }
        guard let x1 = Fp(littleEndian: Array(copy[32..<64])) else { throw .notCanonical(.x1) }
        let x = Fp2(c0: x0, c1: x1)
        guard let root = TwistPoint.rightSide(x).squareRoot else { throw .notOnCurve }
        self.init(uncheckedX: x, y: root.isLarger == flags.hasLargerY ? root : root.negated)
        guard isInSubgroup else { throw .notInSubgroup }
    }

    /// The 64 bytes of the compressed form.
    package var compressed: [UInt8] {
        var bytes = x.c0.littleEndianBytes + x.c1.littleEndianBytes
        if isInfinity {
            bytes[63] = CompressionFlags.infinity
        } else if y.isLarger {
            bytes[63] |= CompressionFlags.largerY
        }
        return bytes
    }
}
