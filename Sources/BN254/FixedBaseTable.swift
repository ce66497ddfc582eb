// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Multiples of points of G1 that are known in advance, for fast sums of products.
///
/// Holds m * 2^(w i) * P for each point P, window i and 1 <= m <= 2^(w - 1): with 7 bits 152 KB
/// a point, with 4 bits 33 KB. The time of a sum depends on the scalars: for public data only.
package struct FixedBaseTable: Equatable, Sendable {
    private let pointCount: Int
    private let width: Int
    private let entries: [G1Affine]

    /// From this many points on, windows are 4 bits wide to bound the memory.
    private static let wideWindowPointsMax = 32

    private var windowCount: Int { (255 + width - 1) / width }

    /// Computes the multiples; 2,368 additions and one inversion a point with 7 bits.
    package init(_ points: [G1Affine]) {
        let width = points.count > Self.wideWindowPointsMax ? 4 : 7
        let windowCount = (255 + width - 1) / width
        var entries: [G1Affine] = []
        entries.reserveCapacity(points.count * windowCount << (width - 1))
        for point in points {
            Self.appendMultiples(of: point, windowCount, width, to: &entries)
        }
        pointCount = points.count
        self.width = width
        self.entries = entries
    }

    private static func appendMultiples(
        of point: G1Affine, _ windowCount: Int, _ width: Int, to entries: inout [G1Affine]
    ) {
        var multiples: [G1Point] = []
        multiples.reserveCapacity(windowCount << (width - 1))
        var base = point.jacobian
        for _ in 0..<windowCount {
            var multiple = base
            multiples.append(multiple)
            for _ in 1..<(1 << (width - 1)) {
                multiple = multiple + base
                multiples.append(multiple)
            }
            base = multiple.doubled()
        }
        var inverted = multiples.map(\.z)
        Fp.invertAll(&inverted)
        for (multiple, inverse) in zip(multiples, inverted) {
            let square = inverse.squared()
            entries.append(
                G1Affine(
                    uncheckedX: multiple.x * square, y: multiple.y * square * inverse))
        }
    }

    /// Returns `offset` plus the sum of each point times its scalar.
    ///
    /// - Precondition: there is one scalar for each point; the caller has checked it.
    package func sumVariableTime(_ scalars: [Fr], offset: G1Affine) -> G1Point {
        guard scalars.count == pointCount else {
            fatalError("\(scalars.count) scalars for \(pointCount) points")
        }
        var result = offset.jacobian
        let half = 1 << (width - 1)
        var position = 0
        for scalar in scalars {
            let value = scalar.canonical
            var carry = 0
            for window in 0..<windowCount {
                // Digits from -half + 1 to half; scalars are below 2^254, so none is left over.
                let digit = Int(value.bits(at: window * width, width: width)) + carry
                carry = digit > half ? 1 : 0
                if carry == 0, digit != 0 {
                    let entry = entries[position + digit - 1]
                    result = result.adding(x: entry.x, y: entry.y)
                } else if carry == 1, digit != half << 1 {
                    let entry = entries[position + (half << 1) - digit - 1]
                    result = result.adding(x: entry.x, y: entry.y.negated)
                }
                position += half
            }
        }
        return result
    }
}
