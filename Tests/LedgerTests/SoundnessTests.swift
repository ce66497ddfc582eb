// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("what is believed of each component")
struct SoundnessTests {
    /// What is found wrong with a state; nil where it is sound.
    private static func fault(of state: LedgerState) -> Unsoundness? {
        do throws(Unsoundness) {
            try state.checkSoundness()
            try state.checkRecords()
            return nil
        } catch { return error }
    }

    /// A ledger with a request that was approved, one rejected, one open, and a job.
    private struct Ledger {
        let scenario: LedgerScenario
        let approved: EntryIndex
        let rejected: EntryIndex
        let open: EntryIndex

        init() throws {
            var scenario = try LedgerScenario(.of(4, 3, signs: false))
            try scenario.open()
            let ids = try (0..<3).map { _ in try scenario.submit() }
            try scenario.send(.job(scenario.job()))
            try scenario.approve(0..<4, ids[0])
            try scenario.reject(0..<4, ids[1])
            try scenario.cast(0, .approve, on: ids[2])
            let state = scenario.state
            let entries = try ids.map { try #require(state.entry(of: $0)) }
            (approved, rejected, open) = (entries[0], entries[1], entries[2])
            try scenario.next()
            try scenario.seal()
            self.scenario = scenario
        }

        /// What is found after these events, which no rules gave, in a batch of their own.
        func fault(
            _ events: [Event], opening change: (inout BatchOpened) -> Void = { _ in }
        ) throws -> Unsoundness? {
            var state = scenario.state
            var opened = scenario.opening(at: state.time.adding(milliseconds: 1)).event
            change(&opened)
            let seal = BatchSealed(
                height: opened.height, size: 0, root: .zero, stateRoot: .zero, components: [])
            for event in [.batchOpened(opened)] + events + [.batchSealed(seal)] {
                try state.apply(Entry(event))
            }
            return SoundnessTests.fault(of: state)
        }
    }

    private static func decided(
        _ request: EntryIndex, _ outcome: Outcome = .approved, approvals: UInt16 = 3
    ) -> Event {
        .outcomeDecided(
            OutcomeDecided(
                request: request, outcome: outcome, reason: .quorumApproved, approvals: approvals,
                rejections: 0, abstentions: 0, deciding: EntryIndex(request.rawValue + 2),
                margin: Int32(approvals) - 3, time: Time(1)))
    }

    @Test("a ledger that the rules gave is sound")
    func sound() throws {
        let ledger = try Ledger()
        #expect(try ledger.fault([]) == nil)
        #expect(Self.fault(of: ledger.scenario.state) == nil)
    }

    @Test("a nullifier that is spent by a request that nobody approved")
    func spentUnapproved() throws {
        let ledger = try Ledger()
        let nullifier = Fixture.element(77)
        for request in [ledger.rejected, ledger.open, ledger.approved] {
            let event = Event.nullifierSpent(
                NullifierChanged(request: request, nullifier: nullifier))
            let found = try ledger.fault([event])
            #expect(found?.component == .nullifiers, "\(found as Any)")
        }
    }

    @Test("a nullifier that is released though nothing failed, or spent twice")
    func releasedAndSpentTwice() throws {
        let ledger = try Ledger()
        let state = ledger.scenario.state
        let nullifier = try #require(state.decided(at: ledger.approved)?.nullifiers.first)
        let change = NullifierChanged(request: ledger.approved, nullifier: nullifier)
        let released = try ledger.fault([.nullifierReleased(change)])
        #expect(released?.component == .nullifiers)
        #expect(released?.belief.contains("failure") == true)
        let twice = try ledger.fault([.nullifierSpent(change)])
        #expect(twice?.component == .nullifiers)
        #expect(twice?.belief.contains("while it is not") == true)
    }

    @Test("a payment of a request that is rejected")
    func paidUnapproved() throws {
        let ledger = try Ledger()
        let order = SettlementOrdered(
            request: ledger.rejected, recipient: .zero, amount: Amount(1),
            leader: ValidatorIndex(0), nextTurn: Time(1))
        let found = try ledger.fault([.settlementOrdered(order)])
        #expect(found?.component == .outbox)
        #expect(found?.belief.contains("approved") == true)
    }

    @Test("an approval without T votes, with more votes than voters, and one that nobody pays")
    func decisions() throws {
        let ledger = try Ledger()
        let few = try ledger.fault([Self.decided(ledger.open)])
        #expect(few?.component == .rounds)
        #expect(few?.belief.contains("votes that were cast") == true)
        let many = try ledger.fault([Self.decided(ledger.open, approvals: 9)])
        #expect(many?.belief.contains("no more votes than voters") == true)
        let odd = try ledger.fault([Self.decided(ledger.open, .rejected)])
        #expect(odd?.belief.contains("by a quorum and nothing else") == true)
        let votes = (1..<3).map { validator in
            Event.voteCast(
                VoteCast(
                    request: ledger.open, validator: ValidatorIndex(UInt16(validator)),
                    vote: .approve, reason: .unspecified, timestamp: Time(0), signature: .zero))
        }
        let unpaid = try ledger.fault(votes + [Self.decided(ledger.open)])
        #expect(unpaid?.component == .outcomes)
        #expect(unpaid?.belief.contains("paid where it is approved") == true)
    }

    @Test("a conviction that stands twice, or of nobody")
    func convictions() throws {
        let ledger = try Ledger()
        let event = Event.equivocationFound(
            EquivocationFound(validator: ValidatorIndex(1), slot: .vote(ledger.approved)))
        #expect(try ledger.fault([event]) == nil)
        #expect(try ledger.fault([event, event])?.component == .evidence)
        let stranger = EquivocationFound(validator: ValidatorIndex(9), slot: .vote(ledger.open))
        #expect(try ledger.fault([.equivocationFound(stranger)])?.component == .evidence)
        let nothing = EquivocationFound(
            validator: ValidatorIndex(1), slot: .vote(EntryIndex(1)))
        #expect(try ledger.fault([.equivocationFound(nothing)])?.component == .evidence)
    }

