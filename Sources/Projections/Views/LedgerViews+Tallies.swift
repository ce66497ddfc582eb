// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// What a validator led of one kind in the whole ledger, and what was to be expected: see
/// `LeaderOdds`.
package struct LeadingSums: Equatable, Sendable {
    /// The validator's number, from 0.
    package var validator: UInt64
    /// How often it could have led.
    package var candidate: UInt64
    /// How often it led.
    package var led: UInt64
    /// How often it stood in for a first in rank that was passed over.
    package var stoodIn: UInt64
    /// The sum of the probabilities that it leads, in units of `LeaderOdds.one`.
    package var expected: UInt64
    /// The sum of the variances, in the same units.
    package var variance: UInt64
    /// The sum of its shares of the weights, in the same units.
    package var weights: UInt64
}

extension LedgerViews {
    /// What each validator led in the whole ledger. Costs a row for each.
    package func leadingSums(_ kind: LeadingKind) throws(ViewError) -> [LeadingSums] {
        try tallies().map { validator, tally in
            let sums = kind == .requests ? tally.requests : tally.batches
            return LeadingSums(
                validator: validator, candidate: sums.candidate, led: sums.led,
                stoodIn: sums.stoodIn, expected: sums.expected, variance: sums.variance,
                weights: sums.weights)
        }
    }

    /// The sums over the whole ledger, by the numbers of the validators.
    func tallies() throws(ViewError) -> [(validator: UInt64, tally: ValidatorTally)] {
        let rows = try onFile { try Row.fetchAll(db, sql: "SELECT * FROM tally ORDER BY 1") }
        return try rows.map { row throws(ViewError) in
            guard let validator = row.unsigned(0), let tally = ValidatorTally(row) else {
                throw .unreadable(column: "tally")
            }
            return (validator, tally)
        }
    }
}
