// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// One validator with its history.
package struct ValidatorHistory: Codable, Equatable, Sendable {
    /// A time as a member.
    package struct Membership: Codable, Equatable, Sendable {
        /// The entry that made it one.
        package var joined: UInt64
        /// The entry that ended it.
        package var left: UInt64?
    }

    /// A stake.
    package struct StakeChange: Codable, Equatable, Sendable {
        /// The entry that set it.
        package var entry: UInt64
        /// The stake.
        package var stake: UInt64
    }

    /// A pair of signed messages that convicts it.
    package struct Conviction: Codable, Equatable, Sendable {
        /// The entry of the evidence.
        package var entry: UInt64
        /// `vote`, `result`, `proposal`, `prevote`, `precommit`, `amnesia` or `checkpoint`.
        package var slot: String
        /// The request of the votes.
        package var request: UInt64?
        /// The job of the results.
        package var job: UInt64?
        /// The size of the checkpoints.
        package var size: UInt64?
        /// The height of the other slots.
        package var height: UInt64?
        /// Their round.
        package var round: UInt64?
    }

    /// What it is and did.
    package var summary: ValidatorView
    /// When it was a member.
    package var memberships: [Membership]
    /// Its stakes.
    package var stakes: [StakeChange]
    /// What convicts it, the newest last.
    package var convictions: [Conviction]
    /// What changed its reputation, by cause.
    package var causes: [CauseView]
    /// Batches that it proposed.
    package var proposed: UInt64
    /// Jobs that it was to run.
    package var jobsAssigned: UInt64
    /// Jobs that it reported on.
    package var jobsReported: UInt64
}

extension LedgerViews {
    /// A validator with its history; nil where there is none.
    package func history(ofValidator number: UInt64) throws(ViewError) -> ValidatorHistory? {
        guard let summary = try validator(number) else { return nil }
        let key: StatementArguments = [Int64(clamping: number)]
        let memberships = try memberSpans().filter { $0.validator == number }.map {
            ValidatorHistory.Membership(joined: $0.joined, left: $0.left)
        }
        let stakes = try rows(
            "SELECT entry, stake FROM stake_change WHERE validator = ? ORDER BY entry", key
        ) { cells throws(ViewError) in
            ValidatorHistory.StakeChange(
                entry: try cells.number("entry"), stake: try cells.number("stake"))
        }
        let convictions = try rows(
            """
            SELECT entry, slot, request, job, size, height, round FROM evidence WHERE validator = ?
            ORDER BY entry
            """, key
        ) { cells throws(ViewError) in
            ValidatorHistory.Conviction(
                entry: try cells.number("entry"), slot: try cells.text("slot"),
                request: try cells.numberIfAny("request"), job: try cells.numberIfAny("job"),
                size: try cells.numberIfAny("size"),
                height: try cells.numberIfAny("height"), round: try cells.numberIfAny("round"))
        }
        return ValidatorHistory(
            summary: summary, memberships: memberships, stakes: stakes, convictions: convictions,
            causes: try causes(of: number),
            proposed: try count("SELECT count(*) AS count FROM batch WHERE proposer = ?", key),
            jobsAssigned: try count(
                "SELECT count(*) AS count FROM job_validator WHERE validator = ?", key),
            jobsReported: try count(
                "SELECT count(*) AS count FROM result WHERE validator = ?", key))
    }
}
