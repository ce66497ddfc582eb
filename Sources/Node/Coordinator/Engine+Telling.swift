// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger

extension Engine {
    /// Tells what the batch that starts at entry `first` says, and gives out the work that follows.
    mutating func tell(from first: UInt64) {
        var opened: [EntryIndex] = []
        var closed: [EntryIndex] = []
        var assigned: [EntryIndex] = []
        for (offset, event) in batchEvents.enumerated() {
            let entry = EntryIndex(first + UInt64(offset))
            switch event {
            case .requestSubmitted: summary.accepted += 1
            case .roundOpened(let event):
                opened.append(event.request)
                if let round = state.openRound(at: event.request) { adopt(round) }
                roundVotes[event.request] = roundVotes[event.request] ?? []
                tellAccepted(event.request)
            case .voteCast(let event): tellVote(event)
            case .outcomeDecided(let event): tellDecision(event)
            case .settlementOrdered(let event): takeOrder(event, at: entry)
            case .settlementReported(let event): tellSettlement(event)
            case .equivocationFound(let event): tellEquivocation(event)
            case .roundClosed(let event): closed.append(event.about)
            case .jobSubmitted(let event): tellJob(event, at: entry)
            case .jobAssigned(let event):
                assigned.append(event.job)
                tellJob(event)
            case .resultReported(let event): tellJob(event)
            case .jobDecided(let event): tellJob(event)
            default: break
            }
        }
        for entry in closed {
            roundVotes[entry] = nil
            turns[entry] = nil
            if let id = state.requestID(at: entry) { lines[id] = nil }
            endJob(entry)
        }
        ask(opened)
        ask(jobs: assigned)
    }

    /// An entry of the log, which this process wrote or has read before.
    func event(at entry: EntryIndex) throws(NodeError) -> Event {
        do {
            return try Event(decoding: try log.entry(at: entry.rawValue))
        } catch let error as LogError {
            throw .log(of: "the ledger", path: home.ledgerDirectory, error)
        } catch {
            throw .entryUnusable(entry: entry.rawValue, problem: "\(error)")
        }
    }

    private func tellAccepted(_ entry: EntryIndex) {
        guard let id = state.requestID(at: entry), let line = lines[id] else { return }
        onEvent(.accepted(line: line, request: id, entry: entry))
    }

    private mutating func tellVote(_ event: VoteCast) {
        guard let vote = state.voteMessage(of: event) else { return }
        summary.votes += 1
        roundVotes[event.request, default: []].append(vote)
        onEvent(.voted(VerificationVote(vote), validator: name(event.validator)))
    }

    private mutating func tellDecision(_ event: OutcomeDecided) {
        guard let id = state.requestID(at: event.request) else { return }
        switch event.outcome {
        case .approved: summary.approved += 1
        case .rejected: summary.rejected += 1
        case .timedOut: summary.timedOut += 1
        }
        let result = ConsensusResult(
            request: id, decision: event, votes: roundVotes[event.request] ?? [])
        onEvent(.decided(line: lines[id], result))
        for line in answers.removeValue(forKey: id) ?? [] {
            answersWaiting -= 1
            summary.answered += 1
            onEvent(.answered(line: line, request: id, result))
        }
    }

    private mutating func tellEquivocation(_ event: EquivocationFound) {
        summary.equivocations += 1
        guard case .vote(let request) = event.slot, let id = state.requestID(at: request) else {
            return
        }
        onEvent(.equivocation(validator: name(event.validator), request: id))
    }

    // MARK: Answers

    /// Answers the requests at the head of the queue that the ledger holds already.
    mutating func answerKnown() {
        while let waiting = requests.first, state.entry(of: waiting.request.id) != nil {
            requests.removeFirst()
            answer(waiting)
        }
    }

    /// Answers a request that the ledger holds with the decision on it, now or once there is one.
    mutating func answer(_ waiting: Waiting) {
        let id = waiting.request.id
        guard let entry = state.entry(of: id) else { return }
        guard let decided = state.decided(at: entry) else {
            if answersWaiting < NodeLimits.waitingAnswersMax {
                answersWaiting += 1
                answers[id, default: []].append(waiting.line)
            } else {
                summary.answered += 1
                onEvent(.answered(line: waiting.line, request: id, nil))
            }
            return
        }
        summary.answered += 1
        do throws(NodeError) {
            let result = ConsensusResult(
                request: id, decision: decided.decision, votes: try votes(on: entry))
            onEvent(.answered(line: waiting.line, request: id, result))
        } catch {
            onEvent(.warning("the votes on \(id.hex) cannot be read: \(error)"))
            onEvent(
                .answered(
                    line: waiting.line, request: id,
                    ConsensusResult(request: id, decision: decided.decision, votes: [])))
        }
    }

    /// The votes on a request, from its entry to the close of its round.
    func votes(on request: EntryIndex) throws(NodeError) -> [VoteMessage] {
        if let votes = roundVotes[request] { return votes }
        var votes: [VoteMessage] = []
        var entry = request.rawValue
        while entry < log.size {
            switch try event(at: EntryIndex(entry)) {
            case .voteCast(let vote) where vote.request == request:
                if let message = state.voteMessage(of: vote) { votes.append(message) }
            case .roundClosed(let close) where close.about == request: return votes
            default: break
            }
            entry += 1
        }
        return votes
    }
}
