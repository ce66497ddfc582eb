// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Forensics
import Ledger
import Replication

/// A batch that T validators signed, right or wrong, and the ledger before it.
struct SignedBatch {
    let state: LedgerState
    let frontier: MerkleFrontier
    let end: SealedEnd
    let batch: DecidedBatch
    let ledger: LedgerID
    /// The entries before the batch.
    let log: [Event]

    /// Has these events signed after what a scenario holds, whose last batch is sealed.
    init(_ events: [Event], after scenario: LedgerScenario) {
        self.init(events, after: scenario.log, scenario.state, scenario.frontier)
    }

    private init(
        _ events: [Event], after log: [Event], _ state: LedgerState, _ frontier: MerkleFrontier
    ) {
        self.log = log
        self.state = state
        self.frontier = frontier
        ledger = state.ledger
        var before = MerkleFrontier()
        for event in log.dropLast() { before.append(leaf: event.encoded) }
        end = SealedEnd(subtrees: before.subtrees, seal: log.last.map(\.encoded) ?? [])
        var grown = frontier
        for event in events { grown.append(leaf: event.encoded) }
        batch = Dispute.decided(
            events, height: Height(state.height.rawValue + 1), root: grown.root, in: ledger)
    }

    /// The file that this makes, with another excerpt of the state where one is given.
    func file(_ excerpt: StateExcerpt? = nil) -> EvidenceFile {
        let charge =
            excerpt.map { RefutedBatch(on: $0, end, batch: batch) }
            ?? RefutedBatch(on: state, frontier, end, batch: batch)
        return EvidenceFile(ledger: ledger, charge: .refutedBatch(charge))
    }

    /// The excerpt that a node keeps, with other records of a component.
    func excerpt(
        _ component: StateComponent, _ change: (inout [[UInt8]]) -> Void
    ) -> StateExcerpt {
        let honest = state.excerpt(for: batch.events)
        var records = honest.records
        if let place = StateSnapshot.grown.firstIndex(of: component) { change(&records[place]) }
        return StateExcerpt(fixed: honest.fixed, trees: honest.trees, records: records)
    }
}

extension SignedBatch {
    /// A ledger in which two requests have been approved, one is paid, and another waits for votes.
    private static func base() throws -> LedgerScenario {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let requests = try [6, 7].map { try scenario.submit(nullifier: $0) }
        for request in requests {
            try scenario.approve(0..<CulpritLedgers.validators, request)
        }
        try scenario.next()
        try scenario.send(.settlement(scenario.settlement(requests[0], .settled)))
        _ = try scenario.submit(nullifier: 8)
        try scenario.seal()
        return scenario
    }

    /// A batch that takes a request whose nullifier is spent, or whose root nobody has published.
    static func takingWhatIsRefused(_ refusal: Refusal) throws -> SignedBatch {
        var scenario = try base()
        let root = refusal == .unknownRoot ? Fixture.element(999) : Fixture.root
        let request = scenario.request(nullifier: refusal == .nullifierSpent ? 7 : 9) {
            $0.publicInputs[0] = root
        }
        let submitted = RequestSubmitted(
            circuit: CircuitIndex(0), nullifiers: request.nullifiers, amount: request.amount,
            recipient: request.recipient, proof: request.proof,
            publicInputs: request.publicInputs, timestamp: request.timestamp,
            submitter: SubmitterIndex(0), signature: request.signature)
        return try signed([.requestSubmitted(submitted)], after: scenario)
    }

    /// A batch that refuses a request, for a reason that does not hold.
    static func refusingWhatIsTaken(_ refusal: Refusal) throws -> SignedBatch {
        var scenario = try base()
        let request = scenario.request(nullifier: 9)
        return try signed(
            [.messageRefused(MessageRefused(message: .request(request), refusal: refusal))],
            after: scenario)
    }

    /// A batch of honest validators: a request, a vote on an open one, and a refused one.
    static func honest() throws -> SignedBatch {
        var scenario = try base()
        var grown = scenario
        let request = grown.request(nullifier: 7)
        let waiting = scenario.state.openRounds.first.flatMap { scenario.state.requestID(at: $0) }
        try grown.open()
        _ = try grown.submit(nullifier: 9)
        if let waiting { try grown.cast(1, .approve, on: waiting) }
        try grown.record(.request(request))
        try grown.seal()
        scenario = try base()
        return SignedBatch(Array(grown.log[scenario.log.count...]), after: scenario)
    }

    /// The same with a vote that was counted otherwise.
    static func wrongWithoutRecords() throws -> SignedBatch {
        let honest = try honest()
        var events = honest.batch.events
        for place in events.indices {
            guard case .roundOpened(var round) = events[place] else { continue }
            round.deadline = round.deadline.adding(milliseconds: 1)
            events[place] = .roundOpened(round)
        }
        return SignedBatch(events, after: try base())
    }

    /// A batch that nobody has opened, in a ledger that has spent so many nullifiers.
    static func unopened(nullifiers: UInt64) throws -> SignedBatch {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        var (state, frontier, log) = (scenario.state, scenario.frontier, scenario.log)
        func add(_ event: Event) throws {
            let entry = Entry(event)
            try state.apply(entry)
            frontier.append(leafHash: entry.leafHash)
            log.append(event)
        }
        for number in 0..<nullifiers {
            try add(
                .nullifierSpent(
                    NullifierChanged(request: EntryIndex(0), nullifier: Fixture.element(number))))
        }
        let components = state.componentRoots()
        try add(
            .batchSealed(
                BatchSealed(
                    height: state.height, size: state.size, root: frontier.root,
                    stateRoot: StateRoot.combined(components), components: components)))
        return SignedBatch(
            [.reputationDecayed(ReputationDecayed(day: 1))], after: log, state, frontier)
    }

    /// Signs inputs between an opening and a seal that nobody looks at.
    private static func signed(
        _ inputs: [Event], after scenario: LedgerScenario
    ) throws -> SignedBatch {
        var twin = scenario
        let opened = try twin.open()
        let sealed = try twin.seal()
        return SignedBatch(opened + inputs + sealed, after: scenario)
    }
}
