// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import TestSupport

/// The node of one validator on a disk of its own, and what the others agree on.
struct Dispute {
    static let directory = "/node"
    /// Six validators, five of whom must sign; the node is the last one's.
    static let validators = 6
    static let threshold = 5
    static let own: UInt16 = 5
    static let versions = ProgramVersions(
        program: "1.0", engine: "wasmtime", engineVersion: "50")

    /// What those who agreed did otherwise than the rules say.
    enum Wrong: CaseIterable {
        case reputation, deadline, nextTurn, margin, omitted, leader, unsigned, stale
    }

    let disk = SimulatedDisk()
    private(set) var scenario: LedgerScenario
    /// The state and the tree before the last batch that was made.
    private(set) var before: (state: LedgerState, frontier: MerkleFrontier)
    private var told: Int

    /// A ledger of batch 0, and then of some batches that the node has taken in; the others say
    /// that they run a program.
    init(seed: UInt64, othersRun program: String? = nil) throws {
        var random = SplitMix64(seed: seed)
        scenario = try LedgerScenario(.of(Self.validators, UInt32(Self.threshold)))
        told = scenario.log.count
        before = (scenario.state, scenario.frontier)
        guard case .ledgerOpened(let opened) = scenario.log[0] else { fatalError("no ledger") }
        try ReplicaHost.create(directory: Self.directory, disk: disk, opened: opened)
        let host = try open()
        for number in 0..<Int.random(in: 1...3, using: &random) {
            try scenario.open(after: UInt64.random(in: 1_000...40_000, using: &random))
            if let program, number == 0 {
                for other in 0..<Self.threshold {
                    try scenario.send(
                        .announcement(scenario.announcement(other, 1) { $0.program = program }))
                }
            }
            let request = try scenario.submit()
            // The first is approved, so that there is a payment to report.
            let voters =
                number == 0
                ? Self.validators : Int.random(in: 2...Self.validators, using: &random)
            try scenario.approve(0..<voters, request)
            try scenario.seal()
            try hand(try batch(), to: host)
        }
        try host.close()
    }

    /// Opens the node.
    func open(
        versions: ProgramVersions = Dispute.versions, snapshotEntries: UInt64 = 100_000,
        on other: SimulatedDisk? = nil
    ) throws -> ReplicaHost {
        try ReplicaHost(
            directory: Self.directory, disk: other ?? disk, key: Fixture.key(Self.own),
            snapshotEntries: snapshotEntries, versions: versions, at: instant)
    }

    var instant: Instant {
        Instant(time: scenario.state.time.adding(milliseconds: 1_000), uptime: 1_000)
    }

    /// Hands the node a batch, as from a peer.
    @discardableResult
    func hand(_ batch: DecidedBatch, to host: ReplicaHost) throws -> [HostOutput] {
        try host.receive(
            PeerMessage.batch(batch).encoded, from: ValidatorIndex(0), at: instant)
    }

    /// Makes a batch with a request that is decided and closed, one that is opened, and a payment
    /// that failed.
    mutating func makeBatch() throws -> DecidedBatch {
        before = (scenario.state, scenario.frontier)
        try scenario.open(after: 2_000)
        let request = try scenario.submit()
        _ = try scenario.submit()
        if let paid = scenario.state.pendingSettlements.first,
            let id = scenario.state.requestID(at: paid)
        {
            try scenario.send(.settlement(scenario.settlement(id, .failed)))
        }
        try scenario.approve(0..<Self.validators, request)
        try scenario.seal()
        return try batch()
    }

    /// What the scenario holds since the last time, signed by those who must.
    private mutating func batch() throws -> DecidedBatch {
        let events = Array(scenario.log[told...])
        told = scenario.log.count
        return Self.decided(
            events, height: scenario.state.height, root: scenario.frontier.root,
            in: scenario.ledger)
    }

    /// A batch, signed by all but the node.
    static func decided(
        _ events: [Event], height: Height, root: Digest, in ledger: LedgerID
    ) -> DecidedBatch {
        DecidedBatch(
            precommits: Precommits(
                to: root, of: height, by: (0..<UInt16(threshold)).map { ValidatorIndex($0) },
                in: ledger, key: Fixture.key),
            entries: events.map { EntryBytes($0.encoded) })
    }

    /// The last batch as those would have it who do something else than the rules say.
    func broken(_ batch: DecidedBatch, _ wrong: Wrong) throws -> DecidedBatch {
        var (state, frontier) = before
        var events: [Event] = []
        for var event in changed(batch.events, wrong) {
            if case .batchSealed = event {
                let components = state.componentRoots()
                event = .batchSealed(
                    BatchSealed(
                        height: state.height, size: state.size, root: frontier.root,
                        stateRoot: StateRoot.combined(components), components: components))
            }
            let entry = Entry(event)
            try state.apply(entry)
            frontier.append(leafHash: entry.leafHash)
            events.append(event)
        }
        return Self.decided(
            events, height: state.height, root: frontier.root, in: scenario.ledger)
    }

