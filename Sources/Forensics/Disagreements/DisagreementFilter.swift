// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

/// Which rounds and jobs are looked at.
package struct DisagreementFilter: Equatable, Sendable {
    /// Only those closed at this time or later.
    package var since: Time?
    /// Only those closed at this time or before.
    package var until: Time?
    /// Only requests under the circuit of this name.
    package var circuit: String?
    /// Only disagreements in which the validator of this name or number was against the rest.
    package var validator: String?
    /// Only disagreements in which a vote for this reason was against the rest.
    package var reason: VoteReason?
    /// Only disagreements in which one who ran this version was against the rest.
    package var version: String?

    /// Everything.
    package init() {}

    /// Whether a round is counted at all.
    func counts(_ round: VotedRound) -> Bool {
        if let since, round.time < since { return false }
        if let until, round.time > until { return false }
        if let circuit, round.circuit != circuit { return false }
        return true
    }

    /// Whether a disagreement is wanted; `named` is the number behind the name of a validator.
    func wants(_ round: VotedRound, named index: ValidatorIndex?) -> Bool {
        guard validator != nil || reason != nil || version != nil else { return true }
        return round.ballots.contains { ballot in
            round.isAgainst(ballot) && (validator == nil || ballot.validator == index)
                && (reason == nil || ballot.reason == reason?.jsonName)
                && (version == nil || ballot.version == version)
        }
    }
}
