// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How likely each of some weights is to lead, in whole numbers, so that machines count alike.
///
/// The first in rank is the largest of the products `H_i * w_i` with every `H_i` uniform. With the
/// weights in rising order `w_1 <= ... <= w_n` and `P_k` the probability that every product above
/// the k-th is below `w_k`, which is the product of `w_k / w_j` over j > k,
///
///     P(i) = sum over k <= i of (P_k - P_(k-1)) / (n - k + 1)   with   P_0 = 0
///
/// since between two neighbouring weights all candidates above are equally likely; and
/// `P_(k-1) = P_k * (w_(k-1) / w_k)^(n - k + 1)` with `P_n = 1`, so that nothing overflows.
package enum LeaderOdds {
    /// One, in the units of what is returned.
    package static let one: UInt64 = 1 << 32

    /// One, in the units that it is computed in.
    private static let unit: UInt64 = 1 << 62

    /// The probability of each weight, in the order given; zero for a weight of zero, unless all
    /// are. Each is right to about a unit.
    package static func probabilities(_ weights: [UInt128]) -> [UInt64] {
        let scaled = scaled(weights)
        let count = scaled.count
        let order = scaled.indices.sorted { (scaled[$0], $0) < (scaled[$1], $1) }
        guard let heaviest = order.last, scaled[heaviest] > 0 else {
            return scaled.map { _ in one / UInt64(max(1, count)) }
        }
        // P_k for each place in the order, from the heaviest down.
        var below = [UInt64](repeating: unit, count: count)
        for k in stride(from: count - 1, to: 0, by: -1) {
            let ratio = ratio(scaled[order[k - 1]], scaled[order[k]])
            below[k - 1] = product(below[k], power(ratio, count - k))
        }
        var result = [UInt64](repeating: 0, count: count)
        var sum: UInt64 = 0
        for k in 0..<count {
            sum += (below[k] - (k > 0 ? below[k - 1] : 0)) / UInt64(count - k)
            if scaled[order[k]] > 0 { result[order[k]] = (sum + 1 << 29) >> 30 }
        }
        return result
    }

    /// The share of each weight in their sum; zero where that is zero.
    package static func shares(_ weights: [UInt128]) -> [UInt64] {
        let scaled = scaled(weights)
        let sum = scaled.reduce(UInt128(0)) { $0 + UInt128($1) }
        guard sum > 0 else { return scaled.map { _ in 0 } }
        return scaled.map { UInt64(UInt128($0) << 32 / sum) }
    }

    /// The weights, divided by one power of two so that none is above `unit`.
    private static func scaled(_ weights: [UInt128]) -> [UInt64] {
        let bits = 128 - (weights.max() ?? 0).leadingZeroBitCount
        let shift = max(0, bits - 62)
        return weights.map { UInt64($0 >> UInt128(shift)) }
    }

    /// A quotient of at most one; of zero by zero, zero.
    private static func ratio(_ smaller: UInt64, _ larger: UInt64) -> UInt64 {
        larger == 0 ? 0 : UInt64(UInt128(smaller) << 62 / UInt128(larger))
    }

    private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return high << 2 | low >> 62
    }

    private static func power(_ base: UInt64, _ exponent: Int) -> UInt64 {
        var (result, square, rest) = (unit, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = product(result, square) }
            square = product(square, square)
            rest >>= 1
        }
        return result
    }
}
