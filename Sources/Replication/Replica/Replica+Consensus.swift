// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    /// Takes what waits into the algorithm, and does what it asks, until nothing waits.
    mutating func drive() {
        while !consensusInputs.isEmpty {
            let input = consensusInputs.removeFirst()
            for effect in consensus.step(input) {
                switch effect {
                case .schedule(let timeout):
                    timers.append((at: now.uptime + wait(timeout), timeout: timeout))
                case .propose(_, let value?, let validRound): propose(value, validRound)
                case .propose(let round, nil, _): proposing = round
                case .vote(let kind, let round, let value, let validRound):
                    cast(kind, round, value, validRound)
                case .decide(let value, let round):
                    decide(value, round)
                    return
                }
            }
        }
    }

    // MARK: What others say

    mutating func receive(_ proposal: Proposal, from peer: ValidatorIndex?) {
        guard proposal.height == height else {
            if proposal.height.rawValue == height.rawValue + 1 {
                keepEarly(.proposal(proposal), of: peer)
            }
            return
        }
        let leader = consensus.leader(of: proposal.round)
        guard leader == proposal.proposer,
            proposal.validRound >= -1, proposal.validRound < Int64(proposal.round),
            proposal.round <= consensus.round + ReplicationLimits.roundsAheadMax,
            let member = members.first(where: { $0.index == leader })
        else { return }
        let same = proposals.filter { $0.round == proposal.round }
        let twin = same.first {
            $0.value == proposal.value && $0.validRound == proposal.validRound
        }
        // What was valid once stays so. What was not may have had another's batch put behind it.
        if twin != nil, valid[proposal.value] != nil { return }
        let isWanted = consensus.isBacked(proposal.value)
        guard twin != nil || isWanted || same.count < ReplicationLimits.proposalsPerRoundMax,
            proposal.isSigned(by: member.key, in: state.ledger)
        else { return }
        if let other = same.first(where: {
            $0.slot.isContradicted(by: $0.statement, proposal.statement)
        }) {
            accuse(leader, .consensus(proposal.slot), other.statement, proposal.statement)
        }
        take(proposal, twin: twin != nil, isFromLeader: peer == leader)
    }

    private mutating func take(_ proposal: Proposal, twin: Bool, isFromLeader: Bool) {
        let first = proposal.batch.opening.round
        let isRoundRight =
            proposal.validRound < 0
            ? first == proposal.round : Int64(first) <= proposal.validRound
        var validity = Consensus.Validity.invalid
        // No honest node votes for a time so far ahead, and its days of decay cost something.
        let isNear =
            proposal.batch.opening.time
            <= now.time.adding(milliseconds: settings.clockJumpMilliseconds)
        if isRoundRight, isNear, derive(proposal.batch, for: proposal.value) {
            let isFresh = proposal.validRound < 0
            validity =
                !isFresh || isTimely(proposal.batch.opening.time, round: proposal.round)
                ? .valid : .untimely
        }
        // The signature does not cover the batch, so only its leader answers for it.
        guard validity != .invalid || (isFromLeader && !twin) else { return }
        if !twin { proposals.append(proposal) }
        consensusInputs.append(
            .proposal(
                round: proposal.round, value: proposal.value, validRound: proposal.validRound,
                validity))
    }

    /// Whether a batch is valid and gives this value; what it comes to is kept.
    mutating func derive(_ batch: ProposedBatch, for value: Digest) -> Bool {
        if valid[value] != nil { return true }
        let pool = self.pool
        let ledger = state.ledger
        guard
            let run = run(batch, isKnown: { pool.contains($0, in: ledger) }),
            run.value == value
        else { return false }
        valid[value] = batch
        derived = run
        return true
    }

    /// Derives what follows from a batch on the state as it is; nil where it is not valid.
    private mutating func run(
        _ batch: ProposedBatch, isKnown: (Message) -> Bool
    ) -> ExecutedBatch? {
        do throws(BatchFault) {
            return try ExecutedBatch(
                executing: batch, on: takeSpare(), frontier,
                idleMilliseconds: settings.idleMilliseconds, isKnown: isKnown)
        } catch { return nil }
    }

    /// A state like `state`, that nothing else refers to where there is one.
    mutating func takeSpare() -> LedgerState {
        guard let result = spare else { return state }
        spare = nil
        return result
    }

    mutating func receive(_ vote: ConsensusVote, from peer: ValidatorIndex?) {
        if vote.height.rawValue == height.rawValue + 1 {
            return keepEarly(.vote(vote), of: peer)
        }
        if vote.height == state.height { return receiveLate(vote) }
        // What the algorithm had to drop it may want now, though the book has it.
        guard vote.height == height,
            !consensus.hasVote(
                vote.kind, round: vote.round, value: vote.value, from: vote.validator),
            let member = members.first(where: { $0.index == vote.validator }),
            vote.kind == .prevote || vote.validRound == -1,
            vote.validRound >= -1, vote.validRound < Int64(vote.round),
            book.contains(vote) || vote.isSigned(by: member.key, in: state.ledger)
        else { return }
        let isKept = consensus.isKept(vote.round)
        if isKept, let earlier = book.add(vote) {
            accuse(vote.validator, .consensus(vote.slot), earlier.statement, vote.statement)
        }
        if isKept, vote.kind == .prevote, vote.validator != index {
            effects.append(.journal([.received(vote)]))
        }
        consensusInputs.append(
            .vote(vote.kind, round: vote.round, value: vote.value, from: vote.validator))
    }

    /// A vote of the last height: it decides nothing, but it may contradict another.
    private mutating func receiveLate(_ vote: ConsensusVote) {
        guard !lastBook.contains(vote),
            let member = lastMembers.first(where: { $0.index == vote.validator }),
            vote.round <= ReplicationLimits.roundsBehindMax,
            vote.isSigned(by: member.key, in: state.ledger)
        else { return }
        if let earlier = lastBook.add(vote) {
            accuse(vote.validator, .consensus(vote.slot), earlier.statement, vote.statement)
        }
        if let last = lastPrecommits, last.signatures.count < requiredPrecommits {
            lastPrecommits = precommits(
                on: last.root, of: last.height, last.round, in: lastBook,
                by: lastMembers, count: requiredPrecommits)
        }
    }

    /// What the opening of this height has to carry.
    var requiredPrecommits: Int { Int(state.sealedBefore.parameters.threshold) }

    // MARK: What this node says

    /// Journals a vote, sends it, and counts it.
    private mutating func cast(
        _ kind: ConsensusKind, _ round: UInt32, _ value: Digest?, _ validRound: Int64
    ) {
        guard let speaker else { return }
        let vote = ConsensusVote(
            kind: kind, height: height, round: round, value: value, validRound: validRound,
            validator: speaker, signature: .zero
        ).signed(by: key, in: state.ledger)
        var items: [JournalItem] = []
        if kind == .precommit, let value, let batch = valid[value] {
            items.append(.held(height, value: value, batch))
        }
        effects.append(.journal(items + [.cast(vote)]))
        effects.append(.broadcast(.vote(vote)))
        _ = book.add(vote)
        consensusInputs.append(.vote(kind, round: round, value: value, from: speaker))
    }

    /// Proposes a batch that this node holds, journaled first.
    mutating func propose(_ value: Digest, _ validRound: Int64) {
        guard let speaker, let batch = valid[value] else { return }
        let proposal = Proposal(
            height: height, round: consensus.round, value: value, validRound: validRound,
            proposer: speaker, signature: .zero, batch: batch
        ).signed(by: key, in: state.ledger)
        proposals.append(proposal)
        effects.append(
            .journal([
                .held(height, value: value, batch),
                .proposed(
                    ProposedValue(
                        height: height, round: proposal.round, value: value,
                        validRound: validRound, signature: proposal.signature)),
            ]))
        effects.append(.broadcast(.proposal(proposal)))
        consensusInputs.append(
            .proposal(
                round: proposal.round, value: value, validRound: validRound, .valid))
    }

    /// A quorum has precommitted a batch that this node has derived.
    private mutating func decide(_ value: Digest, _ round: UInt32) {
        guard let inputs = valid[value] else {
            fatalError("a value was decided that was never valid")
        }
        let held = derived?.value == value ? derived : nil
        derived = nil
        guard let batch = held ?? run(inputs, isKnown: { _ in true }) else {
            fatalError("a batch that was valid is not valid any more")
        }
        let precommits = precommits(
            on: value, of: height, round, in: book, by: members,
            count: Int(state.sealedLast.parameters.threshold))
        commit(batch, precommits)
    }

    /// The first precommits on a root, by index; fewer than `count` where there are no more.
    private func precommits(
        on root: Digest, of height: Height, _ round: UInt32, in book: VoteBook,
        by members: [RankedMember], count: Int
    ) -> Precommits {
        let signatures = members.compactMap { member in
            book.vote(.precommit, round, member.index, for: root).map {
                IndexedSignature(validator: member.index, signature: $0.signature)
            }
        }
        return Precommits(
            height: height, round: round, root: root, signatures: Array(signatures.prefix(count)))
    }

    /// Shows the ledger two statements that contradict each other.
    mutating func accuse(
        _ validator: ValidatorIndex, _ slot: EvidenceSlot, _ first: Statement, _ second: Statement
    ) {
        guard let key = state.validator(validator)?.key else { return }
        let message = Message.evidence(
            EvidenceMessage(validator: key, slot: slot, first: first, second: second))
        guard state.refusal(of: Checked(unchecked: message)) == nil,
            pool.addEvidence(message, at: now.uptime)
        else { return }
        readyFloor = 0
        effects.append(.broadcast(.command(message)))
    }
}
