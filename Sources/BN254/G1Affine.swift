// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A point of G1: the curve `y^2 = x^3 + 3` over the base field, or infinity.
///
/// The curve has prime order, so that each of its points is in the group. Every value of this
/// type was checked when it was made.
package struct G1Affine: Hashable, Sendable {
    /// The first coordinate, 0 at infinity.
    package let x: Fp
    /// The second coordinate, 0 at infinity.
    package let y: Fp

    /// The size of the form with both coordinates, in bytes.
    package static let uncompressedSize = 64

    /// The size of the form with one coordinate, in bytes.
    package static let compressedSize = 32

    /// Takes coordinates that are known to be on the curve, or (0, 0).
    @inline(__always)
    init(uncheckedX x: Fp, y: Fp) {
        self.x = x
        self.y = y
    }

    /// Takes the coordinates of a point, where (0, 0) is infinity.
    ///
    /// Throws `notOnCurve` for any other pair that does not satisfy the equation.
    package init(x: Fp, y: Fp) throws(PointError) {
        self.init(uncheckedX: x, y: y)
        guard isInfinity || y.squared() == G1Affine.rightSide(x) else { throw .notOnCurve }
    }

    /// The neutral element.
    package static let infinity = G1Affine(uncheckedX: .zero, y: .zero)

    /// The generator (1, 2).
    package static let generator = G1Affine(uncheckedX: .one, y: Fp.one.doubled())

    /// Whether this is the neutral element.
    package var isInfinity: Bool { x.isZero && y.isZero }

    /// The point that gives infinity when added to this one.
    package var negated: G1Affine { G1Affine(uncheckedX: x, y: y.negated) }

    /// The same point in Jacobian coordinates.
    package var jacobian: G1Point { G1Point(x: x, y: y) }

    static func rightSide(_ x: Fp) -> Fp {
        x.squared() * x + CurveConstants.coefficient
    }
}

/// A point of G1 in Jacobian coordinates.
package typealias G1Point = JacobianPoint<Fp>

extension G1Affine {
    /// Brings a point to affine coordinates; one inversion.
    package init(_ point: G1Point) {
        let (x, y) = point.affine
        self.init(uncheckedX: x, y: y)
    }

    /// Returns the sum. Branches on its operands: for public data.
    package static func + (left: G1Affine, right: G1Affine) -> G1Affine {
        G1Affine(left.jacobian.adding(x: right.x, y: right.y))
    }

    /// Returns the point times a number of 256 bits, which may exceed the order.
    package func multipliedVariableTime(by scalar: UInt256) -> G1Affine {
        G1Affine(jacobian.multipliedVariableTime(by: scalar))
    }

    /// Returns the point times a scalar.
    package func multipliedVariableTime(by scalar: Fr) -> G1Affine {
        multipliedVariableTime(by: scalar.canonical)
    }
}

// MARK: - Bytes

extension G1Affine {
    /// Reads the 64 bytes of EIP-196: x, then y, most significant byte first; zeros for infinity.
    ///
    /// Checks length, x and y below the modulus, and the curve, in this order.
    package init(ethereum bytes: some RandomAccessCollection<UInt8>) throws(PointError) {
        guard bytes.count == Self.uncompressedSize else {
            throw .wrongLength(expectedBytes: Self.uncompressedSize, actualBytes: bytes.count)
        }
        guard let x = Fp(bigEndian: Array(bytes.prefix(32))) else { throw .notCanonical(.x) }
        guard let y = Fp(bigEndian: Array(bytes.suffix(32))) else { throw .notCanonical(.y) }
        try self.init(x: x, y: y)
    }

    /// The 64 bytes of EIP-196.
    package var ethereum: [UInt8] { x.bigEndianBytes + y.bigEndianBytes }

    /// Reads 32 bytes: x, least significant first, with flags in the two top bits of the last.
    ///
    /// 0x80 marks the larger y, 0x40 infinity (all other bits clear). Checks length, flags, x
    /// below the modulus, and the curve, in this order.
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
        guard let x = Fp(littleEndian: copy) else { throw .notCanonical(.x) }
        guard let root = G1Affine.rightSide(x).squareRoot else { throw .notOnCurve }
        self.init(x: x, root: root, flags)
    }

    /// Takes the root that the flags ask for.
    init(x: Fp, root: Fp, _ flags: CompressionFlags) {
        self.init(uncheckedX: x, y: root.isLarger == flags.hasLargerY ? root : root.negated)
    }

    /// The 32 bytes of the compressed form.
    package var compressed: [UInt8] {
        var bytes = x.littleEndianBytes
        if isInfinity {
            bytes[31] = CompressionFlags.infinity
        } else if y.isLarger {
            bytes[31] |= CompressionFlags.largerY
        }
        return bytes
    }
}
