// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger

/// A decided request as a certificate tells of it.
package struct DecidedRound: Sendable {
    /// The entry that introduced the request.
    package let entry: UInt64
    /// The identity of the request.
    package let id: RequestID
    /// The entry of the decision.
    package let decided: UInt64
    /// The decision.
    package let decision: OutcomeDecided

    /// The circuit of the proof.
    let circuit: Circuit
    /// The key that submitted the request.
    let submitter: PublicKey
    /// Who could vote, by index.
    let pinned: [Certificate.Pinned]
    /// The entries of the votes, rising.
    let votes: [UInt64]
    /// The entry that closed the round; nil while it is open.
    let closed: UInt64?
    /// The opening of the batch of the deciding entry, where somebody knows it.
    let batch: UInt64?
    /// The identities of requests on which validators voted in one list with this one, as far as
    /// they are known.
    var neighbours: [EntryIndex: RequestID] = [:]

    /// The way of the vote on the request to the root of a list.
    func path(
        in list: VotesCast, _ id: (UInt64) throws(CertificateMakingError) -> RequestID?
    ) throws(CertificateMakingError) -> VotePath {
        var ids = neighbours
        ids[EntryIndex(entry)] = self.id
        for case .shown(let request, _, _) in list.votes where ids[request] == nil {
            ids[request] = try id(request.rawValue)
        }
        guard let index = list.index(of: EntryIndex(entry)), let tree = list.tree({ ids[$0] })
        else { throw .index(entry: entry, kind: EventType.voteCast.jsonName) }
        return VotePath(of: index, in: tree)
    }
}

extension DecidedRound {
    /// Takes it from what a fold of the log collected; throws `undecided`.
    init(_ history: RequestHistory) throws(CertificateMakingError) {
        guard let (entry, decided) = history.decision else {
            throw .undecided(entry: history.entry, deadline: history.round.opened.deadline)
        }
        self.entry = history.entry
        id = history.round.id
        circuit = history.circuit
        submitter = history.message.submitter
        pinned = history.round.pinned.members.map {
            Certificate.Pinned(
                index: $0.index, key: $0.key, stake: $0.stake, reputation: $0.reputation)
        }
        votes = history.votes.map(\.entry)
        self.decided = entry
        decision = decided
        closed =
            history.events.first { if case .roundClosed = $0.event { true } else { false } }?.index
        batch = nil
        neighbours = history.neighbours
    }
}

/// Where an index of a log says that a decided request stands, so that no fold is needed.
///
/// Nothing of it is believed: what the entries do not bear out makes no certificate.
package struct CertificatePlaces: Sendable {
    /// The entry of the request.
    package var request: UInt64
    /// The entry that registered its circuit.
    package var circuit: UInt64
    /// The key that submitted it.
    package var submitter: PublicKey
    /// Who could vote, by number.
    package var pinned: [Certificate.Pinned]
    /// The entries of the votes, rising.
    package var votes: [UInt64]
    /// The entry of the decision.
    package var decided: UInt64
    /// The entry that closed the round; nil while it is open.
    package var closed: UInt64?
    /// The opening of the batch of the entry that decided.
    package var batch: UInt64

    /// Entries count from 0; the certificate that is made of them holds them against the log.
    package init(
        request: UInt64, circuit: UInt64, submitter: PublicKey, pinned: [Certificate.Pinned],
        votes: [UInt64],
        decided: UInt64, closed: UInt64?, batch: UInt64
    ) {
        self.request = request
        self.circuit = circuit
        self.submitter = submitter
        self.pinned = pinned
        self.votes = votes
        self.decided = decided
        self.closed = closed
        self.batch = batch
    }
}

