// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Takes in the next entry of the log.
    ///
    /// Costs O(1) but for lists of unfinished work. Checks only what keeps the state sound, in any
    /// log: whether an event is what the rules derive is for `decide` to say.
    /// - Parameter taken: Entry `size` of the log. Nothing of it is encoded again.
    package mutating func apply(_ taken: Entry) throws(FoldError) {
        try enter(taken.event, byteCount: taken.byteCount)
        let entry = EntryIndex(size)
        switch taken.event {
        case .ledgerOpened(let event): try applyOpened(event, taken)
        case .batchOpened(let event): try applyBatch(event, entry)
        case .requestSubmitted(let event): pendingRequest = (entry, event)
        case .voteCast(let event): try applyVote(event, entry, isListed: false)
        case .votesCast(let event): try applyVotes(event, entry)
        case .jobSubmitted(let event): try applyJob(event, entry)
        case .resultReported(let event): try applyResult(event, entry)
        case .settlementReported(let event): try applyReport(event, taken)
        case .governanceApproved(let event): try applyChange(event)
        case .evidenceSubmitted: break
        case .messageRefused(let event): countRefusal(of: event.message.sender)
        case .validatorAnnounced(let event): try applyAnnouncement(event)
        case .roundOpened(let event): try applyRound(event)
        case .outcomeDecided(let event): try applyOutcome(event)
        case .nullifierSpent(let event): applyNullifier(event, isSpent: true, taken)
        case .nullifierReleased(let event): applyNullifier(event, isSpent: false, taken)
        case .settlementOrdered(let event): try applyOrder(event, taken)
        case .reputationChanged(let event): try applyReputation(event)
        case .reputationDecayed(let event): try applyDecay(event)
        case .equivocationFound(let event):
            convictions.insert(Conviction(validator: event.validator, slot: event.slot))
            evidenceHistory.append(taken)
        case .disagreementRecorded: break
        case .roundClosed(let event): try applyClose(event)
        case .jobAssigned(let event): try applyAssignment(event)
        case .jobDecided(let event): try applyJobDecision(event, taken)
        case .batchSealed:
            phase = .sealed
            rounds.seal()
        }
        size += 1
    }

    /// Checks that the event may stand here, and counts commands.
    private mutating func enter(_ event: Event, byteCount: Int) throws(FoldError) {
        switch (phase, event) {
        case (.empty, .ledgerOpened), (.opening, .batchSealed), (.sealed, .batchOpened),
            (.open, .batchSealed):
            return
        case (.open(var batch), _):
            if case .batchOpened = event { throw .outOfPlace(kind: event.kind) }
            if case .ledgerOpened = event { throw .outOfPlace(kind: event.kind) }
            guard !event.isDerived else { return }
            batch.commands += 1
            batch.bytes += byteCount
            phase = .open(batch)
        default: throw .outOfPlace(kind: event.kind)
        }
    }

    private mutating func applyOpened(
        _ event: LedgerOpened, _ taken: Entry
    ) throws(FoldError) {
        do throws(Refusal) { _ = try openLedger(event) } catch {
            throw .refused(kind: "ledgerOpened", error)
        }
        ledger = LedgerID(Digest(hashing: taken.bytes))
        name = event.name
        parameters = event.parameters
        bridge = event.bridge
        time = event.time
        decayDay = event.time.day
        for validator in event.validators {
            join(validator.key, validator.name, validator.stake)
        }
        for submitter in event.submitters {
            list(submitter.key, submitter.name, quota: submitter.quota)
        }
        for genesis in event.circuits {
            let index = register(genesis.circuit)
            for root in genesis.roots { publish(root, for: index) }
        }
        phase = .opening
        sealedLast = sealedMembers
        sealedBefore = sealedLast
    }

    mutating func applyBatch(
        _ event: BatchOpened, _ entry: EntryIndex
    ) throws(FoldError) {
        guard event.height.rawValue == height.rawValue &+ 1, event.height > height else {
            throw .contradicts(kind: "batchOpened", field: "height")
        }
        guard event.time > time else { throw .contradicts(kind: "batchOpened", field: "time") }
        sealedBefore = sealedLast
        sealedLast = sealedMembers
        height = event.height
        time = event.time
        previousRoot = event.previousRoot
        batchEntry = entry
        if event.time.minute != refusalMinute {
            refusalMinute = event.time.minute
            refusals = []
        }
        var record = BorshWriter()
        record.write(UInt8(0))
        record.write(event.height)
        record.write(event.round)
        record.write(event.proposer)
        leaderHistory.append(bytes: record.bytes)
        phase = .open(OpenBatch())
    }

    /// The members, stakes and parameters now.
    var sealedMembers: SealedMembers {
        SealedMembers(
            members: members.map { index in
                let validator = validators[Int(index.rawValue)]
                return RankedMember(index: index, key: validator.key, stake: validator.stake)
            }, parameters: parameters)
    }

    private mutating func applyAnnouncement(_ event: ValidatorAnnounced) throws(FoldError) {
        let place = Int(event.validator.rawValue)
        guard validators.indices.contains(place) else {
            throw .unknown(
                kind: "validatorAnnounced", field: "validator",
                value: UInt64(event.validator.rawValue))
        }
        validators[place].announced = RecordedAnnouncement(event.announcement, time: time)
    }

    private mutating func countRefusal(of sender: PublicKey?) {
        guard let sender else { return }
        let place = refusals.firstIndex { $0.sender >= sender } ?? refusals.count
        if place < refusals.count, refusals[place].sender == sender {
            refusals[place].count += 1
        } else {
            refusals.insert((sender, 1), at: place)
        }
    }

    private mutating func applyReputation(_ event: ReputationChanged) throws(FoldError) {
        let place = Int(event.validator.rawValue)
        guard validators.indices.contains(place) else {
            throw .unknown(
                kind: "reputationChanged", field: "validator",
                value: UInt64(event.validator.rawValue))
        }
        guard event.before == validators[place].reputation, event.after <= Limits.reputationMax
        else { throw .contradicts(kind: "reputationChanged", field: "reputation") }
        validators[place].reputation = event.after
    }

    private mutating func applyDecay(_ event: ReputationDecayed) throws(FoldError) {
        guard event.day == decayDay + 1, event.day <= time.day else {
            throw .contradicts(kind: "reputationDecayed", field: "day")
        }
        decayDay = event.day
        for index in members {
            let place = Int(index.rawValue)
            validators[place].reputation = parameters.decayed(
                validators[place].reputation, by: scale)
        }
    }
}
