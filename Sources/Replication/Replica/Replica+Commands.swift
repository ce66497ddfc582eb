// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Ledger

/// What the rules would do with a message now.
enum Judgement: Equatable {
    /// They take it.
    case ready
    /// They have its refusal recorded.
    case recorded
    /// They refuse it, and may take it when the ledger has gone on.
    case waits(Refusal)
    /// They refuse it, and nothing of it enters the ledger.
    case never(Refusal)
}

extension Replica {
    // MARK: Taking in

    /// A message for the ledger, from a client or passed on by a peer; its signatures hold.
    mutating func receive(
        _ message: Message, _ isProofWellFormed: Bool?, from peer: ValidatorIndex?
    ) {
        switch message {
        case .request(let message): receive(message, isProofWellFormed, from: peer)
        case .vote, .votes: receive(votes: message, from: peer)
        default:
            guard pool.others.hasRoom(for: message) else { return }
            let refusal: Refusal?
            switch judge(message) {
            case .ready, .recorded: refusal = nil
            case .waits(let passing): refusal = passing
            case .never: return
            }
            pool.others.add(message, refusal, isOurs: peer == nil, at: now.uptime)
            if case .result(let result) = message { hurryResults(of: result.job) }
            if peer == nil, passesOn(message) { effects.append(.broadcast(.command(message))) }
        }
    }

    private mutating func receive(
        _ message: RequestMessage, _ isProofWellFormed: Bool?, from peer: ValidatorIndex?
    ) {
        let id = message.id(in: state.ledger)
        guard state.entry(of: id) == nil, pool.requests[id]?.message == nil,
            pool.hasRoom(for: message.submitter)
        else { return }
        let isWellFormed =
            isProofWellFormed ?? RequestMessage.isWellFormed(proof: message.proof)
        let judgement = judge(.request(message), isWellFormed)
        if case .never = judgement { return }
        pool.add(message, id, isOurs: peer == nil, at: now.uptime)
        pool.update(id) { $0.isProofWellFormed = isWellFormed }
        note(judgement, of: id)
        invariant(
            pool.requests[id]?.message != nil, "a request that was taken in waits for nothing")
        guard peer == nil else { return }
        pool.noteSpread(id, at: now.uptime)
        guard passesOn(.request(message)) else { return }
        effects.append(.broadcast(.command(.request(message))))
    }

    /// Has the results that wait enter the next batch, where they decide their job.
    private mutating func hurryResults(of job: JobID) {
        let waiting = pool.others.messages(about: .results(job))
        let results = waiting.compactMap { digest -> ResultMessage? in
            guard let other = pool.others.other(digest), other.refusal == nil,
                case .result(let result) = other.message
            else { return nil }
            return result
        }
        guard state.isDecided(job, by: results) else { return }
        for digest in waiting { pool.others.hurry(digest) }
    }

    private mutating func receive(votes message: Message, from peer: ValidatorIndex?) {
        guard let sender = message.sender, let validator = state.validatorIndex(of: sender) else {
            return
        }
        var lacking: [RequestID] = []
        for signed in message.signedVotes where !pool.isKnown(signed.vote, validator) {
            hear(signed, of: validator)
            if let request = pool.requests[signed.vote.request], request.message == nil,
                request.entry == nil
            {
                lacking.append(signed.vote.request)
            }
        }
        guard let peer, !lacking.isEmpty else { return }
        invariant(
            lacking.count <= ReplicationLimits.wantedMax,
            "\(lacking.count) requests are asked for by one message")
        effects.append(.send(.want(lacking), to: peer))
    }

    private mutating func hear(_ signed: SignedVote, of validator: ValidatorIndex) {
        let vote = signed.vote
        guard let entry = state.entry(of: vote.request) else {
            guard state.members.contains(validator) else { return }
            return keep(signed, of: validator)
        }
        if let recorded = recordedVote(of: validator, at: entry) {
            if let known = word(of: recorded, on: vote.request), known.contradicts(signed) {
                accuse(validator, .vote(vote.request), known.statement, signed.statement)
            }
            return
        }
        if let round = state.openRound(at: entry) {
            // The round is verified and counted from the state, whether the pool has it or not.
            if pool.requests[vote.request] == nil { adopt(entry) }
            guard round.pinned.position(of: validator) != nil else { return }
            return keep(signed, of: validator)
        }
        // Closed: worth keeping only for what it may contradict.
        if let heard = pool.heardVote(vote.request, validator), heard.contradicts(signed) {
            accuse(validator, .vote(vote.request), heard.statement, signed.statement)
        }
    }

