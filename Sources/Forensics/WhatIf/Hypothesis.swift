// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// What is assumed to have been otherwise, from the first batch on.
package struct Hypothesis: Equatable, Sendable {
    /// Approvals that approve; as the ledger had them where nil.
    package var threshold: UInt32?
    /// The time from the opening of a round to its deadline, in milliseconds.
    package var verificationMilliseconds: UInt64?
    /// The weight of stake in the choice of leaders, in parts per million; the rest of the million
    /// is that of reputation.
    package var stakeWeight: UInt32?
    /// What causes give and days take.
    package var scale = ReputationScale.standard
    /// The names of validators that never were.
    package var absent: [String] = []

    /// Nothing is otherwise.
    package init() {}

    /// The most points that a cause may be assumed to give or take.
    package static let pointsMax: Int64 = 100_000

    /// Whether nothing is otherwise.
    package var isEmpty: Bool { self == Hypothesis() }

    /// The parameters that take the place of others.
    func parameters(_ own: Parameters) -> Parameters {
        var assumed = own
        if let threshold { assumed.threshold = threshold }
        if let verificationMilliseconds {
            assumed.verificationMilliseconds = verificationMilliseconds
        }
        if let stakeWeight {
            assumed.stakeWeight = stakeWeight
            assumed.reputationWeight = 1_000_000 - stakeWeight
        }
        return assumed
    }

    /// What is assumed, a sentence each.
    func sentences(instead own: Parameters) -> [String] {
        var sentences: [String] = []
        if let threshold {
            sentences.append("\(threshold) approvals approve, not \(own.threshold)")
        }
        if let verificationMilliseconds {
            sentences.append(
                "a round is open for \(verificationMilliseconds) ms, not"
                    + " \(own.verificationMilliseconds)")
        }
        if let stakeWeight {
            sentences.append(
                "stake weighs \(stakeWeight) and reputation \(1_000_000 - stakeWeight) parts per"
                    + " million, not \(own.stakeWeight) and \(own.reputationWeight)")
        }
        for (name, cause) in Self.causes where scale[cause] != cause.points {
            sentences.append(
                "\(name) brings \(Words.points(scale[cause])) points, not"
                    + " \(Words.points(cause.points))")
        }
        if scale.decay != ReputationScale.standard.decay {
            sentences.append(
                "a day takes \(scale.decay) ten-thousandths of a reputation, not"
                    + " \(ReputationScale.standard.decay)")
        }
        return sentences + absent.map { "\($0) was never a validator" }
    }

    /// What the causes of a change of reputation are called.
    static let causes: [(name: String, cause: ReputationCause)] = [
        ("correct", .correct), ("bonus", .bonus), ("incorrect", .incorrect), ("missed", .missed),
        ("equivocation", .equivocation),
    ]
}

/// What is wrong with the words of a hypothesis.
package struct HypothesisError: Error, Equatable, CustomStringConvertible {
    /// What a person is told: the field, what is wrong, and what to do.
    package let description: String
}

extension Hypothesis {
    /// Sets `missed=-10`: a cause, and the points that it brings.
    package mutating func set(penalty text: String) throws(HypothesisError) {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        let names = Self.causes.map(\.name).joined(separator: ", ")
        guard parts.count == 2, let known = Self.causes.first(where: { $0.name == parts[0] })
        else {
            throw HypothesisError(
                description: "penalty \(text): write a cause, = and points, as missed=-10; the"
                    + " causes are \(names)")
        }
        guard let points = Int64(parts[1]), points.magnitude <= Self.pointsMax.magnitude else {
            throw HypothesisError(
                description: "penalty \(text): points are a whole number from -\(Self.pointsMax)"
                    + " to \(Self.pointsMax)")
        }
        scale[known.cause] = points
    }

    /// Sets `0.5,0.5`: the weights of stake and reputation, which come to one.
    package mutating func set(weights text: String) throws(HypothesisError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2, let stake = Self.fixed(parts[0], places: 6, max: 1_000_000),
            let reputation = Self.fixed(parts[1], places: 6, max: 1_000_000),
            stake + reputation == 1_000_000
        else {
            throw HypothesisError(
                description: "weights \(text): write those of stake and reputation, of six decimals"
                    + " at most, which come to 1, as 0.5,0.5")
        }
        stakeWeight = UInt32(stake)
    }

    /// Sets the seconds that a round is open.
    package mutating func set(timeout text: String) throws(HypothesisError) {
        let bound = Limits.timeoutMillisecondsMax
        guard let milliseconds = Self.fixed(text[...], places: 3, max: bound), milliseconds > 0
        else {
            throw HypothesisError(
                description: "timeout \(text): write seconds, of three decimals at most, above 0"
                    + " and up to \(bound / 1_000)")
        }
        verificationMilliseconds = milliseconds
    }

    /// Sets the ten-thousandths of a reputation that a day takes.
    package mutating func set(decay: UInt64) throws(HypothesisError) {
        guard decay <= 10_000 else {
            throw HypothesisError(
                description: "decay \(decay): a day takes from 0 to 10000 ten-thousandths of a"
                    + " reputation; every ledger's own is \(ReputationScale.standard.decay)")
        }
        scale.decay = decay
    }

    /// Reads a decimal number as an integer of so many decimals; nil where it is none, or too
    /// large.
    private static func fixed(_ text: Substring, places: Int, max bound: UInt64) -> UInt64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty, parts[0].utf8.count <= 9 else {
            return nil
        }
        let decimals = parts.count == 2 ? String(parts[1]) : "0"
        guard !decimals.isEmpty, decimals.utf8.count <= places else { return nil }
        let digits = parts[0] + decimals
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), var value = UInt64(digits) else {
            return nil
        }
        for _ in decimals.utf8.count..<places { value *= 10 }
        return value <= bound ? value : nil
    }
}
