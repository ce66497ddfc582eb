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

    /// Returns `offset` plus the sum of the first points times their scalars.
    ///
    /// - Precondition: there are no more scalars than points; the caller has checked it.
    package func sumVariableTime(_ scalars: [Fr], offset: G1Affine = .infinity) -> G1Point {
        guard scalars.count <= pointCount else {
            fatalError("\(scalars.count) scalars for \(pointCount) points")
        }
        var terms: [G1Affine] = []
        terms.reserveCapacity(scalars.count * windowCount)
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
                    terms.append(entries[position + digit - 1])
                } else if carry == 1, digit != half << 1 {
                    terms.append(entries[position + (half << 1) - digit - 1].negated)
                }
                position += half
            }
        }
        return G1Affine.sumVariableTime(terms, offset: offset)
    }
}

extension G1Affine {
    /// From this many points on, adding pairs with a shared inversion is worth its cost.
    private static let pairsMin = 24

    /// Returns the sum of points and an offset.
    ///
    /// Adds the points in pairs, and the sums in pairs again, with one inversion a round: about
    /// six multiplications an addition instead of eleven. What is left is added one by one.
    static func sumVariableTime(_ points: [G1Affine], offset: G1Affine) -> G1Point {
        if points.count >= pairsMin,
            let sum = Kernels.sum(points.filter { !$0.isInfinity })
        {
            return sum.adding(x: offset.x, y: offset.y)
        }
        var result = offset.jacobian
        var terms = points
        var runs: [Fp] = []
        while terms.count >= pairsMin {
            let pairCount = terms.count / 2
            runs.removeAll(keepingCapacity: true)
            for index in 0..<pairCount {
                runs.append(terms[2 * index + 1].x - terms[2 * index].x)
            }
            Fp.invertAll(&runs)
            var sumCount = 0
            for index in 0..<pairCount {
                let left = terms[2 * index]
                let right = terms[2 * index + 1]
                // Equal x: the same point, or one and its negation. Infinity has no slope.
                if runs[index].isZero || left.isInfinity || right.isInfinity {
                    result = result.adding(x: left.x, y: left.y).adding(x: right.x, y: right.y)
                    continue
                }
                let slope = (right.y - left.y) * runs[index]
                let x = slope.squared() - left.x - right.x
                terms[sumCount] = G1Affine(uncheckedX: x, y: slope * (left.x - x) - left.y)
                sumCount += 1
            }
            if terms.count % 2 == 1 {
                terms[sumCount] = terms[terms.count - 1]
                sumCount += 1
            }
            terms.removeLast(terms.count - sumCount)
        }
        for term in terms { result = result.adding(x: term.x, y: term.y) }
        return result
    }
}
