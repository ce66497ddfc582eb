// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// What a validator has said of a request, and will say again.
package struct Verdict: Equatable, Sendable {
    /// What it says.
    package let vote: Vote
    /// Why.
    package let reason: VoteReason

    /// The vote, and the reason that is signed with it.
    package init(_ vote: Vote, _ reason: VoteReason) {
        self.vote = vote
        self.reason = reason
    }
}