    /// Keeps a vote that may enter the ledger, or shows that its validator contradicts itself.
    private mutating func keep(_ signed: SignedVote, of validator: ValidatorIndex) {
        let vote = signed.vote
        if isFresh(vote) == false, pool.heardVote(vote.request, validator) == nil { return }
        switch pool.add(signed, validator, at: now.uptime) {
        case .known: return
        case .contradicts(let earlier):
            contradictions.add(
                Contradiction(
                    request: vote.request, validator: validator, first: earlier, second: signed,
                    since: now.uptime))
            accuseOfVotes(on: vote.request)
        case .new:
            if isFresh(vote) {
                countVotes(on: vote.request)
            } else {
                pool.drop(voteOf: validator, on: vote.request)
            }
        }
    }

    /// Whether the next batch would take the time of a vote, by the clock here or the ledger's.
    private func isFresh(_ vote: VoteMessage) -> Bool {
        let time = vote.timestamp.rawValue
        return [now.time.rawValue, state.time.rawValue].contains {
            max($0, time) - min($0, time) <= Limits.voteLifeMilliseconds
        }
    }

    /// The vote that the ledger holds of a validator, while the round is open.
    private func recordedVote(
        of validator: ValidatorIndex, at entry: EntryIndex
    ) -> RecordedVote? {
        guard let round = state.openRound(at: entry),
            let place = round.pinned.position(of: validator)
        else { return nil }
        return round.votes[place]
    }

    /// The signed word behind a vote that the ledger holds. That of a list is known only where the
    /// list was heard: the state has no way to its root.
    private func word(of recorded: RecordedVote, on request: RequestID) -> SignedVote? {
        recorded.isListed
            ? pool.heardVote(request, recorded.event.validator)
            : state.voteMessage(of: recorded.event).map { SignedVote($0) }
    }

    /// Takes in that the log has entries with lists of votes on rounds that are open: what their
    /// validators say later is compared with them.
    package mutating func remember(votesIn events: [Event]) {
        for event in events {
            for signed in state.signedVotes(of: event) {
                guard let validator = state.validatorIndex(of: signed.vote.validator),
                    pool.heardVote(signed.vote.request, validator) == nil
                else { continue }
                pool.remember(signed, validator)
            }
        }
    }

