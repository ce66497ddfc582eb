// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

// MARK: - Requests, votes and what follows from them

extension Projector {
    func apply(_ event: RequestSubmitted) throws {
        let submitter = Int(event.submitter.rawValue)
        let circuit = Int(event.circuit.rawValue)
        guard submitters.indices.contains(submitter), circuits.indices.contains(circuit) else {
            throw fail("its submitter or circuit is not known")
        }
        let message = event.naming(
            circuit: circuits[circuit], submitter: submitters[submitter])
        requestPlaces[entries] = requests.count
        requests.append(
            RequestRow(
                entry: entries, id: message.id(in: ledger), height: height, submitted: event))
        for nullifier in event.nullifiers {
            nullifierPlaces[NullifierKey(request: entries, nullifier: nullifier)] = nullifiers.count
            nullifiers.append(NullifierRow(nullifier: nullifier, request: entries))
        }
    }

    func apply(_ event: RoundOpened) throws {
        guard let place = requestPlaces[event.request.rawValue], requests[place].opened == nil
        else { throw fail("no request \(event.request.rawValue) waits for a round") }
        requests[place].opened = event
        countRound(event.leader)
    }

    func apply(_ event: VoteCast) throws {
        countVote(event)
        let row = tables.vote
        row.bind(event.request.rawValue)
        row.bind(event.validator.rawValue)
        row.bind(entries)
        row.bind(event.vote.jsonName)
        row.bind(event.reason.jsonName)
        row.bind(event.timestamp.rawValue)
        try row.run()
    }

    func apply(_ event: OutcomeDecided) throws {
        if let place = requestPlaces[event.request.rawValue] {
            return requests[place].decided = (entries, event)
        }
        event.bind(to: tables.decideRequest, entries)
        tables.decideRequest.bind(event.request.rawValue)
        guard try tables.decideRequest.runCounting() == 1 else { throw unknown(event.request) }
    }

    func apply(_ event: NullifierChanged, isSpent: Bool) throws {
        let request = event.request.rawValue
        let key = NullifierKey(request: request, nullifier: event.nullifier)
        if let place = nullifierPlaces[key] {
            if isSpent {
                nullifiers[place].spent = entries
            } else {
                nullifiers[place].released = entries
            }
            return
        }
        let row = isSpent ? tables.spend : tables.release
        row.bind(entries)
        row.bind(event.nullifier)
        row.bind(request)
        guard try row.runCounting() == 1 else { throw unknown(event.request) }
    }

    func apply(_ event: SettlementOrdered) throws {
        settlementPlaces[event.request.rawValue] = settlements.count
        settlements.append(SettlementRow(ordered: entries, event: event))
    }

    func apply(_ event: SettlementReported) throws {
        if let place = settlementPlaces[event.request.rawValue] {
            return settlements[place].report = (entries, event)
        }
        let row = tables.report
        row.bind(entries)
        row.bind(event.result.jsonName)
        row.bind(event.reference)
        row.bind(event.request.rawValue)
        guard try row.runCounting() == 1 else { throw unknown(event.request) }
    }

    func apply(_ event: RoundClosed) throws {
        let about = event.about.rawValue
        if let place = requestPlaces[about] {
            countWrong(isRequest: true)
            return requests[place].closed = (entries, event.cause)
        }
        if let place = jobPlaces[about] {
            countWrong(isRequest: false)
            return jobs[place].closed = (entries, event.cause)
        }
        for (row, isRequest) in [(tables.closeRequest, true), (tables.closeJob, false)] {
            row.bind(entries)
            row.bind(event.cause.jsonName)
            row.bind(about)
            guard try row.runCounting() == 1 else { continue }
            return countWrong(isRequest: isRequest)
        }
        throw unknown(event.about)
    }

    func apply(_ event: DisagreementRecorded) throws {
        for (side, said) in event.sides.enumerated() {
            for validator in said.validators {
                let row = tables.disagreement
                row.bind(event.about.rawValue)
                row.bind(validator.rawValue)
                row.bind(entries)
                row.bind(side)
                try row.run()
            }
        }
    }

    func apply(_ event: ReputationChanged) throws {
        let number = Int(event.validator.rawValue)
        guard validators.indices.contains(number) else {
            throw fail("there is no validator \(number)")
        }
        validators[number].reputation = event.after.rawValue
        changedValidators.insert(number)
        if event.cause == .incorrect { wrong.append(number) }
        reputations.append(
            ReputationRow(
                validator: event.validator.rawValue, entry: entries, cause: .change(event.cause),
                about: event.about.rawValue, before: event.before.rawValue,
                after: event.after.rawValue))
    }

