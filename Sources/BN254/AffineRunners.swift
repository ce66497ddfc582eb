// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The running points of many Miller loops in affine coordinates, with one inversion a step.
///
/// A slope gives the line without a factor for y, so that its product is the cheaper one of
/// `PreparedG2`, and the step takes less than in homogeneous coordinates; the inversion that all
/// points share pays from about a dozen points on.
/// Source: Lauter, Montgomery and Naehrig 2010, "An analysis of affine coordinates for pairing
/// computation", section 4.
struct AffineRunners {
    /// x / y of the points of G1.
    private let ratios: [Fp]
    /// 1 / y of the points of G1.
    private let inverses: [Fp]
    private let bases: [G2Affine]
    private var points: [G2Affine]
    private var slopes: [Fp2]

    /// From this many pairs on, the inversions pay.
    static let pairsMin = 16

    /// Starts at points that are not infinity.
    init(_ pairs: [(G1Affine, G2Affine)]) {
        // No point of G1 has y = 0, since the order of the curve is odd.
        var inverses = pairs.map(\.0.y)
        Fp.invertAll(&inverses)
        ratios = zip(pairs, inverses).map { $0.0.x * $1 }
        self.inverses = inverses
        bases = pairs.map(\.1)
        points = bases
        slopes = []
        slopes.reserveCapacity(pairs.count)
    }

    /// Doubles every running point and multiplies the tangents into a product.
    mutating func double(into product: inout Fp12) {
        slopes.removeAll(keepingCapacity: true)
        // The order of the points is odd, so that no y is zero.
        for point in points { slopes.append(point.y.doubled()) }
        Fp2.invertAll(&slopes)
        for index in points.indices {
            let point = points[index]
            let square = point.x.squared()
            let slope = (square.doubled() + square) * slopes[index]
            move(index, slope, point.x, &product)
        }
    }

    /// Adds every base point or its negation and multiplies the lines into a product.
    mutating func add(isNegative: Bool, into product: inout Fp12) {
        add(into: &product) { base in
            (base.x, isNegative ? base.y.negated : base.y)
        }
    }

    /// Adds psi of every base point.
    mutating func addFrobenius(into product: inout Fp12) {
        add(into: &product) { base in
            (
                base.x.conjugate * CurveConstants.frobeniusOnce2,
                base.y.conjugate * CurveConstants.frobeniusOnce3
            )
        }
    }

    /// Subtracts psi^2 of every base point.
    mutating func subtractFrobeniusSquared(into product: inout Fp12) {
        // psi^2 negates y, so that the negation of psi^2 of the point keeps it.
        add(into: &product) { base in (base.x * CurveConstants.frobeniusTwice2, base.y) }
    }

    @inline(__always)
    private mutating func add(
        into product: inout Fp12, _ other: (G2Affine) -> (x: Fp2, y: Fp2)
    ) {
        slopes.removeAll(keepingCapacity: true)
        // Not zero: that would need T = +-Q before the loop has ended.
        for index in points.indices { slopes.append(points[index].x - other(bases[index]).x) }
        Fp2.invertAll(&slopes)
        for index in points.indices {
            let (x, y) = other(bases[index])
            move(index, (points[index].y - y) * slopes[index], x, &product)
        }
    }

    /// Moves a point along a line to the negation of the third point on it, and multiplies the
    /// line in; `otherX` is that of the second point.
    private mutating func move(
        _ index: Int, _ slope: Fp2, _ otherX: Fp2, _ product: inout Fp12
    ) {
        let point = points[index]
        let x = slope.squared() - point.x - otherX
        points[index] = G2Affine(uncheckedX: x, y: slope * (point.x - x) - point.y)
        product = product.multiplied(
            unitLine: slope.negated * ratios[index],
            (slope * point.x - point.y) * inverses[index])
    }
}
