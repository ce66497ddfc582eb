// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Votes counted.
struct CertifiedTally: Equatable {
    var approvals = 0
    var rejections = 0
    var abstentions = 0

    var votes: Int { approvals + rejections + abstentions }

    mutating func count(_ vote: Vote) {
        switch vote {
        case .approve: approvals += 1
        case .reject: rejections += 1
        case .abstain: abstentions += 1
        }
    }

    /// What so many votes decide before the deadline; nil where they do not.
    ///
    /// Source: the page Rules, "Rounds", 1 and 2. Written apart from the ledger's own, so
    /// that a certificate is not checked by what made it.
    func outcome(threshold: Int, members: Int) -> (outcome: Outcome, reason: OutcomeReason)? {
        if approvals >= threshold { return (.approved, .quorumApproved) }
        if members - rejections - abstentions < threshold {
            return (.rejected, .approvalOutOfReach)
        }
        return nil
    }
}

/// One request of a certificate, recounted from its entries as far as it stands alone.
struct CertifiedRound {
    /// A vote with the message that was signed.
    struct CountedVote {
        let entry: UInt64
        let cast: VoteCast
        let key: PublicKey
    }

    let part: Certificate.Part
    let request: RequestSubmitted
    let id: RequestID
    let opened: RoundOpened
    var votes: [CountedVote] = []
    var tally = CertifiedTally()
    /// The decision that votes brought about, and the vote that did.
    var decidedByVotes: (outcome: Outcome, reason: OutcomeReason, entry: UInt64)?
    /// What the log says of the decision.
    let decisionEntry: UInt64
    let decided: OutcomeDecided

    var entry: UInt64 { part.request.rawValue }
    var threshold: Int { Int(opened.threshold) }
}

/// The entries of a certificate, decoded, with what they are read under.
struct CertifiedEntries {
    let ledger: LedgerID
    let genesis: LedgerOpened
    /// All entries, by index.
    let events: [(index: UInt64, event: Event)]
    /// The openings of batches, by entry.
    let batches: [(index: UInt64, opened: BatchOpened)]
    /// The ways of votes that were signed in lists.
    let paths: [Certificate.ListedPath]

    init(
        ledger: LedgerID, genesis: LedgerOpened, events: [(index: UInt64, event: Event)],
        paths: [Certificate.ListedPath]
    ) {
        self.ledger = ledger
        self.paths = paths
        self.genesis = genesis
        self.events = events
        batches = events.compactMap { index, event in
            if case .batchOpened(let opened) = event { return (index, opened) }
            return nil
        }
    }

    func event(_ index: UInt64) -> Event? {
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].index < index { low = middle + 1 } else { high = middle }
        }
        return low < events.count && events[low].index == index ? events[low].event : nil
    }

    /// The time of the batch in which an entry stands, as far as the entries tell.
    ///
    /// They hold every opening between the last one told and the entry: either the run is whole, or
    /// the one opening is that of the deciding batch, after which nothing that is asked for stands.
    func batchTime(at entry: UInt64) -> Time? {
        batches.last { $0.index < entry }?.opened.time
    }
}

// MARK: - Request and pinned set

extension CertifiedEntries {
    /// Recounts one request: its identity, its round and its votes, but not yet the decision.
    func round(of part: Certificate.Part) throws(CertificateFlaw) -> CertifiedRound {
        let (request, id) = try request(of: part)
        let opened = try opening(of: part)
        let (entry, decided) = try decision(of: part)
        var round = CertifiedRound(
            part: part, request: request, id: id, opened: opened, decisionEntry: entry,
            decided: decided)
        try count(&round)
        return round
    }

