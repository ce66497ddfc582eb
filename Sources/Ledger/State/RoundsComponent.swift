// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The votings that are not closed, and where every request is that ever had one.
///
/// Invariants, beside those of `RoundTable`:
/// - `entries[id]` is the entry of each request, open or decided, and stays for ever;
/// - `undecided[n]` rises strictly, is not empty, and holds exactly the rounds without a decision
///   whose requests name the nullifier n;
/// - a round has one place for each of its pinned members, who rise strictly by index;
///   `0 < opened.threshold <= pinned.count`; a vote lies in the place of its validator;
/// - a round is decided exactly where `OutcomesComponent` has its decision, which no close follows
///   while the round is here;
/// - `pending` is set only between a request and its `RoundOpened`, the very next entry.
struct RoundsComponent: Component {
    static let kind = StateComponent.rounds

    /// The rounds that are not closed.
    private(set) var table = RoundTable()
    /// Undecided rounds by the nullifiers that they would spend.
    private(set) var undecided: [Bytes32: [EntryIndex]] = [:]
    /// The entries of all requests. Restoring the outcomes adds those of what is closed.
    var entries = KeyedTable<RequestID, EntryIndex>()
    /// The request whose round is about to open.
    private(set) var pending: (entry: EntryIndex, request: RequestSubmitted)?

    /// None.
    init() {}

    // MARK: Its part of `apply`

    mutating func submit(_ request: RequestSubmitted, _ entry: EntryIndex) {
        pending = (entry, request)
    }

    /// The request that a round opens for, which waits no more.
    mutating func takeRequest(of event: RoundOpened) throws(FoldError) -> RequestSubmitted {
        guard let (entry, request) = pending, entry == event.request else {
            throw .unknown(
                kind: .roundOpened, field: "request", value: event.request.rawValue)
        }
        pending = nil
        return request
    }

    /// - Precondition: There is none of this entry.
    mutating func open(_ round: Round) {
        invariant(
            table.entries.last.map { $0 < round.entry } ?? true,
            "the round of entry \(round.entry.rawValue) opens behind a later one")
        table.insert(round)
        entries[round.id] = round.entry
        for nullifier in round.request.nullifiers {
            undecided[nullifier, default: []].append(round.entry)
        }
    }

    mutating func record(
        _ event: VoteCast, _ entry: EntryIndex, isListed: Bool
    ) throws(FoldError) {
        // In place: a copy of the round would cost more than all the rest.
        let vote = RecordedVote(entry: entry, event: event, isListed: isListed)
        switch table.record(vote) {
        case .recorded?: break
        case .voted?: throw .contradicts(kind: .voteCast, field: "validator")
        case .notPinned?, nil:
            throw .unknown(kind: .voteCast, field: "request", value: event.request.rawValue)
        }
    }

    mutating func record(_ event: VotesCast, _ entry: EntryIndex) throws(FoldError) {
        for cast in event.casts { try record(cast, entry, isListed: true) }
    }

    /// Notes a decision, and returns the round as it was before.
    mutating func decide(_ event: OutcomeDecided) throws(FoldError) -> Round {
        guard let round = table[event.request] else {
            throw .unknown(kind: .outcomeDecided, field: "request", value: event.request.rawValue)
        }
        guard round.decided == nil else {
            throw .contradicts(kind: .outcomeDecided, field: "request")
        }
        table.decide(event)
        for nullifier in round.request.nullifiers {
            undecided[nullifier]?.removeOrdered(event.request)
            if undecided[nullifier]?.isEmpty == true { undecided[nullifier] = nil }
        }
        return round
    }

    /// Takes a round out, and returns it as it was.
    mutating func close(_ event: RoundClosed) throws(FoldError) -> Round {
        guard let round = table[event.about] else {
            throw .unknown(kind: .roundClosed, field: "about", value: event.about.rawValue)
        }
        guard round.decided != nil else {
            throw .contradicts(kind: .roundClosed, field: "about")
        }
        table.remove(event.about)
        return round
    }

    mutating func seal() { table.seal() }
}

// MARK: - Its root and its part of a snapshot

extension RoundsComponent {
    func encodeRoot(to writer: inout BorshWriter) { table.encode(to: &writer) }

    func encodeFixed(to writer: inout BorshWriter) {
        writer.write(UInt32(table.entries.count))
        for case let round? in table.entries.map({ table[$0] }) { round.encodeWhole(to: &writer) }
    }

