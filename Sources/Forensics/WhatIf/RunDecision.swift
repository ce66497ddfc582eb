// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// How a request was decided in a run, and how near it was to another end.
package struct RunDecision: Encodable, Equatable, Sendable {
    /// `approved`, `rejected` or `timedOut`; `refused` of a request that opened no round, and
    /// `open` of one that was undecided at the end.
    package let outcome: String
    /// The rule that decided, or that refused.
    package let reason: String
    /// Approvals at the decision.
    package var approvals: UInt16 = 0
    /// Rejections at the decision.
    package var rejections: UInt16 = 0
    /// Abstentions at the decision.
    package var abstentions: UInt16 = 0
    /// Approvals that approve.
    package var threshold: UInt32 = 0
    /// Approvals less the threshold.
    package var margin: Int32 = 0
    /// The entry of the log after which nobody's vote could change the outcome; nil of none.
    package var inevitable: UInt64?
    /// The fewest validators that, had each voted otherwise or at all, would have turned an
    /// approval into none, or the other way; nil where its own votes did not decide.
    package var votesToFlip: Int?
    /// Who was first in rank to settle it.
    package var leader: String?

    /// What is said of a request that was undecided at the end.
    static let open = "open"

    /// Whether it approves.
    var isApproved: Bool { outcome == Outcome.approved.jsonName }

    /// That of a request which opened no round.
    init(refused reason: String) {
        outcome = "refused"
        self.reason = reason
    }

    /// Takes what a round shows at its close, or at the end of the log where it is open.
    init(_ round: Round, leader: String, inevitable: UInt64?) {
        let tally = round.tally
        threshold = UInt32(round.threshold)
        self.leader = leader
        guard let decided = round.decided else {
            outcome = Self.open
            reason = "undecided"
            margin = Int32(tally.approvals - round.threshold)
            return
        }
        outcome = decided.outcome.jsonName
        reason = decided.reason.jsonName
        approvals = decided.approvals
        rejections = decided.rejections
        abstentions = decided.abstentions
        margin = decided.margin
        self.inevitable = inevitable
        // Votes after the decision count here: had an earlier one been otherwise, they would have
        // come before the end.
        switch decided.outcome {
        case .approved: votesToFlip = tally.approvals - round.threshold + 1
        case .rejected where decided.reason == .nullifierSpent: votesToFlip = nil
        case .rejected, .timedOut: votesToFlip = round.threshold - tally.approvals
        }
    }

    /// Whether both say the same to whoever asked for the payment.
    func isLike(_ other: RunDecision) -> Bool { outcome == other.outcome }
}
