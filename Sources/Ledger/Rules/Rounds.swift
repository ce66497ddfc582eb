// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

// MARK: - Votes

extension LedgerState {
    /// Checks, in order: request, pinned, same vote, changed vote, closed, timestamp.
    func decide(vote message: VoteMessage) throws(Refusal) -> [Event] {
        let (round, place) = try round(
            for: message.vote, on: message.request, by: message.validator)
        guard Self.isFresh(message.timestamp, at: time) else { throw .timestampOutOfRange }
        var derivation = Derivation(at: size)
        let vote = RecordedVote(
            entry: derivation.next,
            event: message.naming(
                request: round.entry, validator: round.pinned.members[place].index),
            isListed: false)
        derivation.emit(.voteCast(vote.event))
        count(vote, at: place, in: round, &derivation)
        return derivation.events
    }

    /// Checks, in order: form; of each vote that is shown request, pinned, same vote, changed vote,
    /// closed; timestamp; room in the batch for what the votes may bring about.
    ///
    /// The votes are recorded together. Then each in its order is counted, as one that came alone
    /// would be, unless the approval of a request before it has ended its own.
    func decide(votes message: VoteListMessage) throws(Refusal) -> [Event] {
        guard message.isWellFormed else { throw .malformedList }
        var shown: [(round: Round, place: Int, vote: RecordedVote)] = []
        var derivation = Derivation(at: size)
        var listed: [ListedVote<EntryIndex>] = []
        for item in message.votes {
            guard case .shown(let request, let vote, let reason) = item else {
                if case .hidden(let height, let root) = item {
                    listed.append(.hidden(height: height, root: root))
                }
                continue
            }
            let (round, place) = try round(for: vote, on: request, by: message.validator)
            listed.append(.shown(request: round.entry, vote: vote, reason: reason))
            let cast = VoteCast(
                request: round.entry, validator: round.pinned.members[place].index, vote: vote,
                reason: reason, timestamp: message.timestamp, signature: message.signature)
            shown.append(
                (round, place, RecordedVote(entry: derivation.next, event: cast, isListed: true)))
        }
        guard Self.isFresh(message.timestamp, at: time) else { throw .timestampOutOfRange }
        try checkRoom(for: shown.map(\.round))
        invariant(!shown.isEmpty, "a list that shows no vote is taken")
        invariant(
            listed.count == message.votes.count,
            "\(listed.count) of \(message.votes.count) places of a list are taken")
        derivation.emit(
            .votesCast(
                VotesCast(
                    validator: shown[0].vote.event.validator, timestamp: message.timestamp,
                    votes: listed, signature: message.signature)))
        for (round, place, vote) in shown { derivation.listed[round.entry] = (place, vote) }
        for (round, place, vote) in shown where !derivation.decided.contains(round.entry) {
            count(vote, at: place, in: round, &derivation)
        }
        return derivation.events
    }

    /// Whether the batch, where one is open, has room for what votes in these rounds may decide and
    /// close.
    private func checkRoom(for rounds: [Round]) throws(Refusal) {
        guard case .open(let batch) = phase else { return }
        var (closeBytes, decisionBytes) = (batch.closeBytes, batch.decisionBytes)
        for round in rounds {
            closeBytes += Limits.closeBytes(validators: round.pinned.members.count)
            guard round.decided == nil else { continue }
            decisionBytes += Limits.decisionBytes(nullifiers: round.request.nullifiers.count)
        }
        guard closeBytes <= Limits.closeBytesPerBatchMax,
            decisionBytes <= Limits.decisionBytesPerBatchMax
        else { throw .batchFull }
    }

    /// The open round that takes a vote, and the place of its validator; or why there is none.
    ///
    /// Checks, in order: request, pinned, same vote, changed vote, closed.
    private func round(
        for vote: Vote, on request: RequestID, by key: PublicKey
    ) throws(Refusal) -> (Round, place: Int) {
        guard let entry = requestEntries[request] else { throw .unknownRequest }
        guard let validator = validatorIndices[key] else { throw .notPinned }
        guard let round = rounds[entry] else {
            throw refusalOfClosed(vote: vote, of: validator, at: entry)
        }
        guard let place = round.pinned.position(of: validator) else { throw .notPinned }
        if let recorded = round.votes[place] {
            throw Self.refusal(of: vote, after: recorded.event.vote)
        }
        return (round, place)
    }

