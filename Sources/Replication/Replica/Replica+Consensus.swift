// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    /// Takes what waits into the algorithm, and does what it asks, until nothing waits.
    mutating func drive() {
        while !consensusInputs.isEmpty {
            let input = consensusInputs.removeFirst()
            let (round, step) = (consensus.round, consensus.step)
            defer {
                if (consensus.round, consensus.step) != (round, step) {
                    pacing.noteProgress(at: now.uptime)
                }
            }
            for effect in consensus.step(input) {
                switch effect {
                case .schedule(let timeout): pacing.schedule(timeout, at: now.uptime)
                case .propose(let round, let value?, let validRound):
                    invariant(
                        round == consensus.round,
                        "round \(round) is proposed in as round \(consensus.round) runs")
                    propose(value, validRound)
                case .propose(let round, nil, _): pacing.proposing = round
                case .vote(let kind, let round, let value, let ground):
                    cast(kind, round, value, ground)
                case .decide(let value, let round):
                    decide(value, round)
                    return
                }
            }
        }
    }

    // MARK: What others say

    mutating func receive(_ vote: ConsensusVote, from peer: ValidatorIndex?, bytes: Int) {
        if vote.height.rawValue == height.rawValue + 1 {
            if let peer { catchingUp.keepEarly(.vote(vote), bytes: bytes, of: peer) }
            return
        }
        if vote.height == state.height { return receiveLate(vote) }
        // What the algorithm had to drop it may want now, though the book has it; what it has no
        // use for may still convict its sender, and is not kept.
        guard vote.height == height,
            members.contains(where: { $0.index == vote.validator })
        else { return }
        let isTaken = vote.isWellFormed && consensus.takes(vote)
        let isAhead = vote.isWellFormed && consensus.isAhead(vote.validator, in: vote.round)
        guard isTaken || isAhead || book.convicts(vote)
        else { return }
        accuse(of: vote)
        guard isTaken || isAhead else { return }
        if isTaken, book.add(vote), vote.kind == .prevote, vote.validator != index {
            effects.append(.journal([.received(vote)]))
        }
        consensusInputs.append(vote.input)
    }

    /// A vote of the last height: it decides nothing, but it may contradict another.
    ///
    /// The first of a slot is kept, and a precommit of what was decided; what convicts is shown.
    private mutating func receiveLate(_ vote: ConsensusVote) {
        let isFirst = lastBook.votes(vote.kind, vote.round, vote.validator).isEmpty
        let isDecision =
            vote.kind == .precommit && vote.value == lastPrecommits?.root
            && vote.round == lastPrecommits?.round && !lastBook.contains(vote)
        guard isFirst || isDecision || lastBook.convicts(vote),
            lastMembers.contains(where: { $0.index == vote.validator }),
            vote.round <= ReplicationLimits.lateRoundsMax
        else { return }
        accuse(of: vote)
        if isFirst || isDecision { lastBook.add(vote) }
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
        _ kind: ConsensusKind, _ round: UInt32, _ value: Digest?, _ ground: Int64
    ) {
        guard let speaker else { return }
        let vote = ConsensusVote(
            kind: kind, height: height, round: round, value: value, ground: ground,
            validator: speaker, signature: .zero
        ).signed(by: key, in: state.ledger)
        invariant(
            vote.isWellFormed, "a vote of round \(round) on the ground \(ground) that nobody takes")
        invariant(
            round <= consensus.round, "a vote of round \(round) in round \(consensus.round)")
        var items: [JournalItem] = []
        if kind == .precommit, let value, let batch = derivations.valid[value] {
            items.append(.held(height, value: value, batch))
        }
        effects.append(.journal(items + [.cast(vote)]))
        effects.append(.broadcast(.vote(vote)))
        book.add(vote)
        consensusInputs.append(vote.input)
    }

    /// Proposes a batch that this node holds, journaled first.
    mutating func propose(_ value: Digest, _ validRound: Int64) {
        guard let speaker, let batch = derivations.valid[value] else { return }
        invariant(
            batch.opening.height == height,
            "the batch \(batch.opening.height.rawValue) is proposed at height \(height.rawValue)")
        invariant(
            validRound < Int64(consensus.round),
            "a proposal of round \(consensus.round) rests on round \(validRound)")
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
    ///
    /// Where that gives another value by now, memory has failed: nothing is written or said, and
    /// the batch comes from a peer, which shows what differs.
    private mutating func decide(_ value: Digest, _ round: UInt32) {
        guard let batch = derived(value) else {
            if !isLost { effects.append(.notice(Self.lostNotice)) }
            isLost = true
            return
        }
        let precommits = precommits(
            on: value, of: height, round, in: book, by: members,
            count: Int(state.sealedLast.parameters.threshold))
        commit(batch, precommits)
    }

    private static let lostNotice =
        "a quorum agreed on a batch that was found valid here and does not follow any more: it is"
        + " asked of the others, and nothing is signed"

    /// What a batch comes to that was found valid; nil where it is another value now.
    private mutating func derived(_ value: Digest) -> ExecutedBatch? {
        guard let inputs = derivations.valid[value] else { return nil }
        let held = derivations.takeDerived(value)
        guard let batch = held ?? run(inputs, isKnown: true), batch.value == value else {
            return nil
        }
        return batch
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
            pool.others.hasRoom(for: message)
        else { return }
        pool.others.add(message, nil, isOurs: true, at: now.uptime)
        effects.append(.broadcast(.command(message)))
    }
}
