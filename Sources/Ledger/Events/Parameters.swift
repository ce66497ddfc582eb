// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How stake and reputation are made comparable in a leader's weight.
package enum Normalisation: UInt8, BorshCodable, NamedCase {
    /// Shares of the total: `0.7 * stake share + 0.3 * reputation share`.
    case share = 0
    /// The literal `0.7 * stake + 0.3 * reputation`.
    case raw = 1

    package static let names = namesOfCases()
}

/// What T validators may change by agreement; `standard` has the defaults.
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
    /// Fuel that a job may ask for.
    package var jobFuelMax: UInt64
    /// Bytes of memory that a job may ask for.
    package var jobMemoryBytesMax: UInt64
    /// Bytes of a job's input.
    package var jobInputBytesMax: UInt64
    /// Bytes of a job's module.
    package var jobModuleBytesMax: UInt64
    /// Ledger time that a job must leave those who run it.
    package var jobMillisecondsMin: UInt64

    /// Times are milliseconds, sizes bytes, weights parts per million; the rules bound them all.
    package init(
        threshold: UInt32, verificationMilliseconds: UInt64, jobMilliseconds: UInt64,
        settlementMilliseconds: UInt64, reputationMin: Reputation, reputationMax: Reputation,
        stakeWeight: UInt32, reputationWeight: UInt32, normalisation: Normalisation,
        unclosedMax: UInt32, refusalsPerMinute: UInt32, jobFuelMax: UInt64,
        jobMemoryBytesMax: UInt64, jobInputBytesMax: UInt64, jobModuleBytesMax: UInt64,
        jobMillisecondsMin: UInt64
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
        self.jobFuelMax = jobFuelMax
        self.jobMemoryBytesMax = jobMemoryBytesMax
        self.jobInputBytesMax = jobInputBytesMax
        self.jobModuleBytesMax = jobModuleBytesMax
        self.jobMillisecondsMin = jobMillisecondsMin
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
        writer.write(jobFuelMax)
        writer.write(jobMemoryBytesMax)
        writer.write(jobInputBytesMax)
        writer.write(jobModuleBytesMax)
        writer.write(jobMillisecondsMin)
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
        jobFuelMax = try reader.integer()
        jobMemoryBytesMax = try reader.integer()
        jobInputBytesMax = try reader.integer()
        jobModuleBytesMax = try reader.integer()
        jobMillisecondsMin = try reader.integer()
    }
}

extension Parameters {
    /// The defaults, for ten validators.
    package static let standard = Parameters(
        threshold: 7, verificationMilliseconds: 30_000, jobMilliseconds: 30_000,
        settlementMilliseconds: 30_000, reputationMin: Reputation(100_000),
        reputationMax: Reputation(10_000_000), stakeWeight: 700_000, reputationWeight: 300_000,
        normalisation: .share, unclosedMax: 10_000, refusalsPerMinute: 10,
        jobFuelMax: 1_000_000_000_000, jobMemoryBytesMax: 1 << 30, jobInputBytesMax: 16 << 20,
        jobModuleBytesMax: 4 << 20, jobMillisecondsMin: 5_000)
}
