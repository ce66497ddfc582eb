// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension LedgerState {
    /// Rebuilds a state from what was kept of it. Nothing may rest on it before `verify`.
    ///
    /// Any bytes are answered with a state or an error.
    package init(unverified snapshot: StateSnapshot) throws(SnapshotError) {
        try self.init(lackingNullifiers: snapshot)
        adopt(try NullifierTable(snapshot))
    }

    /// The same, whose table of nullifiers another core makes: see `adopt`.
    package init(lackingNullifiers snapshot: StateSnapshot) throws(SnapshotError) {
        do throws(DecodingError) {
            var reader = BorshReader(snapshot.fixed)
            try self.init(fixed: &reader)
            try reader.end()
        } catch {
            throw .undecodable(part: "fixed", error)
        }
        rootHistory = RecordedHistory(unverified: snapshot.records[0])
        outcomeHistory = RecordedHistory(unverified: snapshot.records[1])
        nullifierHistory = RecordedHistory(unverified: snapshot.records[2])
        jobHistory = RecordedHistory(unverified: snapshot.records[3])
        evidenceHistory = RecordedHistory(unverified: snapshot.records[4])
        outboxHistory = RecordedHistory(unverified: snapshot.records[5])
        try indexRoots()
        try indexOutcomes()
        try indexJobs()
        try indexEvidence()
        try indexOutbox()
        try checkReferences()
        guard isWithinBounds else { throw .malformed(part: "numbers") }
    }

    /// Takes over the table that was made of the same snapshot.
    package mutating func adopt(_ table: NullifierTable) { nullifiers = table.table }

    /// Takes over the trees that were computed from the records, and compares every component.
    ///
    /// - Parameters:
    ///   - trees: What `RecordStore.frontier` gives for each store of the snapshot.
    ///   - components: The roots that the seal of the batch names.
    package mutating func verify(
        trees: [MerkleFrontier], components: [Digest]
    ) throws(SnapshotError) {
        invariant(trees.count == StateSnapshot.grown.count, "\(trees.count) trees of records")
        rootHistory.adopt(trees[0])
        outcomeHistory.adopt(trees[1])
        nullifierHistory.adopt(trees[2])
        jobHistory.adopt(trees[3])
        evidenceHistory.adopt(trees[4])
        outboxHistory.adopt(trees[5])
        guard components.count == StateComponent.allCases.count else {
            throw .malformed(part: "components")
        }
        for (component, (stored, computed)) in zip(
            StateComponent.allCases, zip(components, componentRoots()))
        where stored != computed {
            throw .root(component: component.label, stored: stored, computed: computed)
        }
    }

    // MARK: The fixed part

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        self.init()
        ledger = try LedgerID(from: &reader)
        name = try reader.text(of: "name", bound: Limits.nameBytesMax)
        bridge = try reader.publicKey()
        parameters = try Parameters(from: &reader)
        nextChange = try reader.integer()
        try readParties(&reader)
        try readCircuits(&reader)
        try readRounds(&reader)
        try readLeaders(&reader)
        try readJobs(&reader)
        pendingSettlements = try reader.list(bound: Int(UInt32.max))
        height = try Height(from: &reader)
        time = try Time(from: &reader)
        previousRoot = try reader.digest()
        batchEntry = try EntryIndex(from: &reader)
        let start = reader.offset
        size = try reader.integer()
        guard size > 0 else { throw .notCanonical(type: "size", offset: start) }
        phase = .sealed
    }

    private mutating func readParties(_ reader: inout BorshReader) throws(DecodingError) {
        for number in 0..<(try reader.count(of: "validators", bound: Limits.validatorsMax)) {
            let start = reader.offset
            let key = try reader.publicKey()
            let name = try reader.text(of: "name", bound: Limits.partyNameBytesMax)
            let stake = try Stake(from: &reader)
            let reputation = try Reputation(from: &reader)
            let member = try reader.integer(UInt8.self)
            let index = ValidatorIndex(UInt16(number))
            let terms = try reader.list(of: Term.self, bound: Limits.termsMax)
            let announced = try reader.optional(RecordedAnnouncement.self)
            let isOpen = terms.last.map { $0.left == nil } ?? false
            guard member <= 1, isOpen == (member == 1),
                validatorIndices.updateValue(index, forKey: key) == nil,
                validatorNames.insert(name).inserted
            else {
                throw .notCanonical(type: "validators", offset: start)
            }
            validators.append(
                Validator(
                    key: key, name: name, stake: stake, reputation: reputation,
                    isMember: member == 1, terms: terms, announced: announced))
            if member == 1 { members.append(index) }
        }
        decayDay = try reader.integer()
        sealedBefore = try readSealed(&reader)
        sealedLast = try readSealed(&reader)
        for number in 0..<(try reader.count(of: "submitters", bound: Limits.submittersMax)) {
            let start = reader.offset
            let submitter = Submitter(
                key: try reader.publicKey(),
                name: try reader.text(of: "name", bound: Limits.partyNameBytesMax),
                quota: try reader.integer(), undecided: try reader.integer())
            guard
                submitterIndices.updateValue(
                    SubmitterIndex(UInt32(number)), forKey: submitter.key) == nil,
                submitterNames.insert(submitter.name).inserted
            else { throw .notCanonical(type: "submitters", offset: start) }
            submitters.append(submitter)
        }
        refusalMinute = try reader.integer()
        for _ in 0..<(try reader.count(of: "refusals", bound: Limits.refusedSendersMax)) {
            let start = reader.offset
            let sender = try reader.publicKey()
            if let last = refusals.last, last.sender >= sender {
                throw .notCanonical(type: "refusals", offset: start)
            }
            refusals.append((sender, try reader.integer()))
        }
    }

    private func readSealed(_ reader: inout BorshReader) throws(DecodingError) -> SealedMembers {
        var sealed: [RankedMember] = []
        for _ in 0..<(try reader.count(of: "members", bound: Limits.membersMax)) {
            let start = reader.offset
            let index = try ValidatorIndex(from: &reader)
            guard let validator = validator(index), (sealed.last?.index).map({ $0 < index }) ?? true
            else { throw .notCanonical(type: "members", offset: start) }
            sealed.append(
                RankedMember(index: index, key: validator.key, stake: try Stake(from: &reader)))
        }
        return SealedMembers(members: sealed, parameters: try Parameters(from: &reader))
    }

    private mutating func readCircuits(_ reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        for circuit in try reader.list(of: Circuit.self, bound: Limits.circuitsMax) {
            guard circuitIndices[circuit.id] == nil else {
                throw .notCanonical(type: "circuits", offset: start)
            }
            _ = register(circuit)
        }
    }

    private mutating func readRounds(_ reader: inout BorshReader) throws(DecodingError) {
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
            guard (openRounds.last).map({ $0 < entry }) ?? true,
                let message = requestMessage(of: request), pinned.digest == opened.pinnedSet,
                opened.request == entry, votes.count == pinned.members.count,
                zip(votes, pinned.members).allSatisfy({ vote, member in
                    vote.map { $0.event.request == entry && $0.event.validator == member.index }
                        ?? true
                })
            else { throw .notCanonical(type: "rounds", offset: start) }
            let round = Round(
                entry: entry, id: message.id(in: ledger), request: request, pinned: pinned,
                opened: opened, settlementMilliseconds: settlement, votes: votes, decided: decided)
            rounds.insert(round)
            requestEntries[round.id] = entry
            guard decided == nil else { continue }
            for nullifier in request.nullifiers {
                undecidedByNullifier[nullifier, default: []].append(entry)
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

    private mutating func readLeaders(_ reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let count = try reader.integer(UInt64.self)
        let subtrees = try reader.list32(of: "leaders", bound: 64).map { Digest($0) }
        guard let frontier = MerkleFrontier(count: count, subtrees: subtrees) else {
            throw .notCanonical(type: "leaders", offset: start)
        }
        leaderHistory = History(frontier)
    }

    private mutating func readJobs(_ reader: inout BorshReader) throws(DecodingError) {
        for _ in 0..<(try reader.count(of: "jobs", bound: Int(UInt32.max))) {
            let start = reader.offset
            let entry = try EntryIndex(from: &reader)
            let submitted = try JobSubmitted(from: &reader)
            let assigned = try reader.optional(JobAssigned.self)
            let results = try reader.optionals(of: RecordedResult.self, bound: Limits.membersMax)
            let decided = try reader.optional(JobDecided.self)
            guard (openJobs.last).map({ $0 < entry }) ?? true,
                submitters.indices.contains(Int(submitted.submitter.rawValue)),
                results.count == assigned?.validators.count ?? 0
            else { throw .notCanonical(type: "jobs", offset: start) }
            let id = jobMessage(of: submitted).id(in: ledger)
            jobs[entry] = Job(
                entry: entry, id: id, submitted: submitted, assigned: assigned, results: results,
                decided: decided)
            openJobs.append(entry)
            jobEntries[id] = entry
        }
    }
}