extension DecidedRound {
    /// Looks up in a log what an index says of it; throws `.index` where the log says otherwise.
    init(_ places: CertificatePlaces, in log: EventLog) throws(CertificateMakingError) {
        let entry = places.request
        let entries = EntryLookup(log)
        guard case .requestSubmitted(let request) = try entries.event(entry),
            case .roundOpened(let opened) = try entries.event(entry + 1)
        else { throw .index(entry: entry, kind: EventType.requestSubmitted.jsonName) }
        guard
            let circuit = Self.circuit(
                request.circuit, in: try entries.event(places.circuit), at: places.circuit)
        else { throw .index(entry: places.circuit, kind: "circuit") }
        let message = RequestMessage(
            circuit: circuit.id, nullifiers: request.nullifiers, amount: request.amount,
            recipient: request.recipient, proof: request.proof,
            publicInputs: request.publicInputs, timestamp: request.timestamp,
            submitter: places.submitter, signature: request.signature)
        let ledger = LedgerID(Digest(hashing: try entries.bytes(0)))
        // It holds for one circuit, submitter and ledger only.
        guard message.isSigned(in: ledger) else {
            throw .index(entry: entry, kind: EventType.requestSubmitted.jsonName)
        }
        guard case .outcomeDecided(let decision) = try entries.event(places.decided),
            decision.request.rawValue == entry
        else { throw .index(entry: places.decided, kind: EventType.outcomeDecided.jsonName) }
        self.entry = entry
        id = message.id(in: ledger)
        self.circuit = circuit
        submitter = places.submitter
        pinned = places.pinned
        votes = places.votes
        decided = places.decided
        self.decision = decision
        closed = places.closed
        batch = places.batch
        guard pinnedDigest == opened.pinnedSet else {
            throw .index(entry: entry + 1, kind: EventType.roundOpened.jsonName)
        }
        try check(entries)
    }

    private var pinnedDigest: Digest {
        Certificate.Part(
            request: EntryIndex(entry), circuit: circuit, submitter: submitter, pinned: pinned
        ).pinnedDigest
    }

    /// The circuit of a number, where it is the one that the event registers.
    private static func circuit(
        _ number: CircuitIndex, in event: Event, at entry: UInt64
    ) -> Circuit? {
        switch event {
        case .ledgerOpened(let opened):
            let place = Int(number.rawValue)
            return opened.circuits.indices.contains(place) ? opened.circuits[place].circuit : nil
        case .governanceApproved(let approved):
            if case .circuitRegistered(let circuit) = approved.change { return circuit }
            return nil
        default: return nil
        }
    }

    /// Checks that the votes are all of those that the decision counted, the batch and the close.
    private func check(_ entries: EntryLookup) throws(CertificateMakingError) {
        var tally = (approvals: 0, rejections: 0, abstentions: 0)
        var before = entry
        for vote in votes where vote < decided {
            let casts = try entries.event(vote).casts
            guard vote > before, let cast = casts.first(where: { $0.request.rawValue == entry })
            else { throw .index(entry: vote, kind: EventType.voteCast.jsonName) }
            before = vote
            switch cast.vote {
            case .approve: tally.approvals += 1
            case .reject: tally.rejections += 1
            case .abstain: tally.abstentions += 1
            }
        }
        guard
            tally == (
                Int(decision.approvals), Int(decision.rejections), Int(decision.abstentions)
            )
        else { throw .index(entry: decided, kind: EventType.outcomeDecided.jsonName) }
        if let batch {
            guard case .batchOpened = try entries.event(batch), batch <= decision.deciding.rawValue
            else { throw .index(entry: batch, kind: EventType.batchOpened.jsonName) }
        }
        if let closed {
            guard case .roundClosed(let close) = try entries.event(closed),
                close.about.rawValue == entry
            else { throw .index(entry: closed, kind: EventType.roundClosed.jsonName) }
        }
    }
}

/// Reads single entries of a log.
struct EntryLookup {
    private let log: EventLog

    init(_ log: EventLog) { self.log = log }

    /// The bytes of an entry.
    func bytes(_ index: UInt64) throws(CertificateMakingError) -> [UInt8] {
        do throws(LogError) { return try log.entry(at: index) } catch { throw .log(error) }
    }

    /// The nullifiers of the request that an entry introduced; none where it introduced none.
    func nullifiers(ofRequestAt entry: UInt64) throws(CertificateMakingError) -> Set<Bytes32> {
        guard case .requestSubmitted(let request) = try event(entry) else { return [] }
        return Set(request.nullifiers)
    }

    /// What an entry says.
    func event(_ index: UInt64) throws(CertificateMakingError) -> Event {
        let bytes = try bytes(index)
        do throws(DecodingError) { return try Event(decoding: bytes) } catch {
            throw .history(.replay(.reading(.undecodable(entry: index, error))))
        }
    }
}
