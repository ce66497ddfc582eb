// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    /// Finds out when the commands that wait want a batch, where the bound that is known is due.
    mutating func refreshReadiness() {
        guard readyFloor <= now.uptime, !consensus.isStarted || proposing != nil else { return }
        var first = UInt64.max
        for id in pool.order {
            if let request = pool.requests[id], let time = readyAt(request) {
                first = min(first, time)
            }
        }
        for other in pool.others where isAcceptable(other.message) {
            first = min(first, other.since)
        }
        readyFloor = first
    }

    /// Lowers the bound for what is new of a request.
    mutating func touch(_ id: RequestID) {
        guard let request = pool.requests[id], let time = readyAt(request) else { return }
        readyFloor = min(readyFloor, time)
    }

    /// Whether the rules would take a message now.
    private func isAcceptable(_ message: Message) -> Bool {
        state.refusal(of: Checked(unchecked: message)) == nil
    }

    /// When a request, or the votes on it, should be in a batch.
    ///
    /// A request waits for the votes that decide it, so that one batch holds both.
    private func readyAt(_ request: PendingRequest) -> UInt64? {
        if let entry = request.entry {
            guard !request.votes.isEmpty, let round = state.openRound(at: entry) else { return nil }
            let isDecided = round.decided != nil
            let isLast = request.votes.count == round.votes.count { $0 == nil }
            let wait =
                isLast
                ? 0
                : isDecided
                    ? ReplicationLimits.lateVoteMilliseconds : ReplicationLimits.lingerMilliseconds
            return request.votesSince + wait
        }
        guard request.message != nil, request.refusal?.isPassing != true else { return nil }
        if request.votes.count >= state.members.count { return request.votesSince }
        if let decidable = request.decidableSince {
            return decidable + ReplicationLimits.lingerMilliseconds
        }
        return request.since + settings.gatherMilliseconds
    }

    /// Proposes in the round that this node leads, once there is a reason.
    mutating func tryPropose() {
        guard let round = proposing else { return }
        guard round == consensus.round, consensus.step == .propose, speaker != nil else {
            proposing = nil
            return
        }
        guard isWorthStarting, let batch = makeBatch() else { return }
        proposing = nil
        valid[batch.value] = batch.batch
        derived = batch
        propose(batch.value, -1)
    }

    /// Makes a batch of what waits, in order: what validators agreed on, evidence, reports, jobs,
    /// results; requests with the votes on them; votes on rounds that are open.
    private mutating func makeBatch() -> ExecutedBatch? {
        guard let index = speaker, let opening = makeOpening(index) else { return nil }
        var run = BatchRun(state: state, frontier: frontier)
        do throws(Refusal) {
            try run.take(.openBatch(Checked(unchecked: opening), root: frontier.root))
        } catch { return nil }
        var commands: [ProposedCommand] = []
        var isFull = false
        for message in candidates {
            guard !isFull else { break }
            add(message, to: &run, &commands, &isFull)
        }
        do throws(Refusal) { try run.seal() } catch {
            fatalError("the ledger refuses the seal of a batch of our own making: \(error)")
        }
        return ExecutedBatch(ProposedBatch(opening: opening.event, commands: commands), run)
    }

    private func makeOpening(_ index: ValidatorIndex) -> BatchOpening? {
        let precommits: Precommits?
        if height.rawValue >= 2 {
            guard let last = lastPrecommits, last.signatures.count == requiredPrecommits else {
                return nil
            }
            precommits = last
        } else {
            precommits = nil
        }
        let time = max(now.time, state.time.adding(milliseconds: 1))
        let signed = BatchOpening.signedBytes(
            height: height, time: time, round: consensus.round, previousRoot: frontier.root,
            proposer: key.publicKey, in: state.ledger)
        return state.opening(
            of: BatchOpened(
                height: height, time: time, proposer: index, round: consensus.round,
                previousRoot: frontier.root, precommitRound: precommits?.round ?? 0,
                precommits: precommits?.signatures ?? [], signature: key.sign(signed)))
    }

    /// What may go into a batch now, in order.
    private var candidates: [Message] {
        let ranks: [Message] = pool.others.map(\.message)
        var result = ranks.enumerated().sorted { left, right in
            (left.element.rank, left.offset) < (right.element.rank, right.offset)
        }.map(\.element)
        for id in pool.order {
            guard let request = pool.requests[id] else { continue }
            if request.entry == nil {
                guard let message = request.message,
                    let ready = readyAt(request), ready <= now.uptime
                else { continue }
                result.append(.request(message))
            }
            result += request.orderedVotes.map(Message.vote)
        }
        return result
    }

    private func add(
        _ message: Message, to run: inout BatchRun, _ commands: inout [ProposedCommand],
        _ isFull: inout Bool
    ) {
        let checked = Checked(unchecked: message)
        do throws(Refusal) {
            try run.take(.message(checked))
            commands.append(ProposedCommand(message))
        } catch .batchFull {
            isFull = true
        } catch let refusal where refusal.isWorthRecording {
            do throws(Refusal) {
                try run.take(.recordRefusal(checked))
                commands.append(ProposedCommand(message, isRefused: true))
            } catch {
                // Over the sender's share of refusals, which nobody counts in the state.
            }
        } catch {
            // It waits, or the ledger holds it already.
        }
    }
}

extension Message {
    /// Its place among the commands of a batch.
    fileprivate var rank: Int {
        switch self {
        case .governance: 0
        case .evidence: 1
        case .settlement: 2
        case .job: 3
        case .result: 4
        case .request: 5
        case .vote: 6
        }
    }
}

extension Refusal {
    /// Whether a message may be taken later, when the ledger has gone on.
    var isPassing: Bool {
        switch self {
        case .quotaExceeded, .tooManyUnclosed, .unknownCircuit, .unknownRoot, .tooFewValidators,
            .unknownRequest, .timestampOutOfRange, .unknownJob, .notAssigned, .notOrdered,
            .wrongNumber, .signerNotMember, .unknownSubmitter, .unknownValidator, .batchFull:
            true
        default: false
        }
    }

    /// Whether the log should show that a message was refused, and to whom.
    ///
    /// Not where its sender could not know better: it waits, it came twice, or its round was
    /// faster. A vote that contradicts another goes into the log as evidence.
    var isWorthRecording: Bool {
        !isPassing && !isAnswer && self != .roundClosed && self != .voteContradicts
            && self != .notPinned && self != .nullifierSpent && self != .alreadyConvicted
    }
}
