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
}

extension TwistPoint {
    /// Whether the point has order r.
    ///
    /// Holds exactly when [u+1]Q + psi([u]Q) + psi^2([u]Q) = psi^3([2u]Q), where psi is the power
    /// of p carried over to the twist. Source: Dai, Lin, Zhao and Zhou 2022, "Fast subgroup
    /// membership testings for G1, G2 and GT on pairing-friendly curves", section 4.2.
    package var isMember: Bool {
        let scaled = G2Point(x: x, y: y).multipliedByParameter()
        let left = scaled.adding(x: x, y: y) + scaled.frobenius + scaled.frobeniusSquared
        return left.isSamePoint(as: scaled.doubled().frobeniusCubed)
    }
}

extension G2Affine {
    /// Takes a point of the twist that is known to be in the group.
    package init(member point: TwistPoint) {
        self.init(uncheckedX: point.x, y: point.y)
    }
}
