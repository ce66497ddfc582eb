// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Projections

/// How often validators lead, against what their weights predict.
///
/// The first in rank is the largest of the products `H_i * w_i` with every `H_i` uniform. So with
/// the weights in rising order `w_1 <= ... <= w_n`, candidate i leads with probability
///
///     P(i) = integral from 0 to w_i of 1 / w_i * product over j != i of min(1, x / w_j) dx
///          = sum over k < i of ((w_(k+1))^m - (w_k)^m) / (m * product over j > k of w_j)
///
/// with `w_0 = 0` and `m = n - k`: between two neighbouring weights the integrand is a power of x,
/// the same for every candidate above. This is not `w_i / sum w`: the heavier lead more often than
/// their share.
package enum LeaderPrediction {
    /// The probability that each weight leads, in the order given; zero for a weight of zero,
    /// unless all are.
    package static func probabilities(_ weights: [Double]) -> [Double] {
        let order = weights.indices.sorted { weights[$0] < weights[$1] }
        let rising = order.map { weights[$0] }
        let count = rising.count
        guard let largest = rising.last, largest > 0 else {
            return weights.map { _ in 1 / Double(max(1, count)) }
        }
        // Products of ratios at most 1, from the heaviest down: nothing overflows.
        var result = [Double](repeating: 0, count: count)
        var sum = 0.0
        for k in 0..<count {
            let upper = rising[k]
            let lower = k > 0 ? rising[k - 1] : 0
            guard upper > 0 else { continue }
            let power = Double(count - k)
            var product = 1.0
            for j in (k + 1)..<max(k + 1, count) { product *= upper / rising[j] }
            sum += product * (1 - pow(lower / upper, power)) / power
            result[order[k]] = sum
        }
        return result
    }
}

/// What a validator led and what was to be expected.
package struct LeaderShare: Codable, Equatable, Sendable {
    /// The validator's number, from 0.
    package var validator: UInt64
    /// Its name.
    package fileprivate(set) var name: String?
    /// How often it could have led.
    package var candidate: UInt64 = 0
    /// How often it led.
    package var led: UInt64 = 0
    /// Led, of all that was led.
    package var share: Double = 0
    /// Its share of the weights, averaged over all that was led.
    package var weightShare: Double = 0
    /// The share that the rule predicts.
    package var predictedShare: Double = 0
    /// Led less expected, in standard deviations of the number led; absent where nothing was open
    /// to chance.
    package var deviation: Double?

    private(set) var expected = 0.0
    private(set) var variance = 0.0
    private(set) var weights = 0.0

    init(_ validator: UInt64) { self.validator = validator }

    private enum CodingKeys: String, CodingKey {
        case validator, name, candidate, led, share, weightShare, predictedShare, deviation
    }

    /// Whether the number led is so small, or so nearly all, that deviations mean little.
    ///
    /// - Parameter count: How many were led.
    package func isFew(of count: UInt64) -> Bool {
        let expected = predictedShare * Double(count)
        return min(expected, Double(candidate) - expected) < 5
    }

    fileprivate mutating func add(probability: Double, weightShare: Double) {
        candidate += 1
        expected += probability
        variance += probability * (1 - probability)
        weights += weightShare
    }

    fileprivate init(_ sums: LeadingSums) {
        self.init(sums.validator)
        let one = Double(LeaderOdds.one)
        candidate = sums.candidate
        led = sums.led
        expected = Double(sums.expected) / one
        variance = Double(sums.variance) / one
        weights = Double(sums.weights) / one
    }

    fileprivate mutating func finish(of count: UInt64) {
        guard count > 0 else { return }
        share = Double(led) / Double(count)
        weightShare = weights / Double(count)
        predictedShare = expected / Double(count)
        if variance > 1e-12 { deviation = (Double(led) - expected) / variance.squareRoot() }
    }
}

/// The shares of all validators in what was led.
package struct LeaderShares: Codable, Sendable {
    /// What was led.
    package let kind: LeadingKind
    /// How many were led, by the first in rank.
    package private(set) var count: UInt64 = 0
    /// Batches that a later one in rank proposed, since the first was passed over; not counted.
    package private(set) var passedOver: UInt64 = 0
    /// The shares by the numbers of the validators.
    package private(set) var validators: [LeaderShare] = []

    private var places: [UInt64: Int] = [:]
    private var current: [(place: Int, probability: Double, weightShare: Double)] = []

    private enum CodingKeys: String, CodingKey { case kind, count, passedOver, validators }

    /// Starts with nothing.
    package init(_ kind: LeadingKind) { self.kind = kind }

    /// Takes in what was led.
    package mutating func add(
        _ led: Leadership, _ candidates: [WeighedCandidate], isSame: Bool
    ) {
        if !isSame || current.isEmpty { predict(candidates) }
        // Who stands in for the first in rank says nothing about the first.
        guard led.round == 0 else {
            passedOver += 1
            return
        }
        count += 1
        for (place, probability, weightShare) in current {
            validators[place].add(probability: probability, weightShare: weightShare)
        }
        validators[place(of: led.leader)].led += 1
    }

    /// Takes in all that the ledger tallied, and computes the shares.
    package mutating func add(_ sums: [LeadingSums]) {
        for sum in sums {
            count += sum.led
            passedOver += sum.stoodIn
        }
        validators = sums.filter { $0.candidate + $0.led > 0 }.map(LeaderShare.init)
        finish()
    }

    /// Says what the validators are called.
    package mutating func name(_ names: [UInt64: String]) {
        for place in validators.indices {
            validators[place].name = names[validators[place].validator]
        }
    }

    /// Computes the shares of what was taken in.
    package mutating func finish() {
        for place in validators.indices { validators[place].finish(of: count) }
        validators.sort { $0.validator < $1.validator }
        places = [:]
        current = []
    }

    private mutating func predict(_ candidates: [WeighedCandidate]) {
        let weights = candidates.map { Double($0.weight) }
        let sum = weights.reduce(0, +)
        let probabilities = LeaderPrediction.probabilities(weights)
        current = candidates.indices.map { number in
            let share = sum > 0 ? weights[number] / sum : 0
            return (place(of: candidates[number].validator), probabilities[number], share)
        }
    }

    private mutating func place(of validator: UInt64) -> Int {
        if let place = places[validator] { return place }
        places[validator] = validators.count
        validators.append(LeaderShare(validator))
        return validators.count - 1
    }
}