    @Test("a job that more run than may, or that is left unassigned")
    func jobs() throws {
        let ledger = try Ledger()
        let message = JobSubmitted(
            module: .zero, input: .zero, moduleBytes: 1, inputBytes: 1, fuel: 1, memoryBytes: 1,
            milliseconds: 0, engine: "e", engineVersion: "1", timestamp: Time(0),
            submitter: SubmitterIndex(0), signature: .zero)
        let entry = EntryIndex(ledger.scenario.state.size + 1)
        let assigned = JobAssigned(
            job: entry, validators: (0..<4).map { ValidatorIndex($0) }, deadline: Time(1))
        let found = try ledger.fault([.jobSubmitted(message), .jobAssigned(assigned)])
        #expect(found?.component == .jobs)
        #expect(found?.belief.contains("run by a few") == true)
        let decided = JobDecided(
            job: entry, decision: .timedOut, status: JobStatus(.abstained), output: .zero,
            deciding: EntryIndex(0), time: Time(1))
        let early = try ledger.fault([.jobSubmitted(message), .jobDecided(decided)])
        #expect(early?.belief.contains("decided after it came") == true)
    }

    @Test("a batch that follows nothing")
    func time() throws {
        let ledger = try Ledger()
        let found = try ledger.fault([]) { $0.previousRoot = .zero }
        #expect(found?.component == .time)
    }

    // MARK: Made-up snapshots

    /// The state of a snapshot whose fixed part has these bytes in the place of those, and what is
    /// found wrong with it, by itself and where its roots are those of the seal.
    private static func faults(
        _ state: LedgerState, replacing old: [UInt8], with new: [UInt8]
    ) throws -> (Unsoundness?, SnapshotError?) {
        let snapshot = state.snapshot()
        var fixed = snapshot.fixed
        let place = try #require(
            fixed.indices.first { Array(fixed[$0...].prefix(old.count)) == old })
        fixed.replaceSubrange(place..<place + old.count, with: new)
        let changed = StateSnapshot(fixed: fixed, records: snapshot.records)
        var restored = try LedgerState(unverified: changed)
        let trees = changed.records.map { $0.frontier() }
        #expect(throws: SnapshotError.self) {
            try restored.verify(trees: trees, components: [])
        }
        let found = fault(of: restored)
        do throws(SnapshotError) {
            try restored.verify(trees: trees, components: restored.componentRoots())
            return (found, nil)
        } catch { return (found, error) }
    }

    private static let parts: [(StateComponent, String, String)] = [
        (.validators, "party-1", "Party-1"), (.submitters, "submitter", "Submitter"),
        (.circuits, "withdraw", "Withdraw"),
    ]

    @Test(
        "a made-up snapshot is refused by component and belief, whatever its roots are",
        arguments: parts)
    func names(_ component: StateComponent, _ old: String, _ new: String) throws {
        let state = try LedgerScenario(.of(4, 3, signs: false)).state
        let (found, error) = try Self.faults(
            state, replacing: Array(old.utf8), with: Array(new.utf8))
        let unsound = try #require(found)
        #expect(unsound.component == component)
        #expect(error == .unsound(unsound))
    }

    @Test("a snapshot of a ledger without identity, or without leaders")
    func identityAndLeaders() throws {
        let state = try LedgerScenario(.of(4, 3, signs: false)).state
        let zero = [UInt8](repeating: 0, count: 32)
        let (found, _) = try Self.faults(state, replacing: state.ledger.digest.bytes, with: zero)
        #expect(found?.component == .parameters)
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        try scenario.open()
        try scenario.seal()
        let history = scenario.state.leaderHistory
        var old = BorshWriter()
        old.write(history.count)
        old.write(UInt32(history.frontier.subtrees.count))
        for subtree in history.frontier.subtrees { old.write(subtree) }
        let none = [UInt8](repeating: 0, count: 12)
        #expect(
            try Self.faults(scenario.state, replacing: old.bytes, with: none).0?.component
                == .leaders)
    }

    @Test("records of one root twice, and of a report before its order")
    func records() throws {
        let state = try LedgerScenario(.of(4, 3, signs: false)).state
        let snapshot = state.snapshot()
        var records = snapshot.records
        let chunk = records[0].chunks[0]
        records[0] = try RecordStore(count: 2, chunks: [chunk + chunk], of: "roots")
        let restored = try LedgerState(
            unverified: StateSnapshot(fixed: snapshot.fixed, records: records))
        #expect(Self.fault(of: restored)?.component == .roots)
        // Orders and reports in another order, which the table of places refuses at once.
        var scenario = try Ledger().scenario
        let pending = try #require(scenario.state.pendingSettlements.first)
        let request = try #require(scenario.state.requestID(at: pending))
        try scenario.open()
        try scenario.send(.settlement(scenario.settlement(request, .settled)))
        try scenario.seal()
        let paid = scenario.state.snapshot()
        let outbox = try #require(paid.records.last)
        let order = 2 + outbox.all[0].count
        let bytes = outbox.chunks[0]
        var swapped = paid.records
        swapped[5] = try RecordStore(
            count: 2, chunks: [Array(bytes[order...] + bytes[..<order])], of: "outbox")
        #expect(throws: SnapshotError.malformed(part: "outbox")) {
            try LedgerState(unverified: StateSnapshot(fixed: paid.fixed, records: swapped))
        }
    }
}