    /// - Parameter identify: The identity of a request; nil where it names an unknown party.
    init(
        fixed reader: inout BorshReader, identify: (RequestSubmitted) -> RequestID?
    ) throws(DecodingError) {
        // Each round has its own bytes, so a count beyond them ends the reading early.
        for _ in 0..<(try reader.count(of: "rounds", bound: Int(UInt32.max))) {
            let start = reader.offset
            let entry = try EntryIndex(from: &reader)
            let request = try RequestSubmitted(from: &reader)
            let pinned = PinnedSet(members: try Self.readPinned(&reader))
            let opened = try RoundOpened(from: &reader)
            let settlement = try reader.integer(UInt64.self)
            let votes = try reader.recordedVotes(bound: Limits.membersMax)
            let decided = try reader.optional(OutcomeDecided.self)
            guard (table.entries.last).map({ $0 < entry }) ?? true,
                let id = identify(request), pinned.digest == opened.pinnedSet,
                opened.request == entry, decided.map({ $0.request == entry }) ?? true,
                votes.count == pinned.members.count,
                zip(votes, pinned.members).allSatisfy({ vote, member in
                    vote.map { $0.event.request == entry && $0.event.validator == member.index }
                        ?? true
                })
            else { throw .notCanonical(type: "rounds", offset: start) }
            table.insert(
                Round(
                    entry: entry, id: id, request: request, pinned: pinned, opened: opened,
                    settlementMilliseconds: settlement, votes: votes, decided: decided))
            entries[id] = entry
            guard decided == nil else { continue }
            for nullifier in request.nullifiers {
                undecided[nullifier, default: []].append(entry)
            }
        }
    }

    private static func readPinned(
        _ reader: inout BorshReader
    ) throws(DecodingError) -> [PinnedMember] {
        var members: [PinnedMember] = []
        for _ in 0..<(try reader.count(of: "pinned", bound: Limits.membersMax)) {
            members.append(
                PinnedMember(
                    index: try ValidatorIndex(from: &reader), key: try reader.publicKey(),
                    stake: try Stake(from: &reader), reputation: try Reputation(from: &reader)))
        }
        return members
    }
}

extension Round {
    /// Encodes what the state root says of the round.
    func encodeState(to writer: inout BorshWriter) {
        writer.write(entry)
        writer.write(id)
        writer.write(request.signature)
        writer.write(opened)
        writer.write(settlementMilliseconds)
        writer.write(votes)
        writer.write(optional: decided)
    }

    /// Encodes what a snapshot keeps of the round.
    fileprivate func encodeWhole(to writer: inout BorshWriter) {
        writer.write(entry)
        writer.write(request)
        writer.write(UInt32(pinned.members.count))
        for member in pinned.members {
            writer.write(member.index)
            writer.write(member.key)
            writer.write(member.stake)
            writer.write(member.reputation)
        }
        writer.write(opened)
        writer.write(settlementMilliseconds)
        writer.write(votes)
        writer.write(optional: decided)
    }
}

// MARK: - Its soundness

extension RoundsComponent {
    /// Whether those who are pinned can be ranked too, as many as T asks for, and entries come
    /// before the end of the log.
    func isWithinBounds(size: UInt64) -> Bool {
        table.entries.allSatisfy { entry in
            guard entry.rawValue < size, let round = table[entry] else { return false }
            let pinned = round.pinned.members
            return StateBounds.admit(pinned.map(\.stake))
                && pinned.allSatisfy { $0.reputation <= Limits.reputationMax }
                && zip(pinned, pinned.dropFirst()).allSatisfy { $0.index < $1.index }
                && round.opened.threshold > 0
                && Int(round.opened.threshold) <= pinned.count
        }
    }

    /// What is named must be there, so that later events and rules find it.
    func checkReferences(
        _ outcomes: OutcomesComponent, _ validators: ValidatorsComponent
    ) throws(SnapshotError) {
        for entry in table.entries {
            guard let round = table[entry],
                (round.decided != nil) == (outcomes.places[entry] != nil),
                outcomes.places[entry]?.close == nil,
                round.pinned.members.allSatisfy({ validators[$0.index]?.key == $0.key })
            else { throw .malformed(part: "rounds") }
        }
    }

    /// Whose the rounds without a decision are.
    var owners: [SubmitterIndex] {
        table.entries.compactMap { table[$0] }.filter { $0.decided == nil }
            .map(\.request.submitter)
    }
}
