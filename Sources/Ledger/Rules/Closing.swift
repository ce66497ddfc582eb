// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Decides a round that is due, where no vote has, and closes it.
    func closeDue(_ round: Round, _ derivation: inout Derivation) {
        if let decided = round.decided { return close(round, decided, .deadline, &derivation) }
        let tally = round.tally
        let hasQuorum = tally.votes >= round.threshold
        let decided = decide(
            round, hasQuorum ? .rejected : .timedOut,
            hasQuorum ? .deadlineWithQuorum : .deadlineWithoutQuorum, tally, batchEntry,
            &derivation)
        close(round, decided, .deadline, &derivation)
    }

    /// Closes a round: disagreement, reputations by validator index, close.
    func close(
        _ round: Round, _ decided: OutcomeDecided, _ cause: CloseCause,
        _ derivation: inout Derivation
    ) {
        recordDisagreement(round, &derivation)
        for (member, vote) in zip(round.pinned.members, round.votes) {
            for change in round.causes(of: vote, decided, cause) {
                derivation.change(
                    member.index, points: scale[change], change, about: round.entry, in: self)
            }
        }
        derivation.emit(.roundClosed(RoundClosed(about: round.entry, cause: cause)))
    }

    private func recordDisagreement(_ round: Round, _ derivation: inout Derivation) {
        var sides = Array(repeating: Side(validators: []), count: 3)
        for (member, vote) in zip(round.pinned.members, round.votes) {
            guard let vote else { continue }
            sides[Int(vote.event.vote.rawValue)].validators.append(member.index)
        }
        guard sides.count(where: { !$0.validators.isEmpty }) > 1 else { return }
        derivation.emit(
            .disagreementRecorded(DisagreementRecorded(about: round.entry, sides: sides)))
    }
}

extension Round {
    /// Whether the outcome proves who was right: approved, or rejected with more rejections than
    /// liars could make. Counted at the close.
    func proves(_ decided: OutcomeDecided) -> Bool {
        switch decided.outcome {
        case .approved: true
        case .rejected:
            decided.reason != .nullifierSpent && tally.rejections >= provingRejections
        case .timedOut: false
        }
    }

    /// Why a validator's reputation changes at the close, in order.
    func causes(
        of vote: RecordedVote?, _ decided: OutcomeDecided, _ cause: CloseCause
    ) -> [ReputationCause] {
        guard let vote else { return cause == .deadline ? [.missed] : [] }
        guard proves(decided), vote.event.vote != .abstain else { return [] }
        let right: Vote = decided.outcome == .approved ? .approve : .reject
        guard vote.event.vote == right else { return [.incorrect] }
        // At a deadline every vote recorded is counted, those of the very batch as well.
        let wasCounted =
            decided.reason == .deadlineWithQuorum || vote.entry <= decided.deciding
        return wasCounted ? [.correct, .bonus] : [.correct]
    }
}