    /// Why a vote that is in a list would be refused, but for its time; nil where it would not.
    package func refusal(of vote: Vote, on request: RequestID, by key: PublicKey) -> Refusal? {
        do throws(Refusal) {
            _ = try round(for: vote, on: request, by: key)
            return nil
        } catch { return error }
    }

    /// What follows from a vote that its round takes.
    private func count(
        _ vote: RecordedVote, at place: Int, in round: Round, _ derivation: inout Derivation
    ) {
        if let decided = round.decided {
            return closeIfComplete(round, adding: vote, at: place, decided, &derivation)
        }
        var tally = round.tally
        tally.count(vote.event.vote)
        guard let (outcome, reason) = round.outcome(of: tally) else { return }
        let decided = decide(round, outcome, reason, tally, vote.entry, &derivation)
        if outcome == .approved { approve(round, vote.entry, &derivation) }
        closeIfComplete(round, adding: vote, at: place, decided, &derivation)
    }

    private func refusalOfClosed(
        vote: Vote, of validator: ValidatorIndex, at entry: EntryIndex
    ) -> Refusal {
        guard let decided = decided(at: entry),
            let place = decided.validators.firstIndex(of: validator)
        else { return .notPinned }
        // Of an excerpt, whoever made it says how many votes there are.
        guard place < decided.votes.count, let recorded = decided.votes[place] else {
            return .roundClosed
        }
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
        invariant(
            tally.votes <= round.pinned.members.count,
            "\(tally.votes) votes of \(round.pinned.members.count)")
        invariant(
            outcome != .approved || tally.approvals >= round.threshold,
            "an approval with \(tally.approvals) of \(round.threshold)")
        invariant(
            (outcome == .approved) == (reason == .quorumApproved), "\(outcome) for \(reason)")
        invariant(
            outcome != .timedOut || tally.votes < round.threshold,
            "a round with \(tally.votes) votes of \(round.threshold) times out")
        let decided = OutcomeDecided(
            request: round.entry, outcome: outcome, reason: reason,
            approvals: UInt16(tally.approvals), rejections: UInt16(tally.rejections),
            abstentions: UInt16(tally.abstentions), deciding: deciding,
            margin: Int32(tally.approvals) - Int32(round.threshold), time: time)
        derivation.emit(.outcomeDecided(decided))
        return decided
    }

    /// What an approval brings: nullifiers, settlement, and the end of conflicting requests.
    private func approve(_ round: Round, _ vote: EntryIndex, _ derivation: inout Derivation) {
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
        invariant(
            round.request.nullifiers.isEmpty || conflicting.contains(round.entry),
            "\(round.entry.rawValue) is not among those that would spend what it spends")
        for entry in conflicting.sorted() where !derivation.decided.contains(entry) {
            guard var other = rounds[entry] else { continue }
            if let (place, vote) = derivation.listed[entry] { other.votes[place] = vote }
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

// MARK: - Closing

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
        invariant(decided.request == round.entry, "a round closes with another's decision")
        invariant(cause != .complete || round.isComplete, "a round closes before all have voted")
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
        var sides = Vote.allCases.map { _ in Side(validators: []) }
        for (member, vote) in zip(round.pinned.members, round.votes) {
            guard let vote else { continue }
            sides[Int(vote.event.vote.rawValue)].validators.append(member.index)
        }
        guard sides.count(where: { !$0.validators.isEmpty }) > 1 else { return }
        let taken = sides.reduce(0) { $0 + $1.validators.count }
        invariant(taken == round.tally.votes, "\(taken) voters with \(round.tally.votes) votes")
        derivation.emit(
            .disagreementRecorded(DisagreementRecorded(about: round.entry, sides: sides)))
    }
}
