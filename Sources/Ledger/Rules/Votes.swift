// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: request, pinned, same vote, changed vote, closed, timestamp.
    func decide(vote message: VoteMessage) throws(Refusal) -> [Event] {
        guard let entry = requestEntries[message.request] else { throw .unknownRequest }
        guard let validator = validatorIndices[message.validator] else { throw .notPinned }
        guard let round = rounds[entry] else {
            throw refusalOfClosed(vote: message.vote, of: validator, at: entry)
        }
        guard let place = round.pinned.position(of: validator) else { throw .notPinned }
        if let recorded = round.votes[place] {
            throw Self.refusal(of: message.vote, after: recorded.event.vote)
        }
        guard Self.isFresh(message.timestamp, at: time) else { throw .timestampOutOfRange }

        var derivation = Derivation(at: size)
        let vote = RecordedVote(
            entry: derivation.next,
            event: VoteCast(
                request: entry, validator: validator, vote: message.vote, reason: message.reason,
                timestamp: message.timestamp, signature: message.signature))
        derivation.emit(.voteCast(vote.event))
        if round.decided == nil {
            var tally = round.tally
            tally.count(message.vote)
            if let (outcome, reason) = round.outcome(of: tally) {
                let decided = decide(round, outcome, reason, tally, vote.entry, &derivation)
                if outcome == .approved { settle(round, vote.entry, &derivation) }
                closeIfComplete(round, adding: vote, at: place, decided, &derivation)
            }
        } else if let decided = round.decided {
            closeIfComplete(round, adding: vote, at: place, decided, &derivation)
        }
        return derivation.events
    }

    private func refusalOfClosed(
        vote: Vote, of validator: ValidatorIndex, at entry: EntryIndex
    ) -> Refusal {
        guard let decided = decided(at: entry),
            let place = decided.validators.firstIndex(of: validator)
        else { return .notPinned }
        guard let recorded = decided.votes[place] else { return .roundClosed }
        return Self.refusal(of: vote, after: recorded)
    }

    private static func refusal(of vote: Vote, after recorded: Vote) -> Refusal {
        if vote == recorded { return .alreadyRecorded }
        return vote == .abstain || recorded == .abstain ? .voteChanged : .voteContradicts
    }

    private static func isFresh(_ timestamp: Time, at time: Time) -> Bool {
        let later = max(timestamp, time).rawValue
        let earlier = min(timestamp, time).rawValue
        return later - earlier <= Limits.voteLifeMilliseconds
    }

    /// Says how a round is decided.
    func decide(
        _ round: Round, _ outcome: Outcome, _ reason: OutcomeReason, _ tally: Tally,
        _ deciding: EntryIndex, _ derivation: inout Derivation
    ) -> OutcomeDecided {
        let decided = OutcomeDecided(
            request: round.entry, outcome: outcome, reason: reason,
            approvals: UInt16(tally.approvals), rejections: UInt16(tally.rejections),
            abstentions: UInt16(tally.abstentions), deciding: deciding,
            margin: Int32(tally.approvals) - Int32(round.threshold), time: time)
        derivation.emit(.outcomeDecided(decided))
        return decided
    }

    /// What an approval brings: nullifiers, settlement, and the end of conflicting requests.
    private func settle(_ round: Round, _ vote: EntryIndex, _ derivation: inout Derivation) {
        for nullifier in round.request.nullifiers {
            derivation.emit(
                .nullifierSpent(NullifierChanged(request: round.entry, nullifier: nullifier)))
        }
        derivation.emit(
            .settlementOrdered(
                SettlementOrdered(
                    request: round.entry, recipient: round.request.recipient,
                    amount: round.request.amount, leader: round.opened.leader,
                    nextTurn: time.adding(milliseconds: round.settlementMilliseconds))))
        let conflicting = Set(round.request.nullifiers.flatMap { undecidedByNullifier[$0] ?? [] })
        for entry in conflicting.sorted() where entry != round.entry {
            guard let other = rounds[entry] else { continue }
            let decided = decide(
                other, .rejected, .nullifierSpent, other.tally, vote, &derivation)
            close(other, decided, .nullifierSpent, &derivation)
        }
    }

    private func closeIfComplete(
        _ round: Round, adding vote: RecordedVote, at place: Int, _ decided: OutcomeDecided,
        _ derivation: inout Derivation
    ) {
        var complete = round
        complete.votes[place] = vote
        guard complete.isComplete else { return }
        close(complete, decided, .complete, &derivation)
    }
}

extension Round {
    /// How so many votes decide the round before its deadline, or nil where they do not.
    ///
    /// 1. T approvals approve. 2. Without T among those not against, approval is out of reach.
    func outcome(of tally: Tally) -> (Outcome, OutcomeReason)? {
        if tally.approvals >= threshold { return (.approved, .quorumApproved) }
        let against = tally.rejections + tally.abstentions
        if pinned.members.count - against < threshold { return (.rejected, .approvalOutOfReach) }
        return nil
    }
}
