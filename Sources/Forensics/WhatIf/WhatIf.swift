// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
package import EventLog
internal import Ledger

/// What would have become of a ledger's requests, leaders and reputations under other rules.
package struct WhatIf: Encodable, Sendable {
    /// That the ledger, run by its own rules, is the one that is stored.
    package struct Control: Encodable, Equatable, Sendable {
        /// State roots that came out as they are stored.
        package let stateRoots: UInt64
        /// Derived events that came out as they are stored.
        package let derivedEvents: UInt64
    }

    /// A number under both rules.
    package struct Both<Value: Encodable & Equatable & Sendable>: Encodable, Equatable, Sendable {
        /// Under the ledger's own.
        package let own: Value
        /// Under the assumed ones.
        package let assumed: Value
    }

    /// A validator under both rules.
    package struct ValidatorView: Encodable, Equatable, Sendable {
        /// Its name.
        package let name: String
        /// Its reputation at the end, in thousandths of a point; nil where it never was one.
        package let reputation: Both<UInt64?>
        /// Batches that it proposed.
        package let proposed: Both<UInt64>
        /// Requests in whose settlement it was first in rank.
        package let led: Both<UInt64>
    }

    /// Messages of the log that the other rules do not take.
    package struct NotTaken: Encodable, Equatable, Sendable {
        /// The kind of the entry.
        package let entry: String
        /// Why it is refused.
        package let reason: String
        /// How many.
        package let count: UInt64
    }

    /// The identity of the ledger, in hexadecimal.
    package let ledger: String
    /// Entries that were run again.
    package let entries: UInt64
    /// The last batch.
    package let height: UInt64
    /// What is assumed, in sentences.
    package let assumed: [String]
    /// What the answer rests on.
    package let control: Control
    /// How the requests ended.
    package let outcomes: Both<OutcomeCounts>
    /// How many requests ended otherwise.
    package let flipCount: UInt64
    /// Those requests, the first so many.
    package let flips: [DecisionPair]
    /// How many decisions so many votes would have turned.
    package let byVotesToFlip: [FlipCount]
    /// Requests that the fewest votes would have turned under the ledger's own rules, these first.
    package let nearest: [DecisionPair]
    /// Batches, and how many another validator would have proposed.
    package let batches: UInt64
    /// See `batches`.
    package let proposersMoved: UInt64
    /// Requests with a round under both rules of which another validator is first in rank.
    package let leadersMoved: UInt64
    /// The validators, in the order in which they joined.
    package let validators: [ValidatorView]
    /// Messages that the other rules do not take.
    package let notTaken: [NotTaken]
    /// What a reader must know to judge the answer.
    package let limits: [String]

    /// Decisions that are kept of each list.
    package static let pairsMax = 10_000

    /// Runs a ledger again under its own rules, and beside that under others.
    ///
    /// Reads the log once, holds two states in memory, each run on a thread of its own, and writes
    /// nothing. `progress` hears after each batch how many entries are done.
    package static func run(
        _ hypothesis: Hypothesis, in log: EventLog, progress: (UInt64) -> Void = { _ in }
    ) throws(WhatIfError) -> WhatIf {
        var runs = WhatIfRuns(hypothesis)
        var reader = EntryReader(log)
        var isUnsealed = false
        while let batch = try next(&reader) {
            guard case .batchSealed? = batch.last?.event else {
                isUnsealed = true
                break
            }
            try runs.replay(batch)
            progress(batch[batch.count - 1].index + 1)
        }
        return try runs.finish(isUnsealed: isUnsealed)
    }

    private static func next(
        _ reader: inout EntryReader
    ) throws(WhatIfError) -> [LoggedEntry]? {
        do throws(ReadingError) { return try reader.batch() } catch { throw .reading(error) }
    }
}
