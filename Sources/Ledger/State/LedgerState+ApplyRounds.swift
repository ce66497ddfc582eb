// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    mutating func applyRound(_ event: RoundOpened) throws(FoldError) {
        guard let (entry, request) = pendingRequest, entry == event.request else {
            throw .unknown(
                kind: "roundOpened", field: "request", value: event.request.rawValue)
        }
        pendingRequest = nil
        let submitter = Int(request.submitter.rawValue)
        guard submitters.indices.contains(submitter) else {
            throw .unknown(
                kind: "requestSubmitted", field: "submitter",
                value: UInt64(request.submitter.rawValue))
        }
        guard let message = requestMessage(of: request) else {
            throw .unknown(
                kind: "requestSubmitted", field: "circuit",
                value: UInt64(request.circuit.rawValue))
        }
        guard event.threshold == parameters.threshold else {
            throw .contradicts(kind: "roundOpened", field: "threshold")
        }
        let id = message.id(in: ledger)
        let pinned = pinnedSet
        rounds.insert(
            Round(
                entry: entry, id: id, request: request, pinned: pinned, opened: event,
                settlementMilliseconds: parameters.settlementMilliseconds))
        requestEntries[id] = entry
        submitters[submitter].undecided += 1
        for nullifier in request.nullifiers {
            undecidedByNullifier[nullifier, default: []].append(entry)
        }
        recordLeader(kind: 1, entry, event.leader)
    }

    mutating func recordLeader(kind: UInt8, _ entry: EntryIndex, _ leader: ValidatorIndex) {
        var record = BorshWriter()
        record.write(kind)
        record.write(entry)
        record.write(leader)
        leaderHistory.append(bytes: record.bytes)
    }

    mutating func applyVote(
        _ event: VoteCast, _ entry: EntryIndex, isListed: Bool
    ) throws(FoldError) {
        // In place: a copy of the round would cost more than all the rest.
        let vote = RecordedVote(entry: entry, event: event, isListed: isListed)
        switch rounds.record(vote) {
        case .recorded?: break
        case .voted?: throw .contradicts(kind: "voteCast", field: "validator")
        case .notPinned?, nil:
            throw .unknown(kind: "voteCast", field: "request", value: event.request.rawValue)
        }
    }

    mutating func applyVotes(_ event: VotesCast, _ entry: EntryIndex) throws(FoldError) {
        for cast in event.casts { try applyVote(cast, entry, isListed: true) }
    }

    mutating func applyOutcome(_ event: OutcomeDecided) throws(FoldError) {
        guard let round = rounds[event.request] else {
            throw .unknown(kind: "outcomeDecided", field: "request", value: event.request.rawValue)
        }
        guard round.decided == nil else {
            throw .contradicts(kind: "outcomeDecided", field: "request")
        }
        rounds.decide(event)
        countDecision(of: round)
        submitters[Int(round.request.submitter.rawValue)].undecided -= 1
        let record = OutcomeRecord(
            event: event, id: round.id, nullifiers: round.request.nullifiers,
            validators: round.pinned.members.map(\.index))
        decisions[event.request] = DecisionPlaces(
            outcome: outcomeHistory.append(record.encoded))
        for nullifier in round.request.nullifiers {
            undecidedByNullifier[nullifier]?.removeOrdered(event.request)
            if undecidedByNullifier[nullifier]?.isEmpty == true {
                undecidedByNullifier[nullifier] = nil
            }
        }
    }

    mutating func applyNullifier(_ event: NullifierChanged, isSpent: Bool, _ taken: Entry) {
        nullifiers[event.nullifier] = NullifierCondition(request: event.request, isSpent: isSpent)
        nullifierHistory.append(taken)
    }

    mutating func applyOrder(_ event: SettlementOrdered, _ taken: Entry) throws(FoldError) {
        guard decisions[event.request] != nil else {
            throw .unknown(
                kind: "settlementOrdered", field: "request", value: event.request.rawValue)
        }
        decisions[event.request]?.order = outboxHistory.append(taken)
        let place = pendingSettlements.firstIndex { $0 > event.request } ?? pendingSettlements.count
        pendingSettlements.insert(event.request, at: place)
    }

    mutating func applyReport(_ event: SettlementReported, _ taken: Entry) throws(FoldError) {
        guard decisions[event.request]?.order != nil else {
            throw .unknown(
                kind: "settlementReported", field: "request", value: event.request.rawValue)
        }
        decisions[event.request]?.report = outboxHistory.append(taken)
        pendingSettlements.removeOrdered(event.request)
    }

    mutating func applyClose(_ event: RoundClosed) throws(FoldError) {
        countClose(event)
        if let job = jobs[event.about] { return try closeJob(job, event) }
        guard let round = rounds[event.about] else {
            throw .unknown(kind: "roundClosed", field: "about", value: event.about.rawValue)
        }
        guard round.decided != nil else {
            throw .contradicts(kind: "roundClosed", field: "about")
        }
        rounds.remove(event.about)
        let record = CloseRecord(event: event, votes: round.votes.map { $0?.event.vote })
        decisions[event.about]?.close = outcomeHistory.append(record.encoded)
    }

    /// Counts a close against what the batch may write, and notes that its deadlines are reached.
    private mutating func countClose(_ event: RoundClosed) {
        guard case .open(var batch) = phase else { return }
        if event.cause == .deadline { batch.isClosing = true }
        if event.cause != .nullifierSpent { batch.closeBytes += closeBytes(of: event.about) }
        phase = .open(batch)
    }

    /// Counts a decision against what the batch may write.
    private mutating func countDecision(of round: Round) {
        guard case .open(var batch) = phase else { return }
        batch.decisionBytes += Limits.decisionBytes(nullifiers: round.request.nullifiers.count)
        phase = .open(batch)
    }

    /// The most that the close of a round or job writes.
    func closeBytes(of entry: EntryIndex) -> Int {
        Limits.closeBytes(
            validators: rounds[entry]?.pinned.members.count
                ?? jobs[entry]?.assigned?.validators.count ?? 0)
    }

    /// The validators whose votes would count in a round that opens now.
    var pinnedSet: PinnedSet {
        PinnedSet(
            members: members.map { index in
                let validator = validators[Int(index.rawValue)]
                return PinnedMember(
                    index: index, key: validator.key, stake: validator.stake,
                    reputation: validator.reputation)
            })
    }
}
