// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What a batch changes of what waits: only what it touched is looked at again.
extension Replica {
    /// Takes the rounds that are open into the pool, when the node begins.
    mutating func adoptOpenRounds() {
        for entry in state.openRounds { adopt(entry) }
        for entry in state.openJobs { noteOwner(of: entry) }
    }

    /// Notes who submitted a job that is open: once it is closed, the state does not say.
    private mutating func noteOwner(of job: EntryIndex) {
        guard let submitter = state.job(at: job)?.submitted.submitter else { return }
        invariant(
            state.submitters.indices.contains(Int(submitter.rawValue)),
            "a job of submitter \(submitter.rawValue) of \(state.submitters.count)")
        jobOwners[job] = state.submitters[Int(submitter.rawValue)].key
    }

    /// Takes in a round that the ledger has open: it is verified from the state, whatever waits.
    mutating func adopt(_ entry: EntryIndex) {
        guard let round = state.openRound(at: entry) else { return }
        var message: RequestMessage?
        if pool.requests[round.id]?.message == nil,
            case .request(let held)? = state.message(of: .requestSubmitted(round.request))
        {
            message = held
        }
        pool.adopt(round.id, message, at: entry, now.uptime)
        for validator in pool.requests[round.id]?.votes.keys.sorted() ?? [] {
            let place = round.pinned.position(of: validator)
            guard place.map({ round.votes[$0] != nil }) ?? true else { continue }
            pool.drop(voteOf: validator, on: round.id)
        }
        pool.spreadSoon(round.id, at: now.uptime)
        touch(round.id)
    }

    /// Takes out of the pool what a batch has ended, and looks again at what it touched.
    mutating func reconsider(after events: [Event]) {
        var touched = Touched()
        for event in events {
            switch event {
            case .roundOpened(let event):
                adopt(event.request)
                if let id = state.requestID(at: event.request) { accuseOfVotes(on: id) }
            case .outcomeDecided(let event):
                // What is decided no longer counts against its submitter's quota.
                if let id = state.requestID(at: event.request),
                    let submitter = pool.requests[id]?.message?.submitter
                {
                    touched.decide(submitter)
                }
            case .jobDecided(let event):
                if let submitter = jobOwners[event.job] { touched.decide(submitter) }
            case .roundClosed(let event): reconsider(after: event, &touched)
            case .voteCast, .votesCast:
                hear(event)
                for cast in event.casts {
                    guard let id = state.requestID(at: cast.request) else { continue }
                    pool.drop(voteOf: cast.validator, on: id)
                    touch(id)
                }
            case .nullifierSpent(let event):
                for id in pool.waiting(for: event.nullifier) { pool.remove(id) }
            case .messageRefused(let event): reconsider(after: event, &touched)
            case .jobSubmitted(let event):
                touched.topics.append(.jobs(state.submitters[Int(event.submitter.rawValue)].key))
            case .jobAssigned(let event):
                touched.add(state.jobID(at: event.job))
                noteOwner(of: event.job)
            case .resultReported(let event): touched.add(state.jobID(at: event.job))
            case .settlementOrdered(let event):
                touched.add(state.requestID(at: event.request))
            case .settlementReported(let event):
                touched.add(state.requestID(at: event.request))
                touched.ended += 1
            case .governanceApproved:
                touched.topics.append(.governance)
                touched.hasChange = true
            case .evidenceSubmitted(let event):
                if let key = state.validator(event.validator)?.key {
                    touched.topics.append(.evidence(key))
                }
            case .validatorAnnounced(let event):
                if let key = state.validator(event.validator)?.key {
                    touched.topics.append(.announcements(key))
                }
            default: break
            }
        }
        invariant(
            jobOwners.count <= state.openJobs.count,
            "the owners of \(jobOwners.count) jobs are kept, and \(state.openJobs.count) are open")
        lookAgain(at: touched)
    }

    /// What a batch touched of what waits.
    private struct Touched {
        var topics: [OtherMessages.Topic] = []
        /// Rounds and jobs that were decided, by submitter, in order.
        var decided: [(submitter: PublicKey, count: Int)] = []
        /// Rounds, jobs and settlements that ended.
        var ended = 0
        var hasChange = false
        /// Submitters with requests that were refused for the log to show.
        var refused: [PublicKey] = []

        mutating func add(_ job: JobID?) {
            if let job { topics.append(.results(job)) }
        }

        mutating func add(_ request: RequestID?) {
            if let request { topics.append(.settlement(request)) }
        }

        mutating func decide(_ submitter: PublicKey) {
            if let place = decided.firstIndex(where: { $0.submitter == submitter }) {
                decided[place].count += 1
            } else {
                decided.append((submitter, 1))
            }
        }
    }

    private mutating func reconsider(after event: RoundClosed, _ touched: inout Touched) {
        touched.ended += 1
        if let id = state.requestID(at: event.about) {
            pool.remove(id)
        } else if let id = state.jobID(at: event.about) {
            touched.add(id)
            jobOwners[event.about] = nil
        }
    }

    private mutating func reconsider(after event: MessageRefused, _ touched: inout Touched) {
        switch event.message {
        case .request(let message):
            pool.remove(message.id(in: state.ledger))
            if touched.refused.last != message.submitter {
                touched.refused.append(message.submitter)
            }
        case .vote, .votes:
            for signed in event.message.signedVotes {
                guard let validator = state.validatorIndex(of: signed.vote.validator) else {
                    return
                }
                pool.drop(voteOf: validator, on: signed.vote.request)
                touch(signed.vote.request)
            }
        default:
            pool.others.remove(OtherMessages.digest(of: event.message))
            if let (_, topic) = OtherMessages.place(of: event.message) {
                touched.topics.append(topic)
            }
        }
    }

    private mutating func lookAgain(at touched: Touched) {
        var topics = Set<OtherMessages.Topic>()
        for topic in touched.topics where topics.insert(topic).inserted {
            for digest in pool.others.messages(about: topic) { judgeAgain(digest) }
        }
        var again: [RequestID] = []
        for (submitter, count) in touched.decided {
            again += pool.unpark(.quota(submitter), atMost: count)
            for digest in pool.others.messages(about: .jobs(submitter))
            where topics.insert(.jobs(submitter)).inserted {
                judgeAgain(digest)
            }
        }
        again += pool.unpark(.room, atMost: touched.ended)
        for submitter in touched.refused { again += pool.popRecorded(of: submitter) }
        if touched.hasChange { again += pool.unpark(.change, atMost: .max) }
        for id in again { judgeAgain(id) }
    }
}
