// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Entries name by index; these give back the messages that were signed.
extension LedgerState {
    /// The signed message behind an input event, as the state before it tells; nil where the event
    /// is none of a message, or names what the ledger does not hold.
    package func message(of event: Event) -> Message? {
        switch event {
        case .requestSubmitted(let event): requestMessage(of: event).map(Message.request)
        case .voteCast(let event): voteMessage(of: event).map(Message.vote)
        case .votesCast(let event): voteListMessage(of: event).map(Message.votes)
        case .jobSubmitted(let event):
            submitters.indices.contains(Int(event.submitter.rawValue))
                ? .job(jobMessage(of: event)) : nil
        case .resultReported(let event): resultMessage(of: event).map(Message.result)
        case .settlementReported(let event):
            requestID(at: event.request).map { id in
                .settlement(SettlementMessage(event, request: id, bridge: bridge))
            }
        case .governanceApproved(let event): governanceMessage(of: event).map(Message.governance)
        case .validatorAnnounced(let event):
            validator(event.validator).map { .announcement(event.naming(validator: $0.key)) }
        case .evidenceSubmitted(let event): evidenceMessage(of: event).map(Message.evidence)
        default: nil
        }
    }

    /// The opening of a batch with the keys behind its indices; nil where an index is unknown.
    package func opening(of event: BatchOpened) -> BatchOpening? {
        guard let proposer = validator(event.proposer)?.key else { return nil }
        let keys = event.precommits.compactMap { validator($0.validator)?.key }
        guard keys.count == event.precommits.count else { return nil }
        return BatchOpening(event: event, proposer: proposer, precommitKeys: keys)
    }

    func requestMessage(of event: RequestSubmitted) -> RequestMessage? {
        let submitter = Int(event.submitter.rawValue)
        guard let circuit = circuit(event.circuit), submitters.indices.contains(submitter) else {
            return nil
        }
        return event.naming(circuit: circuit.id, submitter: submitters[submitter].key)
    }

    /// The signed vote behind an entry; nil where the request or validator is unknown.
    package func voteMessage(of event: VoteCast) -> VoteMessage? {
        guard let id = requestID(at: event.request), let key = validator(event.validator)?.key
        else { return nil }
        return event.naming(request: id, validator: key)
    }

    /// The signed votes behind an entry; nil where a request or the validator is unknown.
    package func voteListMessage(of event: VotesCast) -> VoteListMessage? {
        guard let key = validator(event.validator)?.key else { return nil }
        var votes: [ListedVote<RequestID>] = []
        votes.reserveCapacity(event.votes.count)
        for vote in event.votes {
            switch vote {
            case .shown(let request, let vote, let reason):
                guard let id = requestID(at: request) else { return nil }
                votes.append(.shown(request: id, vote: vote, reason: reason))
            case .hidden(let height, let root): votes.append(.hidden(height: height, root: root))
            }
        }
        return VoteListMessage(
            validator: key, timestamp: event.timestamp, votes: votes, signature: event.signature)
    }

    /// The votes on requests behind an entry, each with what its signature covers; none where a
    /// request or the validator is unknown.
    package func signedVotes(of event: Event) -> [SignedVote] {
        switch event {
        case .voteCast(let cast): voteMessage(of: cast).map { [SignedVote($0)] } ?? []
        case .votesCast(let list): voteListMessage(of: list)?.signedVotes ?? []
        default: []
        }
    }

    /// - Precondition: The submitter is known.
    func jobMessage(of event: JobSubmitted) -> JobMessage {
        event.naming(submitter: submitters[Int(event.submitter.rawValue)].key)
    }

    private func resultMessage(of event: ResultReported) -> ResultMessage? {
        guard let id = jobID(at: event.job), let key = validator(event.validator)?.key else {
            return nil
        }
        return event.naming(job: id, validator: key)
    }

    private func governanceMessage(of event: GovernanceApproved) -> GovernanceMessage? {
        let endorsements = event.signatures.compactMap { signature in
            validator(signature.validator).map {
                Endorsement(validator: $0.key, signature: signature.signature)
            }
        }
        guard endorsements.count == event.signatures.count else { return nil }
        return GovernanceMessage(
            number: event.number, change: event.change, endorsements: endorsements)
    }

    private func evidenceMessage(of event: EvidenceSubmitted) -> EvidenceMessage? {
        let slot: EvidenceSlot
        switch event.slot {
        case .vote(let request):
            guard let id = requestID(at: request) else { return nil }
            slot = .vote(id)
        case .result(let job):
            guard let id = jobID(at: job) else { return nil }
            slot = .result(id)
        case .settlement(let request):
            guard let id = requestID(at: request), event.validator == .bridge else { return nil }
            return event.naming(validator: bridge, slot: EvidenceSlot.settlement(id))
        case .proposal, .prevote, .precommit, .amnesia, .checkpoint: slot = .consensus(event.slot)
        }
        guard let key = validator(event.validator)?.key else { return nil }
        return event.naming(validator: key, slot: slot)
    }
}
