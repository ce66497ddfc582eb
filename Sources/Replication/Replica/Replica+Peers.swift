// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    // MARK: Where this node stands

    /// Tells a few peers where this node stands, others each time, once it has not got on for a
    /// while: what is under way to it need not be sent again.
    mutating func sendStatus() {
        guard now.uptime >= pacing.statusAt else { return }
        let isRunning = consensus.isStarted
        pacing.statusAt =
            now.uptime
            + (isRunning ? settings.statusMilliseconds : settings.idleStatusMilliseconds)
        guard let index, members.contains(where: { $0.index == index }) else {
            // One that is nobody there may know others that only follow, and no member.
            effects.append(.broadcast(.status(status)))
            return
        }
        let asked = catchingUp.nextAsked(of: members.map(\.index), by: index)
        effects += asked.map { .send(.status(status), to: $0) }
    }

    /// Where this node stands.
    private var status: Status {
        // Without the precommits of the last batch there is no next one: they are asked for.
        let isLacking =
            height.rawValue >= 2
            && (lastPrecommits?.signatures.count ?? 0) < requiredPrecommits
        let round = consensus.round
        return Status(
            height: isLacking ? state.height : height, round: round,
            hasProposal: proposals.contains { $0.round == round && isValid($0.value) },
            prevotes: consensus.voters(.prevote, round: round),
            precommits: consensus.voters(.precommit, round: round),
            wanted: consensus.wanted)
    }

    // MARK: What peers lack

    /// Sends a peer what its status says that it lacks; not more often than statuses are sent, and
    /// as much as its budget allows.
    mutating func answer(_ status: Status, from peer: ValidatorIndex) {
        guard peer != index else { return }
        let isDue = catchingUp.isDue(
            peer, every: settings.statusMilliseconds / 2, at: now.uptime)
        if status.height < height {
            // What decided the last batch here is under way to it as well.
            guard status.height < state.height || pacing.isSpread(at: now.uptime) else { return }
            guard catchingUp.hasTakenIn(status.height, peer) || isDue,
                catchingUp.takes(
                    work: ReplicationLimits.batchesPerAnswerMax, from: peer, at: now.uptime)
            else { return }
            catchingUp.noteAnswer(to: peer, at: now.uptime)
            // Once it has taken these in it is answered again at once.
            let sent = status.height.rawValue + UInt64(ReplicationLimits.batchesPerAnswerMax)
            let last = Height(min(state.height.rawValue, sent - 1))
            invariant(
                last >= status.height,
                "batches up to \(last.rawValue) are sent from \(status.height.rawValue) on")
            catchingUp.noteServed(last, to: peer)
            effects.append(.sendBatches(from: status.height, to: peer))
            return
        }
        guard isDue, catchingUp.takes(work: 1, from: peer, at: now.uptime) else { return }
        catchingUp.noteAnswer(to: peer, at: now.uptime)
        guard status.height == height else {
            // The peer is ahead: it will answer with what is lacking here.
            effects.append(.send(.status(self.status), to: peer))
            return
        }
        // Grounds first and whole: a part of a quorum counts for nothing.
        for answer in grounds(of: status.wanted).map(PeerMessage.vote) {
            catchingUp.pay(answer.sizeEstimate, from: peer)
            effects.append(.send(answer, to: peer))
        }
        for answer in answers(to: status).prefix(ReplicationLimits.votesPerAnswerMax) {
            catchingUp.pay(answer.sizeEstimate, from: peer)
            effects.append(.send(answer, to: peer))
        }
    }

    /// What a peer at this height lacks of its round, and of what this node has decided to do.
    private func answers(to status: Status) -> [PeerMessage] {
        var answers: [PeerMessage] = []
        if !status.hasProposal {
            answers += proposals.filter { $0.round == status.round && isValid($0.value) }
                .prefix(1).map(PeerMessage.proposal)
        }
        let held = Set(status.prevotes)
        let heldPrecommits = Set(status.precommits)
        answers += votes(.prevote, status.round) { !held.contains($0) }
        answers += votes(.precommit, status.round) { !heldPrecommits.contains($0) }
        if consensus.round > status.round {
            answers += votes(.prevote, consensus.round) { _ in true }
            answers += votes(.precommit, consensus.round) { _ in true }
        }
        if let (round, value) = consensus.precommitted, round != status.round {
            answers += votes(.precommit, round) { _ in true }
            answers += proposals.filter { $0.value == value && isValid(value) }.prefix(1)
                .map(PeerMessage.proposal)
        }
        return answers
    }

    private func votes(
        _ kind: ConsensusKind, _ round: UInt32, from isWanted: (ValidatorIndex) -> Bool
    ) -> [PeerMessage] {
        members.map(\.index).filter(isWanted).flatMap { book.votes(kind, round, $0) }
            .map(PeerMessage.vote)
    }

    /// Sends a peer the requests that it has heard of and lacks.
    mutating func answer(_ requests: [RequestID], from peer: ValidatorIndex) {
        for id in requests {
            guard let message = pool.requests[id]?.message else { continue }
            guard catchingUp.takes(work: 1, from: peer, at: now.uptime) else { return }
            let answer = PeerMessage.command(.request(message))
            catchingUp.pay(answer.sizeEstimate, from: peer)
            effects.append(.send(answer, to: peer))
        }
    }

    // MARK: What this node lacks

    /// A batch that a quorum decided while this node was away.
    mutating func receive(_ batch: DecidedBatch, from peer: ValidatorIndex?) {
        if batch.precommits.height == state.height { return complete(batch.precommits) }
        guard batch.precommits.height == height else { return }
        let threshold = Int(state.sealedLast.parameters.threshold)
        do throws(DecidedBatchFault) {
            let replayed = try batch.replayed(
                on: state, frontier, threshold: weakening.quorum ?? threshold, checker: checker)
            var precommits = batch.precommits
            precommits.signatures = Array(precommits.signatures.prefix(threshold))
            commit(replayed, precommits)
            // There may be more: whoever sent this one is asked at once.
            if let peer { effects.append(.send(.status(status), to: peer)) }
        } catch .diverged(let divergence) {
            isStopped = true
            effects.append(.stop(divergence, batch))
        } catch {
            // It proves nothing; whoever sent it may have been lied to as well.
        }
    }

    /// Takes the precommits of the last batch where this node lacks them.
    private mutating func complete(_ precommits: Precommits) {
        guard (lastPrecommits?.signatures.count ?? 0) < requiredPrecommits,
            precommits.root == frontier.root,
            precommits.signatures.count >= requiredPrecommits,
            precommits.areSigned(
                by: state.sealedBefore.members, in: state.ledger, threshold: requiredPrecommits)
        else { return }
        var last = precommits
        last.signatures = Array(precommits.signatures.prefix(requiredPrecommits))
        lastPrecommits = last
    }
}
