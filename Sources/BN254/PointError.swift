// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A coordinate of a point, as errors name it.
package enum Coordinate: String, Equatable, Sendable {
    /// The x of a point of G1.
    case x = "x"
    /// The y of a point of G1.
    case y = "y"
    /// The part of x without u, in G2.
    case x0 = "x.c0"
    /// The factor of u in x, in G2.
    case x1 = "x.c1"
    /// The part of y without u, in G2.
    case y0 = "y.c0"
    /// The factor of u in y, in G2.
    case y1 = "y.c1"
    /// The third coordinate of a projective text form.
    case z = "z"
}

/// Why bytes or coordinates are no point. Checked in the order of the cases.
package enum PointError: Error, Equatable, Sendable {
    /// The bytes are of another length than the form has.
    case wrongLength(expectedBytes: Int, actualBytes: Int)
    /// The flag bits contradict each other or the coordinate beside them.
    case invalidFlags
    /// A coordinate is not below the modulus of the base field.
    case notCanonical(Coordinate)
    /// The coordinates do not satisfy the equation of the curve.
    case notOnCurve
    /// The point is on the curve but outside the group of order r.
    case notInSubgroup
}

/// The flag bits in the last byte of a compressed point.
struct CompressionFlags {
    /// Whether y is the larger of the two candidates.
    let hasLargerY: Bool
    /// Whether the point is at infinity.
    let isInfinity: Bool

    static let largerY: UInt8 = 0x80
    static let infinity: UInt8 = 0x40

    /// Takes the flags off the last byte of a compressed form, which must not be empty.
    ///
    /// The larger-y flag with the infinity flag is refused: infinity has one encoding.
    init(removingFrom bytes: inout [UInt8]) throws(PointError) {
        let last = bytes[bytes.count - 1]
        hasLargerY = last & Self.largerY != 0
        isInfinity = last & Self.infinity != 0
        if hasLargerY && isInfinity { throw .invalidFlags }
        bytes[bytes.count - 1] = last & ~(Self.largerY | Self.infinity)
        if isInfinity, bytes.contains(where: { $0 != 0 }) { throw .invalidFlags }
    }

    /// Takes the flags off the last byte of a point that is not infinity; nil for all else.
    init?(finiteFrom bytes: inout [UInt8]) {
        do throws(PointError) { try self.init(removingFrom: &bytes) } catch { return nil }
        if isInfinity { return nil }
    }
}
