// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A point of the twist `y^2 = x^3 + 3 / (9 + u)`, not infinity, of whatever order.
package struct TwistPoint: Hashable, Sendable {
    /// The first coordinate.
    package let x: Fp2
    /// The second coordinate.
    package let y: Fp2

    /// Takes coordinates that are known to be on the twist.
    @inline(__always)
    init(uncheckedX x: Fp2, y: Fp2) {
        self.x = x
        self.y = y
    }

    /// Takes a point of the group, which is not infinity.
    package init(_ point: G2Affine) {
        self.init(uncheckedX: point.x, y: point.y)
    }

    /// Takes coordinates of a point that is not infinity; nil where it is not on the twist.
    package init?(x: Fp2, y: Fp2) {
        guard y.squared() == Self.rightSide(x) else { return nil }
        self.init(uncheckedX: x, y: y)
    }

    static func rightSide(_ x: Fp2) -> Fp2 {
        x.squared() * x + CurveConstants.twistCoefficient
    }

    /// Reads compressed points of G2 at once, but for their order; nil for infinity and for each
    /// that `G2Affine.init(compressed:)` refuses for what it checks before.
    package static func readTogether(compressed points: [[UInt8]]) -> [TwistPoint?] {
        let parsed = points.map { bytes -> (x: Fp2, flags: CompressionFlags)? in
            guard bytes.count == G2Affine.compressedSize else { return nil }
            var copy = bytes
            guard let flags = CompressionFlags(finiteFrom: &copy),
                let x0 = Fp(littleEndian: Array(copy[0..<32])),
                let x1 = Fp(littleEndian: Array(copy[32..<64]))
            else { return nil }
            return (Fp2(c0: x0, c1: x1), flags)
        }
        let roots = Fp2.squareRoots(of: parsed.map { rightSide($0?.x ?? .zero) })
        return zip(parsed, roots).map { parsed, root in
            guard let (x, flags) = parsed, let root else { return nil }
            let y = root.isLarger == flags.hasLargerY ? root : root.negated
            return TwistPoint(uncheckedX: x, y: y)
        }
    }
}

extension G2Affine {
    /// Takes a point of the twist that is known to be in the group.
    package init(member point: TwistPoint) {
        self.init(uncheckedX: point.x, y: point.y)
    }
}
