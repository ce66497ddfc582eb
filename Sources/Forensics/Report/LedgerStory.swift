// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
package import EventLog
internal import Ledger
internal import Storage

/// What a page for people who were not there tells of a ledger.
package struct LedgerStory: Sendable {
    /// What happened in a span of days.
    struct Span: Equatable, Sendable {
        /// The first day, counted from 1970.
        var day: UInt64
        /// How many days.
        var days: UInt64
        var batches: UInt64 = 0
        var requests: UInt64 = 0
        var approved: UInt64 = 0
        var rejected: UInt64 = 0
        var timedOut: UInt64 = 0
        var disagreements: UInt64 = 0

        mutating func add(_ other: Span) {
            days = other.day + other.days - day
            batches += other.batches
            requests += other.requests
            approved += other.approved
            rejected += other.rejected
            timedOut += other.timedOut
            disagreements += other.disagreements
        }
    }

    /// Something that changed the ledger's own order, or convicted somebody.
    struct Moment: Equatable, Sendable {
        let entry: UInt64
        let time: Time
        let text: String
    }

    /// A validator at the end.
    struct Standing: Equatable, Sendable {
        let name: String
        let key: String
        let isMember: Bool
        let stake: UInt64
        let reputation: Reputation
        /// How often each cause changed it, in the order of `Hypothesis.causes`.
        let causes: [UInt64]
    }

    /// How often a validator led, and how often it was to be expected to, as text.
    package struct LeaderRow: Equatable, Sendable {
        /// Its name.
        package let name: String
        /// What was led, the shares that were and that the rule predicts, the deviation.
        package let cells: [String]

        /// One cell for each column but the first.
        package init(name: String, cells: [String]) {
            self.name = name
            self.cells = cells
        }
    }

    /// Spans that are told; longer histories are told in longer spans.
    static let spansMax = 366
    /// Moments that are told: the first half and the last.
    static let momentsMax = 400
    /// Disagreements that are told: the newest.
    static let disagreementsMax = 200

    var ledger = ""
    var name = ""
    var size: UInt64 = 0
    var root = ""
    var height: UInt64 = 0
    var started = Time(0)
    var ended = Time(0)
    var threshold: UInt32 = 0
    var members = 0
    var outcomes = OutcomeCounts()
    var requests: UInt64 = 0
    var approvedAmount: UInt128 = 0
    var ordered: UInt64 = 0
    var paid: UInt64 = 0
    var failed: UInt64 = 0
    var jobs: UInt64 = 0
    var refused: UInt64 = 0
    var spans: [Span] = []
    var moments: [Moment] = []
    var momentCount: UInt64 = 0
    var convictions: [Moment] = []
    var standings: [Standing] = []
    var disagreements: Disagreements
    var byValidator: [DisagreementGroup] = []
    var isUnsealed = false
    /// Who led batches and requests, against expectation, with a heading each.
    package var leaders: [(title: String, rows: [LeaderRow])] = []
    /// What an audit said, a sentence each; nil where there was none.
    package var audit: [String]?

    /// Folds a log once, and keeps what a page tells.
    package static func of(_ log: EventLog) throws(DisagreementError) -> LedgerStory {
        guard log.size > 0 else { throw .empty }
        var teller = StoryTeller()
        var state = LedgerState()
        do throws(FoldFailure) {
            try LedgerFold.forEach(log, from: 0) { index, entry throws(FoldFailure) in
                teller.see(entry.event, at: index, state)
                try LedgerFold.apply(entry, to: &state)
                return true
            }
        } catch { throw .replay(ReplayError(error)) }
        return teller.story(log, state)
    }
}