    /// Shows the ledger votes on a request that contradict each other, once it holds the request.
    mutating func accuseOfVotes(on request: RequestID) {
        guard state.entry(of: request) != nil else { return }
        for pair in contradictions.pop(on: request) {
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

    // MARK: Judging

    /// Asks the rules what they would do with a message.
    func judge(_ message: Message, _ isProofWellFormed: Bool? = nil) -> Judgement {
        let checked = Checked(unchecked: message, isProofWellFormed: isProofWellFormed)
        guard let refusal = state.refusal(of: checked) else { return .ready }
        if refusal.isPassing, !isPast(message) { return .waits(refusal) }
        if refusal.isWorthRecording, state.refusal(ofRecording: checked) == nil {
            return .recorded
        }
        return .never(refusal)
    }

    /// Whether a message is a change whose number was taken.
    private func isPast(_ message: Message) -> Bool {
        if case .governance(let change) = message {
            change.number < state.nextChange
        } else {
            false
        }
    }

    /// Asks the rules again about a request that waits.
    mutating func judgeAgain(_ id: RequestID) {
        guard let request = pool.requests[id], request.entry == nil,
            let message = request.message
        else { return }
        note(judge(.request(message), request.isProofWellFormed), of: id)
    }

    private mutating func note(_ judgement: Judgement, of id: RequestID) {
        switch judgement {
        case .ready, .recorded:
            pool.update(id) { $0.refusal = nil }
            if judgement == .ready { pool.noteUnverified(id) } else { pool.noteRecorded(id) }
            touch(id)
        case .waits(let refusal):
            pool.update(id) { $0.refusal = refusal }
            pool.park(id, refusal)
        case .never: pool.remove(id)
        }
    }

    /// Asks the rules again about another message that waits.
    mutating func judgeAgain(_ digest: Digest) {
        guard let other = pool.others.other(digest) else { return }
        switch judge(other.message) {
        case .ready, .recorded:
            pool.others.note(nil, of: digest)
            if case .result(let result) = other.message { hurryResults(of: result.job) }
        case .waits(let refusal): pool.others.note(refusal, of: digest)
        case .never: pool.others.remove(digest)
        }
    }

    /// Looks again at what should be in a batch by now, as much of it as is looked at at once.
    mutating func judgeReadyAgain() {
        var seen: [RequestID] = []
        while seen.count < ReplicationLimits.judgedAgainMax,
            let id = pool.popReady(at: now.uptime)
        {
            seen.append(id)
        }
        for id in seen {
            dropStaleVotes(on: id)
            touch(id)
            judgeAgain(id)
        }
        for kind in OtherMessages.Kind.allCases {
            guard let (digest, _) = pool.others.popReady(kind) else { continue }
            pool.others.putBack(digest)
            judgeAgain(digest)
        }
    }

    private mutating func dropStaleVotes(on id: RequestID) {
        for (validator, signed) in pool.requests[id]?.votes ?? [:] where !isFresh(signed.vote) {
            pool.drop(voteOf: validator, on: id)
        }
    }

    // MARK: This node's own votes

    /// Has proofs verified: of requests that are open first, then of those that the rules would
    /// take.
    mutating func startVerifications() {
        guard speaker != nil else { return }
        while verificationsOut < ReplicationLimits.verificationsMax,
            let id = pool.nextUnverified(), let message = pool.requests[id]?.message
        {
            pool.update(id) { $0.check = .running }
            verificationsOut += 1
            effects.append(.verify(message))
        }
    }

    /// Receives the verdict on a request.
    mutating func receiveVerdict(on id: RequestID, _ vote: Vote, _ reason: VoteReason) {
        verificationsOut -= min(1, verificationsOut)
        guard pool.requests[id] != nil else { return }
        pool.update(id) { $0.check = .done(vote, reason) }
        guard speaker != nil else { return }
        effects.append(.sign(id, vote, reason))
    }

    /// Hears the node's own vote, or several, which are durable now.
    mutating func hearOwn(_ message: Message) {
        guard let speaker else { return }
        invariant(message.sender == key.publicKey, "the votes of another are said as the node's")
        var isWanted = false
        for signed in message.signedVotes where pool.requests[signed.vote.request] != nil {
            let id = signed.vote.request
            isWanted = true
            hear(signed, of: speaker)
            let uptime = now.uptime
            pool.update(id) { $0.ownVoteSince = $0.ownVoteSince ?? uptime }
            pool.noteSpread(id, at: uptime)
        }
        if isWanted { effects.append(.broadcast(.command(message))) }
    }

    // MARK: What is sent again

    /// Spreads again some of what no batch holds yet: own votes, and what clients brought here.
    mutating func spreadOwn() {
        guard now.uptime >= pacing.spreadAt else { return }
        pacing.spreadAt = now.uptime + ReplicationLimits.resendPauseMilliseconds
        forgetOld()
        for _ in 0..<ReplicationLimits.resendsMax {
            guard let id = pool.popSpread(at: now.uptime) else { break }
            spreadAgain(id)
        }
        for _ in 0..<ReplicationLimits.resendsMax {
            guard let message = pool.others.popSpread(at: now.uptime) else { break }
            effects.append(.broadcast(.command(message)))
        }
    }

    private mutating func spreadAgain(_ id: RequestID) {
        guard let request = pool.requests[id] else { return }
        pool.noteSpread(id, at: now.uptime)
        // With a quorum of votes it waits for room in a batch, and hardly for a message.
        if request.entry == nil, request.decidableSince != nil,
            request.spreadCount < ReplicationLimits.decidableResendsAfter
        {
            return
        }
        guard case .done(let vote, let reason) = request.check, let speaker else {
            if let message = request.message, request.isOurs, request.entry == nil,
                request.refusal == nil
            {
                effects.append(.broadcast(.command(.request(message))))
            }
            return
        }
        // Who lacks the request asks for it when it hears the vote.
        if let entry = request.entry, recordedVote(of: speaker, at: entry) != nil { return }
        effects.append(.sign(id, vote, reason))
    }

    /// Drops what has waited too long.
    private mutating func forgetOld() {
        let uptime = now.uptime
        pool.forget(before: uptime - min(uptime, ReplicationLimits.requestMilliseconds))
        pool.others.forget(before: uptime - min(uptime, ReplicationLimits.patienceMilliseconds))
        contradictions.forget(
            before: uptime - min(uptime, ReplicationLimits.requestMilliseconds))
    }
}
