// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// As much of the state between two batches as the rules read when they take in one batch.
///
/// Of each component that only grows it holds the right edge of the tree, so that every root of the
/// state can be computed before and after the batch, and the records that the batch asks for. What
/// the records show is what whoever made the excerpt says: that a record is absent no tree proves,
/// unless all records of a component are there; see `isWhole`.
///
/// Invariants: `trees` and `records` are as many as `StateSnapshot.grown`. How they fit together is
/// the word of whoever made it.
package struct StateExcerpt: BorshCodable, Equatable, Sendable {
    /// Bytes of all but the records.
    package static let fixedBytesMax = 64 << 20
    /// Records of one component.
    package static let recordsMax = 1 << 20

    /// The Borsh of all but the records, as in `StateSnapshot`.
    package let fixed: [UInt8]
    /// The right edges of the trees, in the order of `StateSnapshot.grown`.
    package let trees: [MerkleFrontier]
    /// The records that are asked for, in the order of `StateSnapshot.grown`, each in the order in
    /// which it was appended; of nullifiers only the newest.
    package let records: [[[UInt8]]]

    package func encode(to writer: inout BorshWriter) {
        writer.write(fixed)
        for (tree, kept) in zip(trees, records) {
            writer.write(tree.count)
            writer.write(tree.subtrees.map(\.value))
            writer.write(UInt32(kept.count))
            for record in kept { writer.write(record) }
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        fixed = try reader.blob(of: "StateExcerpt.fixed", bound: Self.fixedBytesMax)
        var trees: [MerkleFrontier] = []
        var records: [[[UInt8]]] = []
        for _ in StateSnapshot.grown {
            let start = reader.offset
            let count = try reader.integer(UInt64.self)
            let subtrees = try reader.list32(of: "StateExcerpt.trees", bound: 64)
            guard count < 1 << 62,
                let tree = MerkleFrontier(count: count, subtrees: subtrees.map { Digest($0) })
            else { throw .notCanonical(type: "StateExcerpt", offset: start) }
            trees.append(tree)
            var kept: [[UInt8]] = []
            // Each record has its own bytes, so a count beyond them ends the reading early.
            for _ in 0..<(try reader.count(of: "StateExcerpt.records", bound: Self.recordsMax)) {
                kept.append(try reader.blob(of: "StateExcerpt.record", bound: 65_535))
            }
            records.append(kept)
        }
        self.trees = trees
        self.records = records
    }

    /// Whether all records of a component that grows are there, so that neither what they show nor
    /// what they lack is anybody's word. Costs two hashes for each.
    package func isWhole(_ component: StateComponent) -> Bool {
        guard let place = StateSnapshot.grown.firstIndex(of: component) else { return true }
        guard UInt64(records[place].count) == trees[place].count else { return false }
        var tree = MerkleFrontier()
        for record in records[place] { tree.append(leaf: record) }
        return tree == trees[place]
    }

    /// Joins the parts; what they are worth is seen when a state is made of them.
    ///
    /// - Precondition: there are as many trees, and lists of records, as components that grow.
    package init(fixed: [UInt8], trees: [MerkleFrontier], records: [[[UInt8]]]) {
        let count = StateSnapshot.grown.count
        invariant(trees.count == count, "\(trees.count) trees of \(count) components")
        invariant(records.count == count, "records of \(records.count) components")
        self.fixed = fixed
        self.trees = trees
        self.records = records
    }
}

extension LedgerState {
    /// The part of the state that a batch with these events reads.
    ///
    /// - Parameter whole: Components of which all records are taken, where an excerpt has room.
    /// - Precondition: a batch was sealed, and none is open.
    package func excerpt(
        for events: [Event], whole: [StateComponent] = []
    ) -> StateExcerpt {
        var wanted = WantedRecords(self)
        for event in events { wanted.add(event, in: self) }
        wanted.close(in: self)
        let histories = histories
        var records = [
            components.roots.records(of: wanted.roots),
            components.outcomes.records(of: wanted.requests),
            components.nullifiers.records(of: wanted.nullifiers),
            components.jobs.records(of: wanted.jobs),
            components.evidence.records(about: wanted.matters),
            components.outbox.records(of: wanted.requests, components.outcomes),
        ]
        for (place, component) in StateSnapshot.grown.enumerated()
        where whole.contains(component)
            && histories[place].count <= UInt64(StateExcerpt.recordsMax)
        {
            records[place] = histories[place].records.all
        }
        return StateExcerpt(
            fixed: fixedPart, trees: histories.map(\.history.frontier), records: records)
    }

    /// The state that an excerpt stands for, of no use but to take in the batch that it was made
    /// for.
    ///
    /// - Parameter components: The roots that the seal of the last batch names, which it must have.
    package init(_ excerpt: StateExcerpt, components: [Digest]) throws(SnapshotError) {
        var stores: [RecordStore] = []
        for (records, component) in zip(excerpt.records, StateSnapshot.grown) {
            var store = RecordStore()
            for record in records {
                guard !record.isEmpty else { throw .malformed(part: component.label) }
                _ = store.append(record)
            }
            stores.append(store)
        }
        try self.init(unverified: StateSnapshot(fixed: excerpt.fixed, records: stores))
        try verify(trees: excerpt.trees, components: components)
    }
}

/// Whose records a batch asks for.
private struct WantedRecords {
    /// Entries of requests.
    private(set) var requests: Set<EntryIndex> = []
    /// Entries of jobs.
    private(set) var jobs: Set<EntryIndex> = []
    private(set) var nullifiers: Set<Bytes32> = []
    /// What may be a published root.
    private(set) var roots: Set<Bytes32> = []
    /// What a conviction may be about: see `Conviction`.
    private(set) var matters: Set<UInt64> = []

    /// What is unfinished may be finished by any batch.
    init(_ state: LedgerState) {
        requests = Set(state.openRounds).union(state.pendingSettlements)
        jobs = Set(state.openJobs)
        for entry in state.openRounds {
            nullifiers.formUnion(state.rounds[entry]?.request.nullifiers ?? [])
        }
    }

    /// Adds what an input is about; what is derived asks for nothing else.
    mutating func add(_ event: Event, in state: LedgerState) {
        switch event {
        case .requestSubmitted(let request):
            nullifiers.formUnion(request.nullifiers)
            roots.formUnion(request.publicInputs)
            if let message = state.requestMessage(of: request) { add(.request(message), in: state) }
        case .voteCast, .votesCast: requests.formUnion(event.casts.map(\.request))
        case .settlementReported(let report): requests.insert(report.request)
        case .resultReported(let result): jobs.insert(result.job)
        case .jobSubmitted(let job):
            guard state.submitters.indices.contains(Int(job.submitter.rawValue)) else { return }
            add(.job(state.jobMessage(of: job)), in: state)
        case .evidenceSubmitted(let evidence): add(evidence.slot)
        case .governanceApproved(let approved): add(approved.change)
        case .messageRefused(let refused): add(refused.message, in: state)
        default: return
        }
    }

    private mutating func add(_ message: Message, in state: LedgerState) {
        switch message {
        case .request(let request):
            nullifiers.formUnion(request.nullifiers)
            roots.formUnion(request.publicInputs)
            add(state.entry(of: request.id(in: state.ledger)))
        case .vote(let vote): add(state.entry(of: vote.request))
        case .votes(let list):
            for case .shown(let request, _, _) in list.votes { add(state.entry(of: request)) }
        case .settlement(let report): add(state.entry(of: report.request))
        case .job(let job): add(job: state.entry(of: job.id(in: state.ledger)))
        case .result(let result): add(job: state.entry(of: result.job))
        case .evidence(let evidence): add(evidence.slot, in: state)
        case .governance(let governance): add(governance.change)
        case .announcement: return
        }
    }

    private mutating func add(_ request: EntryIndex?) {
        if let request { requests.insert(request) }
    }

    private mutating func add(job: EntryIndex?) {
        if let job { jobs.insert(job) }
    }

    private mutating func add(_ slot: EvidenceSlot, in state: LedgerState) {
        switch slot {
        case .consensus(let slot): add(slot)
        case .vote(let request), .settlement(let request): add(state.entry(of: request))
        case .result(let job): add(job: state.entry(of: job))
        }
    }

    private mutating func add(_ change: Change) {
        if case .rootPublished(_, let root) = change { roots.insert(root) }
    }

    private mutating func add(_ slot: Slot) {
        matters.insert(Conviction(validator: ValidatorIndex(0), slot: slot).about)
        switch slot {
        case .vote(let request), .settlement(let request): requests.insert(request)
        case .result(let job): jobs.insert(job)
        case .proposal, .prevote, .precommit, .amnesia, .checkpoint: return
        }
    }

    /// Adds what the rules read of the requests and jobs: nullifiers that a payment releases, and
    /// what a late vote may convict of.
    mutating func close(in state: LedgerState) {
        for entry in requests { nullifiers.formUnion(state.decided(at: entry)?.nullifiers ?? []) }
        matters.formUnion(requests.map(\.rawValue))
        matters.formUnion(jobs.map(\.rawValue))
    }
}
