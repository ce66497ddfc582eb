// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// What a validator did and led in the whole ledger, so that whoever asks about all of it need not
/// read every vote.
struct ValidatorTally: Equatable {
    /// Rounds of requests that pinned it.
    var pinned: UInt64 = 0
    /// Its votes, those in rounds that are open among them.
    var approved: UInt64 = 0
    var rejected: UInt64 = 0
    var abstained: UInt64 = 0
    /// Votes that an outcome proved wrong.
    var contradicted: UInt64 = 0
    /// What it led, by `LeadingKind`.
    var requests = LeadingTally()
    var batches = LeadingTally()
}

/// What a validator led of one kind, and what was to be expected: sums over all that the first in
/// rank led, in units of `LeaderOdds.one`.
struct LeadingTally: Equatable {
    /// How often it could have led.
    var candidate: UInt64 = 0
    /// How often it led.
    var led: UInt64 = 0
    /// How often it stood in for a first in rank that was passed over; not counted otherwise.
    var stoodIn: UInt64 = 0
    /// The probabilities that it leads.
    var expected: UInt64 = 0
    /// The variances of that.
    var variance: UInt64 = 0
    /// Its shares of the weights.
    var weights: UInt64 = 0

    mutating func add(probability: UInt64, share: UInt64) {
        candidate += 1
        expected = Self.sum(expected, probability)
        let (high, low) = probability.multipliedFullWidth(
            by: LeaderOdds.one - min(probability, LeaderOdds.one))
        variance = Self.sum(variance, high << 32 | low >> 32)
        weights = Self.sum(weights, share)
    }

    /// Stays at the largest number that a column holds, which two thousand million leaders reach.
    private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
        min(a + b, UInt64(Int64.max))
    }
}

/// Members with their stakes, and the parameters, as a batch sealed them.
struct SealedStakes {
    var members: [(number: Int, stake: UInt64)] = []
    var parameters: Parameters
}