    private func request(
        of part: Certificate.Part
    ) throws(CertificateFlaw) -> (RequestSubmitted, RequestID) {
        let entry = part.request.rawValue
        func flaw(_ field: String, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .request, entry: entry, field: field, expected: expected, found: found)
        }
        guard case .requestSubmitted(let request)? = event(entry) else {
            throw flaw(
                "kind", EventType.requestSubmitted.jsonName, event(entry)?.kind ?? "no such entry")
        }
        let circuit = part.circuit.id
        let number = Int(request.circuit.rawValue)
        if genesis.circuits.indices.contains(number) {
            let listed = genesis.circuits[number].circuit.id
            guard listed == circuit else {
                throw flaw(
                    "circuit \(number)", "that of the first entry, \(listed.hex)", circuit.hex)
            }
        }
        let submitter = Int(request.submitter.rawValue)
        if genesis.submitters.indices.contains(submitter) {
            let listed = genesis.submitters[submitter].key
            guard listed == part.submitter else {
                throw flaw(
                    "submitter \(submitter)", "that of the first entry, \(listed.hex)",
                    part.submitter.hex)
            }
        }
        let message = RequestMessage(
            circuit: circuit, nullifiers: request.nullifiers, amount: request.amount,
            recipient: request.recipient, proof: request.proof,
            publicInputs: request.publicInputs, timestamp: request.timestamp,
            submitter: part.submitter, signature: request.signature)
        guard message.isSigned(in: ledger) else {
            throw flaw(
                "signature", "one of the submitter \(part.submitter.hex)", "one that does not hold")
        }
        guard part.circuit.isBound, part.circuit.admits(message) else {
            throw flaw(
                "public inputs", "what the circuit binds to the request's own fields",
                "others, or such as no circuit may have")
        }
        return (request, message.id(in: ledger))
    }

    private func opening(of part: Certificate.Part) throws(CertificateFlaw) -> RoundOpened {
        let entry = part.request.rawValue + 1
        func flaw(_ field: String, _ expected: String, _ found: String) -> CertificateFlaw {
            CertificateFlaw(
                check: .pinnedSet, entry: entry, field: field, expected: expected, found: found)
        }
        guard case .roundOpened(let opened)? = event(entry) else {
            throw flaw(
                "kind", EventType.roundOpened.jsonName, event(entry)?.kind ?? "no such entry")
        }
        guard opened.request == part.request else {
            throw flaw("request", "\(part.request.rawValue)", "\(opened.request.rawValue)")
        }
        let digest = part.pinnedDigest
        guard opened.pinnedSet == digest else {
            throw flaw("pinnedSet", "\(digest.hex), of the validators given", opened.pinnedSet.hex)
        }
        for member in part.pinned {
            let number = Int(member.index.rawValue)
            guard genesis.validators.indices.contains(number) else { continue }
            let listed = genesis.validators[number].key
            guard member.key == listed else {
                throw flaw(
                    "validator \(number)", "that of the first entry, \(listed.hex)", member.key.hex)
            }
        }
        guard Set(part.pinned.map(\.key)).count == part.pinned.count else {
            throw flaw("pinnedSet", "a key for each validator", "one key twice")
        }
        guard Parameters.isSafe(threshold: opened.threshold, of: part.pinned.count) else {
            throw flaw(
                "threshold", "more than two thirds of \(part.pinned.count), and not more than all",
                "\(opened.threshold)")
        }
        guard part.pinned.contains(where: { $0.index == opened.leader }) else {
            throw flaw("leader", "a pinned validator", "\(opened.leader.rawValue)")
        }
        return opened
    }

    private func decision(
        of part: Certificate.Part
    ) throws(CertificateFlaw) -> (UInt64, OutcomeDecided) {
        var found: [(UInt64, OutcomeDecided)] = []
        for case (let index, .outcomeDecided(let decided)) in events
        where decided.request == part.request {
            found.append((index, decided))
        }
        guard let first = found.first, found.count == 1 else {
            throw CertificateFlaw(
                check: .decision, entry: found.last?.0, field: EventType.outcomeDecided.jsonName,
                expected: "one about request \(part.request.rawValue)", found: "\(found.count)")
        }
        return first
    }
}

// MARK: - Votes

extension CertifiedEntries {
    /// Counts the votes in order of the log, each with its signature, until they decide.
    private func count(_ round: inout CertifiedRound) throws(CertificateFlaw) {
        var voters: Set<ValidatorIndex> = []
        for (index, event) in events {
            guard let cast = event.casts.first(where: { $0.request == round.part.request })
            else { continue }
            let voter = try check(cast, of: event, at: index, in: round)
            guard voters.insert(cast.validator).inserted else {
                throw flaw(
                    index, "validator", "one vote of validator \(cast.validator.rawValue)",
                    "a second one")
            }
            guard round.decidedByVotes == nil, index < round.decisionEntry else {
                throw flaw(index, "place", "no vote after the decision", "one")
            }
            round.votes.append(
                CertifiedRound.CountedVote(entry: index, cast: cast, key: voter))
            round.tally.count(cast.vote)
            round.decidedByVotes = round.tally.outcome(
                threshold: round.threshold, members: round.part.pinned.count
            ).map { ($0.outcome, $0.reason, index) }
        }
    }

    private func check(
        _ cast: VoteCast, of event: Event, at index: UInt64, in round: CertifiedRound
    ) throws(CertificateFlaw) -> PublicKey {
        guard let member = round.part.pinned.first(where: { $0.index == cast.validator }) else {
            throw flaw(index, "validator", "a pinned one", "\(cast.validator.rawValue)")
        }
        guard index > round.entry + 1 else {
            throw flaw(index, "place", "after entry \(round.entry + 1)", "before the round opened")
        }
        let message = VoteMessage(
            request: round.id, validator: member.key, vote: cast.vote, reason: cast.reason,
            timestamp: cast.timestamp, signature: cast.signature)
        guard try isSigned(message, of: event, at: index, in: round) else {
            throw flaw(
                index, "signature", "one of validator \(member.index.rawValue), \(member.key.hex)",
                "one that does not hold for request \(round.id.hex)")
        }
        if let time = batchTime(at: index) {
            let later = max(time, cast.timestamp).rawValue
            let earlier = min(time, cast.timestamp).rawValue
            guard later - earlier <= Limits.voteLifeMilliseconds else {
                throw flaw(
                    index, "timestamp",
                    "within \(Limits.voteLifeMilliseconds) ms of"
                        + " \(time.rawValue)", "\(cast.timestamp.rawValue)")
            }
        }
        return member.key
    }

    /// Whether the validator signed a vote, or the root of the list to which the way given leads.
    private func isSigned(
        _ message: VoteMessage, of event: Event, at index: UInt64, in round: CertifiedRound
    ) throws(CertificateFlaw) -> Bool {
        guard case .votesCast(let list) = event else { return message.isSigned(in: ledger) }
        guard
            let path = paths.first(where: {
                $0.request == round.part.request && $0.entry == index
            })?.path
        else { throw flaw(index, "path", "the way of the vote to the root of its list", "none") }
        guard list.index(of: round.part.request) == Int(path.index),
            list.leafCount == Int(path.count)
        else {
            throw flaw(
                index, "path", "the way from the place of the vote in its list",
                "that of leaf \(path.index) of \(path.count)")
        }
        return message.isSigned(in: ledger, along: path)
    }

    private func flaw(
        _ entry: UInt64, _ field: String, _ expected: String, _ found: String
    ) -> CertificateFlaw {
        CertificateFlaw(check: .votes, entry: entry, field: field, expected: expected, found: found)
    }
}
