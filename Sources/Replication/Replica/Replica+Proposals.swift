// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Why a node does not vote for a proposal: in the order in which it looks, what costs least first.
enum ProposalFault: Error, Equatable {
    // MARK: It is not looked at

    /// It is of another height.
    case otherHeight
    /// Its sender does not lead the round.
    case notLeader
    /// It rests on a round that is not before its own.
    case wrongValidRound
    /// Its round is too far ahead.
    case tooFarAhead
    /// It is held already.
    case known
    /// The leader has said enough in this round.
    case tooMany

    // MARK: It is invalid

    /// The batch cannot have been proposed first in the round that it names.
    case wrongFirstRound
    /// No honest node votes for a time so far ahead, and its days of decay cost something.
    case timeFarAhead
    /// The same bytes failed before, or too much of the same sender did.
    case failedBefore
    /// What follows from the batch; rules before signatures.
    case batch(BatchFault)

    // MARK: It is untimely: the first proposal of a batch is not prevoted for

    /// Its time does not fit the clock here.
    case untimely
    /// It opens a round, or assigns a job, of whose time half or more is over by the clock here.
    case opensLate
    /// It closes a round at its deadline without the vote of this node, which was sent long ago.
    case leavesVotesOut
}

extension Replica {
    /// A proposal whose signature holds.
    mutating func receive(_ proposal: Proposal, from peer: ValidatorIndex?, bytes: Int) {
        if proposal.height.rawValue == height.rawValue + 1, let peer {
            return catchingUp.keepEarly(.proposal(proposal), bytes: bytes, of: peer)
        }
        guard fault(before: proposal) == nil else { return }
        let same = proposals.filter { $0.round == proposal.round }
        let twin = same.first {
            $0.value == proposal.value && $0.validRound == proposal.validRound
        }
        if let other = same.first(where: {
            $0.slot.isContradicted(by: $0.statement, proposal.statement)
        }) {
            accuse(
                proposal.proposer, .consensus(proposal.slot), other.statement, proposal.statement)
        }
        let validity: Consensus.Validity
        do throws(ProposalFault) {
            try check(proposal, from: peer)
            validity = .valid
        } catch {
            switch error {
            case .untimely, .opensLate, .leavesVotesOut: validity = .untimely
            default: validity = .invalid
            }
        }
        invariant(
            validity == .invalid || isValid(proposal.value),
            "a proposal of round \(proposal.round) counts whose batch was not found valid")
        // The signature does not cover the batch, so only its leader answers for it.
        guard validity != .invalid || (peer == proposal.proposer && twin == nil) else { return }
        if twin == nil { proposals.append(proposal) }
        consensusInputs.append(
            .proposal(
                round: proposal.round, value: proposal.value, validRound: proposal.validRound,
                validity))
    }

    /// Why a proposal is not looked at; in the order of `ProposalFault`.
    private func fault(before proposal: Proposal) -> ProposalFault? {
        guard proposal.height == height else { return .otherHeight }
        guard consensus.leader(of: proposal.round) == proposal.proposer else { return .notLeader }
        guard proposal.validRound >= -1, proposal.validRound < Int64(proposal.round) else {
            return .wrongValidRound
        }
        // Near the last round that a number can name a sum would overflow.
        guard
            proposal.round <= consensus.round
                || proposal.round - consensus.round <= ReplicationLimits.roundsAheadMax
        else { return .tooFarAhead }
        let same = proposals.filter { $0.round == proposal.round }
        let isKnown = same.contains {
            $0.value == proposal.value && $0.validRound == proposal.validRound
        }
        // What was valid once stays so. What was not may have had another's batch put behind it.
        if isKnown, isValid(proposal.value) { return .known }
        guard
            isKnown || consensus.isBacked(proposal.value)
                || same.count < ReplicationLimits.proposalsPerRoundMax
        else { return .tooMany }
        return nil
    }

    /// Throws what makes a proposal invalid or untimely; in the order of `ProposalFault`.
    private mutating func check(
        _ proposal: Proposal, from peer: ValidatorIndex?
    ) throws(ProposalFault) {
        let batch = proposal.batch
        let first = batch.opening.round
        let isFresh = proposal.validRound < 0
        guard isFresh ? first == proposal.round : Int64(first) <= proposal.validRound else {
            throw .wrongFirstRound
        }
        guard batch.opening.time <= now.time.adding(milliseconds: settings.clockJumpMilliseconds)
        else { throw .timeFarAhead }
        let entries = try derive(proposal, from: peer)
        guard isFresh else { return }
        guard pacing.isTimely(batch.opening.time, round: proposal.round, at: now) else {
            throw .untimely
        }
        guard !entries.contains(where: { opensLate($0.event, at: batch.opening.time) }) else {
            throw .opensLate
        }
        guard !leavesVotesOut(entries, round: proposal.round) else { throw .leavesVotesOut }
    }

