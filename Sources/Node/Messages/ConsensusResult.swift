// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// How a request was decided, as JSON.
package struct ConsensusResult: Codable, Sendable, Equatable {
    /// How many said what at the moment of decision.
    package struct Counts: Codable, Sendable, Equatable {
        /// Votes to approve.
        package var approvals: Int
        /// Votes to reject.
        package var rejections: Int
        /// Abstentions.
        package var abstentions: Int
    }

    /// The request, in hexadecimal.
    package var requestID: String
    /// `approved`, `rejected` or `timedOut`.
    package var outcome: String
    /// Why, as `OutcomeReason` calls it.
    package var reason: String
    /// Who had said what at the moment of decision; the votes may be more.
    package var tally: Counts
    /// The votes that the ledger holds, in its order.
    package var votes: [VerificationVote]
    /// Ledger time of the decision, in milliseconds since 1970.
    package var finalTimestamp: UInt64

    private enum CodingKeys: String, CodingKey {
        case requestID = "request_id"
        case outcome, reason, tally, votes
        case finalTimestamp = "final_timestamp"
    }
}

extension ConsensusResult {
    /// Joins a decision of the ledger and the votes that it holds.
    package init(request: RequestID, decision: OutcomeDecided, votes: [VerificationVote]) {
        requestID = request.hex
        outcome = decision.outcome.jsonName
        reason = decision.reason.jsonName
        tally = Counts(
            approvals: Int(decision.approvals), rejections: Int(decision.rejections),
            abstentions: Int(decision.abstentions))
        self.votes = votes
        finalTimestamp = decision.time.rawValue
    }
}
