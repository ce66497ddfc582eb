// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Projections
import TestSupport
import Testing

/// Sums over the whole ledger, which are counted as the log is folded.
@Suite struct TallyTests {
    /// What a pass over all that was led counts of a validator.
    private struct Counted {
        var whole: [UInt64] = [0, 0, 0]
        var parts: [Double] = [0, 0, 0]
    }

    @Test(arguments: LeadingKind.allCases)
    func `what was led is what a pass over all of it counts`(_ kind: LeadingKind) throws {
        let viewed = try Viewed.shared()
        var wanted: [UInt64: Counted] = [:]
        try viewed.ask { views throws in
            try views.forEachLeadership(kind) { led, candidates, _ in
                guard led.round == 0 else {
                    wanted[led.leader, default: Counted()].whole[2] += 1
                    return
                }
                wanted[led.leader, default: Counted()].whole[1] += 1
                let chances = Self.naive(candidates.map { Double($0.weight) })
                let all = candidates.reduce(0.0) { $0 + Double($1.weight) }
                for (candidate, chance) in zip(candidates, chances) {
                    var counted = wanted[candidate.validator] ?? Counted()
                    counted.whole[0] += 1
                    counted.parts[0] += chance
                    counted.parts[1] += chance * (1 - chance)
                    counted.parts[2] += Double(candidate.weight) / all
                    wanted[candidate.validator] = counted
                }
            }
        }
        let found = try viewed.ask { views throws in try views.leadingSums(kind) }
        #expect(found.contains { $0.led > 0 })
        #expect(Set(found.map(\.validator)).isSuperset(of: wanted.keys))
        for sum in found {
            let counted = wanted[sum.validator] ?? Counted()
            let whole: [UInt64] = [sum.candidate, sum.led, sum.stoodIn]
            #expect(whole == counted.whole)
            for (value, part) in zip([sum.expected, sum.variance, sum.weights], counted.parts) {
                #expect(abs(Double(value) / Double(LeaderOdds.one) - part) < 1e-5)
            }
        }
    }

    @Test func `a whole ledger is counted as its parts are`() throws {
        let viewed = try Viewed.shared()
        try viewed.ask { views throws in
            let whole = try views.validators()
            // The same entries, by the pass over the votes.
            let passed = try views.validators(EntryRange(from: 0, to: 1 << 40))
            #expect(whole == passed)
            #expect(whole.contains { $0.contradicted > 0 })
            #expect(whole.contains { $0.leads > 0 })
        }
    }

    @Test func `probabilities are those of the integral`() {
        var random = SplitMix64(seed: 7)
        for count in 1...40 {
            for bits in [1, 8, 40, 100, 121] {
                let weights = (0..<count).map { _ in
                    UInt128(random.next()) << 64 | UInt128(random.next()) >> UInt128(127 - bits)
                }.map { $0 >> UInt128(128 - bits) }
                let odds = LeaderOdds.probabilities(weights)
                for (found, wanted) in zip(odds, Self.naive(weights.map(Double.init))) {
                    #expect(abs(Double(found) / Double(LeaderOdds.one) - wanted) < 1e-8)
                }
                let sum = odds.reduce(0, +)
                #expect(abs(Double(sum) / Double(LeaderOdds.one) - 1) < 1e-7, "\(weights)")
                let shares = LeaderOdds.shares(weights)
                let all = weights.reduce(0.0) { $0 + Double($1) }
                for (share, weight) in zip(shares, weights) where all > 0 {
                    #expect(
                        abs(Double(share) / Double(LeaderOdds.one) - Double(weight) / all) < 1e-8)
                }
            }
        }
    }

    @Test func `equal weights and none at all are equally likely`() {
        #expect(LeaderOdds.probabilities([]) == [])
        #expect(LeaderOdds.probabilities([0, 0]) == [LeaderOdds.one / 2, LeaderOdds.one / 2])
        #expect(LeaderOdds.probabilities([.max]) == [LeaderOdds.one])
        #expect(LeaderOdds.probabilities([0, 5]) == [0, LeaderOdds.one])
        #expect(
            LeaderOdds.probabilities([7, 7, 7, 7])
                == [UInt64](repeating: LeaderOdds.one / 4, count: 4))
        // Two weights, w and 2w: the lighter leads with a quarter.
        #expect(LeaderOdds.probabilities([1, 2]) == [LeaderOdds.one / 4, LeaderOdds.one / 4 * 3])
        #expect(LeaderOdds.shares([0, 0]) == [0, 0])
        #expect(LeaderOdds.shares([1, 3]) == [LeaderOdds.one / 4, LeaderOdds.one / 4 * 3])
    }

    /// The integral of 1 / w_i times the product of min(1, x / w_j), by many small steps of the
    /// pieces on which it is a polynomial: Simpson's rule on 200 parts of each.
    private static func naive(_ weights: [Double]) -> [Double] {
        guard let most = weights.max(), most > 0 else {
            return weights.map { _ in 1 / Double(max(1, weights.count)) }
        }
        let bounds = [0] + Set(weights.map { $0 / most }).sorted()
        return weights.indices.map { place in
            let own = weights[place] / most
            guard own > 0 else { return 0 }
            var sum = 0.0
            func value(_ x: Double) -> Double {
                var product = 1 / own
                for (other, weight) in weights.enumerated() where other != place {
                    product *= min(1, weight > 0 ? x * most / weight : 1)
                }
                return product
            }
            for (low, high) in zip(bounds, bounds.dropFirst()) where high <= own {
                let step = (high - low) / 200
                for part in 0..<200 {
                    let x = low + Double(part) * step
                    sum += step / 6 * (value(x) + 4 * value(x + step / 2) + value(x + step))
                }
            }
            return sum
        }
    }
}