    /// Derives the batch of a proposal, where that was not done before; returns what was derived,
    /// nothing where it was done before.
    private mutating func derive(
        _ proposal: Proposal, from peer: ValidatorIndex?
    ) throws(ProposalFault) -> [Entry] {
        if isValid(proposal.value) { return [] }
        var writer = BorshWriter()
        writer.write(proposal.value)
        writer.write(proposal.batch)
        let mark = Digest(hashing: writer.bytes)
        guard !derivations.hasFailed(mark, from: peer) else { throw .failedBefore }
        do throws(BatchFault) {
            let run = try execute(proposal.batch, isKnown: false)
            guard run.value == proposal.value else { throw BatchFault.otherRoot }
            derivations.note(run)
            return run.entries
        } catch {
            derivations.noteFailed(mark, from: peer)
            throw .batch(error)
        }
    }

    /// Whether a batch was found valid.
    func isValid(_ value: Digest) -> Bool { derivations.valid[value] != nil }

    /// Whether a batch of the journal is valid and gives this value; what it comes to is kept.
    mutating func derive(_ batch: ProposedBatch, for value: Digest) -> Bool {
        if isValid(value) { return true }
        guard let run = run(batch, isKnown: false), run.value == value else { return false }
        derivations.note(run)
        return true
    }

    /// Derives what follows from a batch on the state as it is; nil where it is not valid.
    mutating func run(_ batch: ProposedBatch, isKnown: Bool) -> ExecutedBatch? {
        do throws(BatchFault) { return try execute(batch, isKnown: isKnown) } catch { return nil }
    }

    private mutating func execute(
        _ batch: ProposedBatch, isKnown: Bool
    ) throws(BatchFault) -> ExecutedBatch {
        let pool = self.pool
        let ledger = state.ledger
        let book = lastBook
        let base = derivations.takeSpare() ?? state
        invariant(
            base.size == state.size && base.height == state.height,
            "a batch is derived on \(base.size) entries, and there are \(state.size)")
        return try ExecutedBatch(
            executing: batch, on: base, frontier, idleMilliseconds: settings.idleMilliseconds,
            checker: checker,
            isKnownPrecommit: { round, root, precommit in
                isKnown
                    || book.vote(.precommit, round, precommit.validator, for: root)?.signature
                        == precommit.signature
            },
            isWellFormed: { message in
                guard case .request(let request) = message else { return nil }
                return pool.requests[request.id(in: ledger)]?.isProofWellFormed
            },
            isKnown: { isKnown || pool.contains($0, in: ledger) })
    }

    // MARK: Time

    /// Whether an event opens a round or assigns a job of whose time half or more is over.
    ///
    /// A leader that names an old time would have those miss their votes whom it kept waiting. What
    /// is excused of every time is excused here too, or a short deadline would hold up all.
    private func opensLate(_ event: Event, at time: Time) -> Bool {
        let deadline: Time
        switch event {
        case .roundOpened(let round): deadline = round.deadline
        case .jobAssigned(let job): deadline = job.deadline
        default: return false
        }
        let half = (deadline.rawValue - min(deadline.rawValue, time.rawValue)) / 2
        let excused = settings.delayMilliseconds + settings.precisionMilliseconds
        return time.adding(milliseconds: max(half, excused)) < now.time
    }

    /// Whether a batch closes a round at its deadline without the vote of this node, though that
    /// has been under way for longer than messages are.
    ///
    /// Only in the first f + 1 rounds, one of which an honest validator leads: what this node sent
    /// may be lost.
    private func leavesVotesOut(_ entries: [Entry], round: UInt32) -> Bool {
        guard let speaker, round <= UInt32(consensus.failuresMax) else { return false }
        let patience = settings.delayMilliseconds + settings.precisionMilliseconds
        var voted: Set<EntryIndex> = []
        for entry in entries {
            switch entry.event {
            case .voteCast, .votesCast:
                for cast in entry.event.casts where cast.validator == speaker {
                    voted.insert(cast.request)
                }
            case .roundClosed(let closed) where closed.cause == .deadline:
                guard !voted.contains(closed.about), let open = state.openRound(at: closed.about),
                    let place = open.pinned.position(of: speaker), open.votes[place] == nil,
                    let since = pool.requests[open.id]?.ownVoteSince,
                    now.uptime >= since + patience
                else { continue }
                return true
            default: continue
            }
        }
        return false
    }
}
