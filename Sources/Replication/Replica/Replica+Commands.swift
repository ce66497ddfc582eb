// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Replica {
    // MARK: Taking in

    /// A message for the ledger, from a client or passed on by a peer.
    mutating func receive(_ message: Message, from peer: ValidatorIndex?) {
        switch message {
        case .request(let message): receive(message, from: peer)
        case .vote(let vote): receive(vote, from: peer)
        default:
            let refusal = state.refusal(of: Checked(unchecked: message))
            guard refusal == nil || refusal?.isPassing == true || refusal?.isWorthRecording == true,
                !pool.contains(message, in: state.ledger), message.isSigned(in: state.ledger),
                pool.add(message, isOurs: peer == nil, at: now.uptime)
            else { return }
            readyFloor = 0
            if peer == nil { effects.append(.broadcast(.command(message))) }
        }
    }

    private mutating func receive(_ message: RequestMessage, from peer: ValidatorIndex?) {
        let id = message.id(in: state.ledger)
        guard state.entry(of: id) == nil, pool.requests[id]?.message == nil,
            state.submitterIndex(of: message.submitter) != nil, message.isSigned(in: state.ledger),
            pool.add(message, id, isOurs: peer == nil, at: now.uptime)
        else { return }
        judge(id)
        if peer == nil { effects.append(.broadcast(.command(.request(message)))) }
    }

    private mutating func receive(_ vote: VoteMessage, from peer: ValidatorIndex?) {
        guard let validator = state.validatorIndex(of: vote.validator),
            !pool.isKnown(vote, validator), vote.isSigned(in: state.ledger)
        else { return }
        take(vote, of: validator)
        guard let peer, pool.requests[vote.request]?.message == nil,
            pool.requests[vote.request]?.entry == nil, pool.requests[vote.request] != nil
        else { return }
        effects.append(.send(.want([vote.request]), to: peer))
    }

    private mutating func take(_ vote: VoteMessage, of validator: ValidatorIndex) {
        let entry = state.entry(of: vote.request)
        if let entry, let recorded = recordedVote(of: validator, at: entry) {
            if Slot.vote(entry).isContradicted(by: recorded.statement, vote.statement) {
                accuse(validator, .vote(vote.request), recorded.statement, vote.statement)
            }
            return
        }
        guard entry != nil || state.members.contains(validator) else { return }
        if let entry, state.openRound(at: entry) == nil {
            // Closed: worth keeping only for what it may contradict.
            if let heard = pool.heardVote(vote.request, validator),
                Slot.vote(entry).isContradicted(by: heard.statement, vote.statement)
            {
                accuse(validator, .vote(vote.request), heard.statement, vote.statement)
            }
            return
        }
        switch pool.add(vote, validator, at: now.uptime) {
        case .known: return
        case .contradicts(let earlier):
            if contradictions.count < ReplicationLimits.contradictionsMax {
                contradictions.append(
                    Contradiction(
                        request: vote.request, validator: validator, first: earlier, second: vote))
            }
            accuseOfVotes()
        case .new:
            if let entry { pool.adopt(vote.request, at: entry, now.uptime) }
            countVotes(on: vote.request)
        }
    }

    /// The vote that the ledger holds of a validator, while the round is open.
    private func recordedVote(of validator: ValidatorIndex, at entry: EntryIndex) -> VoteMessage? {
        guard let round = state.openRound(at: entry),
            let place = round.pinned.position(of: validator)
        else { return nil }
        return round.votes[place].flatMap { state.voteMessage(of: $0.event) }
    }

    /// Shows the ledger votes that contradict each other, once it holds what they are about.
    mutating func accuseOfVotes() {
        let known = contradictions
        contradictions = known.filter { state.entry(of: $0.request) == nil }
        for pair in known where state.entry(of: pair.request) != nil {
            accuse(
                pair.validator, .vote(pair.request), pair.first.statement, pair.second.statement)
        }
    }

    /// Notes since when the votes decide a request.
    private mutating func countVotes(on id: RequestID) {
        guard let request = pool.requests[id] else { return }
        let isDecided = request.isDecided(
            threshold: Int(state.parameters.threshold), of: state.members.count)
        let uptime = now.uptime
        pool.update(id) { request in
            request.votesSince = uptime
            if isDecided, request.decidableSince == nil { request.decidableSince = uptime }
        }
        touch(id)
    }

    /// Asks the rules whether they would take a request; costs a decoding of its proof.
    private mutating func judge(_ id: RequestID) {
        guard let message = pool.requests[id]?.message else { return }
        let refusal = state.refusal(of: Checked(unchecked: .request(message)))
        pool.update(id) { $0.refusal = refusal }
        touch(id)
    }

    // MARK: This node's own votes

    /// Has proofs verified: of requests that the rules would take, and of those that are open.
    mutating func startVerifications() {
        guard speaker != nil else { return }
        for id in pool.order {
            guard verificationsOut < ReplicationLimits.verificationsMax else { return }
            guard let request = pool.requests[id], case .waiting = request.check,
                let message = request.message
            else { continue }
            guard request.entry != nil || request.refusal == nil else { continue }
            pool.update(id) { $0.check = .running }
            verificationsOut += 1
            effects.append(.verify(message))
        }
    }

    /// The verdict on a request.
    mutating func take(_ id: RequestID, _ vote: Vote, _ reason: VoteReason) {
        verificationsOut -= min(1, verificationsOut)
        guard pool.requests[id] != nil else { return }
        pool.update(id) { $0.check = .done(vote, reason) }
        guard speaker != nil else { return }
        effects.append(.sign(id, vote, reason))
    }

    /// The node's own vote, which is durable now.
    mutating func takeOwn(_ vote: VoteMessage) {
        guard let speaker, pool.requests[vote.request] != nil else { return }
        take(vote, of: speaker)
        let uptime = now.uptime
        pool.update(vote.request) { $0.noteSpread(at: uptime) }
        effects.append(.broadcast(.command(.vote(vote))))
    }

    /// Spreads again what no batch holds yet: own votes, and what clients brought here.
    mutating func spreadOwn() {
        guard now.uptime >= spreadAt else { return }
        spreadAt = now.uptime + settings.idleStatusMilliseconds
        forgetOld()
        let uptime = now.uptime
        for id in pool.order {
            guard let request = pool.requests[id], uptime >= request.spreadAt else { continue }
            if let message = request.message, request.isOurs, request.entry == nil {
                effects.append(.broadcast(.command(.request(message))))
                pool.update(id) { $0.noteSpread(at: uptime) }
            }
            guard case .done(let vote, let reason) = request.check, let speaker else { continue }
            if let entry = request.entry, recordedVote(of: speaker, at: entry) != nil { continue }
            effects.append(.sign(id, vote, reason))
        }
        for other in pool.others where other.isOurs {
            effects.append(.broadcast(.command(other.message)))
        }
    }

    /// Drops what has waited too long.
    private mutating func forgetOld() {
        let uptime = now.uptime
        let old = pool.order.filter { id in
            guard let request = pool.requests[id], request.entry == nil else { return false }
            return uptime >= request.since + ReplicationLimits.requestMilliseconds
        }
        pool.remove(Set(old))
        pool.removeOthers { other in
            uptime >= other.since + ReplicationLimits.patienceMilliseconds
                && state.refusal(of: Checked(unchecked: other.message)) != nil
        }
    }

    // MARK: After a batch

    /// Takes the rounds that are open into the pool, when the node begins.
    mutating func adoptOpenRounds() {
        for entry in state.openRounds { adopt(entry) }
    }

    private mutating func adopt(_ entry: EntryIndex) {
        guard let round = state.openRound(at: entry) else { return }
        if pool.requests[round.id]?.message == nil,
            case .request(let message)? = state.message(of: .requestSubmitted(round.request))
        {
            _ = pool.add(message, round.id, isOurs: false, at: now.uptime)
        }
        pool.adopt(round.id, at: entry, now.uptime)
        readyFloor = 0
    }

    /// Takes out of the pool what a batch has settled.
    mutating func settle(_ events: [Event]) {
        var done: Set<RequestID> = []
        for event in events {
            switch event {
            case .requestSubmitted: break
            case .roundOpened(let event): adopt(event.request)
            case .roundClosed(let event):
                if let id = state.requestID(at: event.about) { done.insert(id) }
            case .voteCast(let event):
                if let id = state.requestID(at: event.request) {
                    pool.update(id) { $0.votes[event.validator] = nil }
                }
            case .messageRefused(let event):
                if case .request(let message) = event.message {
                    done.insert(message.id(in: state.ledger))
                }
                if case .vote(let message) = event.message,
                    let validator = state.validatorIndex(of: message.validator)
                {
                    pool.update(message.request) { $0.votes[validator] = nil }
                }
            default: break
            }
        }
        for id in pool.order {
            guard let request = pool.requests[id] else { continue }
            if let entry = state.entry(of: id) {
                if state.openRound(at: entry) == nil { done.insert(id) }
            } else if let message = request.message {
                let isSpent = message.nullifiers.contains {
                    state.condition(of: $0)?.isSpent == true
                }
                if isSpent { done.insert(id) }
                if request.refusal != nil { judge(id) }
            }
        }
        pool.remove(done)
        let refused = events.compactMap { event -> Message? in
            if case .messageRefused(let event) = event { return event.message }
            return nil
        }
        pool.removeOthers { other in
            if refused.contains(other.message) { return true }
            let refusal = state.refusal(of: Checked(unchecked: other.message))
            return refusal.map { !$0.isPassing && !$0.isWorthRecording } ?? false
        }
        accuseOfVotes()
        readyFloor = 0
    }
}

extension VoteMessage {
    /// What evidence shows of it.
    fileprivate var statement: Statement { .vote(vote, reason, timestamp, signature) }
}
