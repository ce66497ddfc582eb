// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Who decides the order of the entries.
package enum Ordering: UInt8, BorshCodable, Sendable {
    /// One proposer at a time, without a quorum behind it.
    case single = 0
    /// Every batch carries the precommits of a quorum for the batch before.
    case replicated = 1
}

/// How stake and reputation are made comparable in a leader's weight.
package enum Normalisation: UInt8, BorshCodable, Sendable {
    /// Shares of the total: `0.7 * stake share + 0.3 * reputation share`.
    case share = 0
    /// The literal `0.7 * stake + 0.3 * reputation`.
    case raw = 1
}

/// What T validators may change by agreement; DESIGN section 4 has the defaults.
package struct Parameters: BorshCodable, Hashable, Sendable {
    /// T: approvals that approve a request.
    package var threshold: UInt32
    /// Ledger time from the opening of a round to its deadline.
    package var verificationMilliseconds: UInt64
    /// Ledger time from the assignment of a job to its deadline, at most.
    package var jobMilliseconds: UInt64
    /// Ledger time after which the next in rank submits a settlement.
    package var settlementMilliseconds: UInt64
    /// The lower reputation bound.
    package var reputationMin: Reputation
    /// The upper reputation bound.
    package var reputationMax: Reputation
    /// Weight of stake in leader selection, in parts per million.
    package var stakeWeight: UInt32
    /// Weight of reputation in leader selection, in parts per million.
    package var reputationWeight: UInt32
    /// How stake and reputation are made comparable.
    package var normalisation: Normalisation
    /// Rounds, jobs and settlements that may be unfinished at once.
    package var unclosedMax: UInt32
    /// Refused messages of one sender that a minute records.
    package var refusalsPerMinute: UInt32

    /// Takes the fields in order.
    package init(
        threshold: UInt32, verificationMilliseconds: UInt64, jobMilliseconds: UInt64,
        settlementMilliseconds: UInt64, reputationMin: Reputation, reputationMax: Reputation,
        stakeWeight: UInt32, reputationWeight: UInt32, normalisation: Normalisation,
        unclosedMax: UInt32, refusalsPerMinute: UInt32
    ) {
        self.threshold = threshold
        self.verificationMilliseconds = verificationMilliseconds
        self.jobMilliseconds = jobMilliseconds
        self.settlementMilliseconds = settlementMilliseconds
        self.reputationMin = reputationMin
        self.reputationMax = reputationMax
        self.stakeWeight = stakeWeight
        self.reputationWeight = reputationWeight
        self.normalisation = normalisation
        self.unclosedMax = unclosedMax
        self.refusalsPerMinute = refusalsPerMinute
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(threshold)
        writer.write(verificationMilliseconds)
        writer.write(jobMilliseconds)
        writer.write(settlementMilliseconds)
        writer.write(reputationMin)
        writer.write(reputationMax)
        writer.write(stakeWeight)
        writer.write(reputationWeight)
        writer.write(normalisation)
        writer.write(unclosedMax)
        writer.write(refusalsPerMinute)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        threshold = try reader.integer()
        verificationMilliseconds = try reader.integer()
        jobMilliseconds = try reader.integer()
        settlementMilliseconds = try reader.integer()
        reputationMin = try Reputation(from: &reader)
        reputationMax = try Reputation(from: &reader)
        stakeWeight = try reader.integer()
        reputationWeight = try reader.integer()
        normalisation = try Normalisation(from: &reader)
        unclosedMax = try reader.integer()
        refusalsPerMinute = try reader.integer()
    }
}

extension Parameters {
    /// The defaults of DESIGN section 4, for ten validators.
    package static let standard = Parameters(
        threshold: 7, verificationMilliseconds: 30_000, jobMilliseconds: 30_000,
        settlementMilliseconds: 30_000, reputationMin: Reputation(100_000),
        reputationMax: Reputation(10_000_000), stakeWeight: 700_000, reputationWeight: 300_000,
        normalisation: .share, unclosedMax: 10_000, refusalsPerMinute: 10)

    /// Whether two quorums of `threshold` out of `count` always share an honest validator.
    ///
    /// Holds exactly when `2T - N > N - T`. Source: Malkhi and Reiter 1998, "Byzantine quorum
    /// systems", in the form of DESIGN section 1.
    package static func isSafe(threshold: UInt32, of count: Int) -> Bool {
        threshold <= count && UInt64(threshold) * 3 > UInt64(count) * 2
    }

    /// Returns why the parameters cannot serve whatever the validators are, or nil.
    package var fault: Refusal? {
        let times = [verificationMilliseconds, jobMilliseconds, settlementMilliseconds]
        guard times.allSatisfy({ (1...Limits.timeoutMillisecondsMax).contains($0) }) else {
            return .timeoutOutOfRange
        }
        guard reputationMin <= Limits.reputationAtJoining,
            reputationMax >= Limits.reputationAtJoining,
            reputationMax <= Limits.reputationMax
        else { return .reputationBoundsOutOfRange }
        guard UInt64(stakeWeight) + UInt64(reputationWeight) == 1_000_000 else {
            return .weightsOutOfRange
        }
        guard (1...Limits.unclosedMax).contains(unclosedMax),
            (1...Limits.unclosedMax).contains(refusalsPerMinute)
        else { return .boundsOutOfRange }
        return nil
    }
}
