// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// How likely it is by chance alone that two coincide so often.
///
/// Of `rounds`, one was against the rest in `first`, the other in `second`. Where neither knows of
/// the other, the number in which both were is hypergeometric: it is k with the weight `w(k) =
/// C(first, k) * C(rounds - first, second - k)`. Source: Fisher 1935, "The logic of inductive
/// inference": the exact test of a two-by-two table, one-sided.
///
/// The likeliest k has weight 2^90, and the others follow by their ratios; each is kept as an
/// integer from above, rounded up, and one from below, rounded down.
package struct ChanceTail {
    /// So many rounds keep every sum below 2^128.
    package static let roundsMax: UInt64 = 1 << 32

    private let rounds: UInt64
    private let first: UInt64
    private let second: UInt64
    private let together: UInt64
    /// All weights, from below.
    private var total: UInt128 = 0
    /// The weights of `together` and more, from above.
    private var tail: UInt128 = 0

    /// A number of which it is proved that chance brings `together` or more in at most one of so
    /// many cases; at most about 2^90, however rare the case is.
    ///
    /// Costs in proportion to the deviation, not to the rounds.
    /// - Precondition: `first` and `second` are at most `rounds`, `together` at most either.
    package static func oneIn(
        rounds: UInt64, first: UInt64, second: UInt64, together: UInt64
    ) -> UInt128 {
        var tail = ChanceTail(rounds, first, second, together)
        tail.sum()
        // From above, the tail may come out larger than all of which it is a part.
        return max(1, tail.total / max(tail.tail, 1))
    }

    private init(_ rounds: UInt64, _ first: UInt64, _ second: UInt64, _ together: UInt64) {
        invariant(rounds <= Self.roundsMax, "\(rounds) rounds are too many to judge")
        invariant(max(first, second) <= rounds, "against the rest in more than all rounds")
        invariant(together <= min(first, second), "together more often than alone")
        (self.rounds, self.first, self.second, self.together) = (rounds, first, second, together)
    }

    private mutating func sum() {
        let low = first + second > rounds ? first + second - rounds : 0
        let high = min(first, second)
        // Up to it the weights rise, from it on they fall.
        let middle = UInt128(first + 1) * UInt128(second + 1) / UInt128(rounds + 2)
        let likeliest = min(max(UInt64(middle), low), high)
        let start = Weight(above: 1 << 90, below: 1 << 90)
        add(start, likeliest)
        var weight = start
        for k in likeliest..<high {
            weight = weight.times(
                UInt128(first - k) * UInt128(second - k),
                over: UInt128(k + 1) * UInt128(rounds + k + 1 - first - second))
            guard weight.below > 0 else {
                // None of the rest is heavier.
                if together <= high {
                    tail += weight.above * UInt128(high - max(k + 1, together) + 1)
                }
                break
            }
            add(weight, k + 1)
        }
        weight = start
        for k in (low..<likeliest).reversed() {
            weight = weight.times(
                UInt128(k + 1) * UInt128(rounds + k + 1 - first - second),
                over: UInt128(first - k) * UInt128(second - k))
            guard weight.below > 0 else {
                if k >= together { tail += weight.above * UInt128(k - together + 1) }
                break
            }
            add(weight, k)
        }
    }

    private mutating func add(_ weight: Weight, _ k: UInt64) {
        total += weight.below
        if k >= together { tail += weight.above }
    }
}

/// A weight from both sides.
private struct Weight {
    /// Not below it.
    let above: UInt128
    /// Not above it.
    let below: UInt128

    /// The weight times a ratio that is at most 1, so that the quotient fits.
    func times(_ factor: UInt128, over divisor: UInt128) -> Weight {
        let up = divisor.dividingFullWidth(above.multipliedFullWidth(by: factor))
        let down = divisor.dividingFullWidth(below.multipliedFullWidth(by: factor))
        return Weight(
            above: up.quotient + (up.remainder > 0 ? 1 : 0), below: down.quotient)
    }
}