    func applyDecay() throws {
        for number in validators.indices where validators[number].isMember {
            let before = validators[number].reputation
            guard before <= Limits.reputationMax.rawValue else {
                throw fail("validator \(number) has more reputation than there is")
            }
            let after = parameters.decayed(Reputation(before)).rawValue
            validators[number].reputation = after
            changedValidators.insert(number)
            reputations.append(
                ReputationRow(
                    validator: UInt16(number), entry: entries, cause: .decay, about: nil,
                    before: before, after: after))
        }
    }

    func apply(_ event: EvidenceSubmitted) throws {
        let row = tables.evidence
        row.bind(entries)
        if event.validator == .bridge {
            row.bindNull()
        } else {
            row.bind(event.validator.rawValue)
        }
        func bind(
            request: EntryIndex? = nil, height: Height? = nil, round: UInt32? = nil,
            job: EntryIndex? = nil, size: UInt64? = nil
        ) {
            if let request { row.bind(request.rawValue) } else { row.bindNull() }
            if let height { row.bind(height.rawValue) } else { row.bindNull() }
            if let round { row.bind(round) } else { row.bindNull() }
            if let job { row.bind(job.rawValue) } else { row.bindNull() }
            if let size { row.bind(Int64(clamping: size)) } else { row.bindNull() }
        }
        row.bind(event.slot.jsonName)
        switch event.slot {
        case .vote(let request): bind(request: request)
        case .proposal(let height, let round): bind(height: height, round: round)
        case .prevote(let height, let round): bind(height: height, round: round)
        case .precommit(let height, let round): bind(height: height, round: round)
        case .result(let job): bind(job: job)
        case .amnesia(let height, _, let round): bind(height: height, round: round)
        case .checkpoint(let size): bind(size: size)
        case .settlement(let request): bind(request: request)
        }
        try row.run()
    }

    func apply(_ event: MessageRefused) throws {
        let row = tables.refusal
        row.bind(entries)
        row.bind(event.message.jsonName)
        if let sender = event.message.sender { row.bind(sender.value) } else { row.bindNull() }
        row.bind(event.refusal.jsonName)
        try row.run()
    }

    private func unknown(_ entry: EntryIndex) -> FoldProblem {
        fail("it speaks of entry \(entry.rawValue), which introduced nothing of the kind")
    }
}

// MARK: - Jobs

extension Projector {
    func apply(_ event: JobSubmitted) throws {
        let submitter = Int(event.submitter.rawValue)
        guard submitters.indices.contains(submitter) else {
            throw fail("its submitter is not known")
        }
        let message = event.naming(submitter: submitters[submitter])
        jobPlaces[entries] = jobs.count
        jobs.append(
            JobRow(entry: entries, id: message.id(in: ledger), height: height, submitted: event))
    }

    func apply(_ event: JobAssigned) throws {
        if let place = jobPlaces[event.job.rawValue] {
            jobs[place].assigned = (entries, event.deadline.rawValue)
        } else {
            let row = tables.assignJob
            row.bind(entries)
            row.bind(event.deadline.rawValue)
            row.bind(event.job.rawValue)
            guard try row.runCounting() == 1 else { throw unknown(event.job) }
        }
        for (place, validator) in event.validators.enumerated() {
            let row = tables.jobValidator
            row.bind(event.job.rawValue)
            row.bind(place)
            row.bind(validator.rawValue)
            try row.run()
        }
    }

    func apply(_ event: ResultReported) throws {
        let row = tables.result
        row.bind(event.job.rawValue)
        row.bind(event.validator.rawValue)
        row.bind(entries)
        row.bind(event.status.kind.jsonName)
        row.bind(event.status.code)
        row.bind(event.output)
        row.bind(event.fuel)
        try row.run()
    }

    func apply(_ event: JobDecided) throws {
        if let place = jobPlaces[event.job.rawValue] {
            return jobs[place].decided = (entries, event)
        }
        event.bind(to: tables.decideJob, entries)
        tables.decideJob.bind(event.job.rawValue)
        guard try tables.decideJob.runCounting() == 1 else { throw unknown(event.job) }
    }
}
