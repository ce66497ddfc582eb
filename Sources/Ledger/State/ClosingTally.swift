// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// All votes of a closed round, also those after its decision, and by how much they decided it.
///
/// At the decision itself the approvals of an approval are always T: what came after tells how
/// near it was.
package struct ClosingTally: Equatable, Sendable {
    /// Votes to approve.
    package let approvals: UInt32
    /// Votes to reject, and abstentions.
    package let others: UInt32
    /// Validators that could vote.
    package let members: UInt32
    /// Approvals that approve.
    package let threshold: UInt32

    /// Takes the counts.
    package init(approvals: UInt32, others: UInt32, members: UInt32, threshold: UInt32) {
        self.approvals = approvals
        self.others = others
        self.members = members
        self.threshold = threshold
    }

    /// How many of those who made the decision could have failed without another outcome; nil where
    /// no votes made it.
    package func spare(_ reason: OutcomeReason?) -> Int64? {
        switch reason {
        case .quorumApproved: Int64(approvals) - Int64(threshold)
        // N - T + 1 of these put T approvals out of reach.
        case .approvalOutOfReach:
            Int64(others) - (Int64(members) - Int64(threshold) + 1)
        case .deadlineWithQuorum, .deadlineWithoutQuorum, .nullifierSpent, nil: nil
        }
    }
}