    private func changed(_ events: [Event], _ wrong: Wrong) -> [Event] {
        var events = events
        func last(_ tag: UInt8) -> Int { events.lastIndex { $0.tag == tag } ?? 0 }
        switch wrong {
        case .reputation:
            if case .reputationChanged(var event) = events[last(69)] {
                event.after = Reputation(event.after.rawValue + 1_000)
                events[last(69)] = .reputationChanged(event)
            }
        case .deadline, .leader:
            if case .roundOpened(var event) = events[last(64)] {
                if wrong == .deadline {
                    event.deadline = event.deadline.adding(milliseconds: 1)
                } else {
                    event.leader = ValidatorIndex((event.leader.rawValue + 1) % 6)
                }
                events[last(64)] = .roundOpened(event)
            }
        case .nextTurn:
            if case .settlementOrdered(var event) = events[last(68)] {
                event.nextTurn = event.nextTurn.adding(milliseconds: 1)
                events[last(68)] = .settlementOrdered(event)
            }
        case .margin:
            if case .outcomeDecided(var event) = events[last(65)] {
                event.margin += 1
                events[last(65)] = .outcomeDecided(event)
            }
        case .omitted: events.remove(at: last(69))
        case .unsigned, .stale:
            if case .voteCast(var event) = events[last(3)] {
                event.timestamp =
                    wrong == .stale ? Time(1) : event.timestamp.adding(milliseconds: 1)
                if wrong == .stale, let id = scenario.state.requestID(at: event.request) {
                    let key = Fixture.key(event.validator.rawValue)
                    event.signature =
                        VoteMessage(
                            request: id, validator: key.publicKey, vote: event.vote,
                            reason: event.reason, timestamp: event.timestamp, signature: .zero
                        ).signed(by: key, in: scenario.ledger).signature
                }
                events[last(3)] = .voteCast(event)
            }
        }
        return events
    }

    /// The case that the node keeps of a batch, where it keeps one.
    ///
    /// - Parameter meanwhile: Called once the node is open.
    func found(
        in batch: DecidedBatch, versions: ProgramVersions = Dispute.versions,
        meanwhile: (SimulatedDisk) -> Void = { _ in }
    ) throws -> DivergenceCase? {
        let host = try open(versions: versions)
        meanwhile(disk)
        do throws(HostError) {
            _ = try host.receive(
                PeerMessage.batch(batch).encoded, from: ValidatorIndex(0), at: instant)
        } catch {
            guard case .diverged(_, case: let path?) = error else { throw error }
            return try CaseFile.load(path, disk: disk)
        }
        try host.close()
        return nil
    }

    /// A case of a node whose memory failed before the batch: one that its own ledger does not
    /// give.
    func foundAfterFailedMemory(
        _ batch: DecidedBatch, _ random: inout SplitMix64
    ) throws -> DivergenceCase {
        for _ in 0..<1_000 {
            if let found = try foundWithFlippedBit(batch, &random) { return found }
        }
        fatalError("no bit of a thousand made the node come apart")
    }

    /// The same after one bit; nil where the batch goes through all the same.
    private func foundWithFlippedBit(
        _ batch: DecidedBatch, _ random: inout SplitMix64
    ) throws -> DivergenceCase? {
        let snapshot = before.state.snapshot()
        var fixed = snapshot.fixed
        fixed[Int.random(in: fixed.indices, using: &random)] ^=
            1 << UInt8.random(in: 0..<8, using: &random)
        let state: LedgerState
        do {
            state = try LedgerState(
                unverified: StateSnapshot(fixed: fixed, records: snapshot.records))
        } catch { return nil }
        guard state.ledger == before.state.ledger, state.size == before.state.size,
            state.height == before.state.height
        else { return nil }
        let checked = Self.adopting(state, like: before.state)
        do throws(DecidedBatchFault) {
            _ = try batch.replayed(on: checked, before.frontier, threshold: Self.threshold)
            return nil
        } catch {
            guard case .diverged(let divergence) = error else { return nil }
            var found = DivergenceCase(
                divergence, batch, on: checked, before.frontier, seal: lastSeal(),
                validator: Fixture.key(Self.own).publicKey, versions: Self.versions,
                time: instant.time)
            found.derive(
                again: .sameProcess, ledgerDirectory: "\(Self.directory)/ledger", disk: disk,
                versions: Self.versions)
            return found
        }
    }

    /// A state that was made of records, with the trees of these.
    private static func adopting(_ state: LedgerState, like other: LedgerState) -> LedgerState {
        var state = state
        let trees = state.snapshot().records.map { $0.frontier() }
        do { try state.verify(trees: trees, components: other.componentRoots()) } catch {
            // It has other roots: that is what is wrong with it.
        }
        return state
    }

    private func lastSeal() -> DivergenceCase.LastSeal? {
        let events = scenario.log.prefix(Int(before.state.size))
        guard let seal = events.last else { return nil }
        var frontier = MerkleFrontier()
        for event in events.dropLast() { frontier.append(leaf: event.encoded) }
        return DivergenceCase.LastSeal(before: frontier, entry: EntryBytes(seal.encoded))
    }
}
