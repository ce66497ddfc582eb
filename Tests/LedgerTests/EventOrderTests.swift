// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("order of events")
struct EventOrderTests {
    @Test("batch 0 is the opening and the seal")
    func batchZero() throws {
        let scenario = try LedgerScenario()
        #expect(scenario.log.kinds == ["ledgerOpened", "batchSealed"])
        #expect(scenario.ledger.digest == Digest(hashing: scenario.log[0].encoded))
        #expect(scenario.state.height == Height(0))
    }

    @Test("a batch with decay and jobs: opening, days, assignments by index")
    func decayThenJobs() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        try scenario.send(.job(scenario.job(1)))
        try scenario.send(.job(scenario.job(2)))
        try scenario.seal()
        let events = try scenario.open(after: 2 * 86_400_000)
        #expect(
            events.kinds == [
                "batchOpened", "reputationDecayed", "reputationDecayed", "jobAssigned",
                "jobAssigned",
            ])
        let day = scenario.state.time.day
        #expect(events[1] == .reputationDecayed(ReputationDecayed(day: day - 1)))
        #expect(events[2] == .reputationDecayed(ReputationDecayed(day: day)))
        guard case .jobAssigned(let first) = events[3], case .jobAssigned(let second) = events[4]
        else { return }
        #expect(first.job < second.job)
        #expect(first.validators.count == 3)
        #expect(first.deadline == scenario.state.time.adding(milliseconds: 30_000))
    }

    @Test("a request is followed by its round")
    func requestThenRound() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let entry = EntryIndex(scenario.state.size)
        let events = try scenario.send(.request(scenario.request()))
        #expect(events.kinds == ["requestSubmitted", "roundOpened"])
        guard case .roundOpened(let round) = events[1] else { return }
        #expect(round.request == entry)
        #expect(round.threshold == 3)
        #expect(round.deadline == scenario.state.time.adding(milliseconds: 30_000))
        #expect(round.pinnedSet == scenario.state.openRound(at: entry)?.pinned.digest)
    }

    @Test("an approval: outcome, nullifiers, order, then each conflicting request by index")
    func approvalWithConflicts() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let first = try scenario.submit(nullifier: 5)
        let second = try scenario.submit(nullifier: 5)
        let third = try scenario.submit(nullifier: 5)
        let other = try scenario.submit(nullifier: 6)
        try scenario.cast(0, .approve, on: second)
        try scenario.cast(1, .reject, on: second)
        try scenario.approve(0..<2, third)
        let deciding = EntryIndex(scenario.state.size + 1)
        try scenario.cast(2, .approve, on: second)
        let events = try scenario.cast(2, .approve, on: third)
        #expect(
            events.kinds == [
                "voteCast", "outcomeDecided", "nullifierSpent", "settlementOrdered",
                "outcomeDecided", "roundClosed", "outcomeDecided", "disagreementRecorded",
                "roundClosed",
            ])
        for (place, id) in [(4, first), (6, second)] {
            guard case .outcomeDecided(let decided) = events[place] else { continue }
            #expect(decided.request == scenario.state.entry(of: id))
            #expect(decided.reason == .nullifierSpent)
            #expect(decided.outcome == .rejected)
            #expect(decided.deciding == deciding)
        }
        #expect(scenario.decision(second)?.approvals == 2)
        #expect(scenario.decision(second)?.margin == -1)
        #expect(scenario.decision(other) == nil)
        #expect(scenario.state.openRounds.count == 2)
    }

    @Test("several nullifiers are spent in the order of the request")
    func severalNullifiers() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let circuit = Fixture.circuit(
            "two", [.nullifier, .root, .nullifier, .negatedAmount, .recipient, .free])
        try scenario.send(.governance(scenario.change(.circuitRegistered(circuit))))
        try scenario.send(
            .governance(
                scenario.change(.rootPublished(circuit: CircuitIndex(1), root: Fixture.root))))
        let one = Fixture.element(9)
        let two = Fixture.element(3)
        let request = scenario.request(amount: 0) { message in
            message.circuit = circuit.id
            message.nullifiers = [one, two]
            message.publicInputs = [
                one, Fixture.root, two, Fixture.element(0), message.recipient, Fixture.element(8),
            ]
        }
        try scenario.send(.request(request))
        let events = try scenario.approve(0..<3, request.id(in: scenario.ledger))
        let spent = events.compactMap { event in
            if case .nullifierSpent(let event) = event { event.nullifier } else { nil }
        }
        #expect(spent == [one, two])
    }

    @Test("with all votes in, the round closes at once, after its decision and conflicts")
    func allVotesIn() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit(nullifier: 5)
        _ = try scenario.submit(nullifier: 5)
        try scenario.cast(3, .reject, on: request)
        try scenario.approve(0..<2, request)
        let events = try scenario.cast(2, .approve, on: request)
        #expect(
            events.kinds == [
                "voteCast", "outcomeDecided", "nullifierSpent", "settlementOrdered",
                "outcomeDecided", "roundClosed", "disagreementRecorded",
                "reputationChanged", "reputationChanged", "reputationChanged",
                "reputationChanged", "reputationChanged", "reputationChanged",
                "reputationChanged", "roundClosed",
            ])
        let causes = events.compactMap { event -> [UInt16]? in
            guard case .reputationChanged(let change) = event else { return nil }
            return [change.validator.rawValue, UInt16(change.cause.rawValue)]
        }
        #expect(causes == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [3, 2]])
        #expect(
            events.contains(
                .disagreementRecorded(
                    DisagreementRecorded(
                        about: scenario.state.entry(of: request) ?? EntryIndex(0),
                        sides: [
                            Side(validators: [0, 1, 2].map(ValidatorIndex.init)),
                            Side(validators: [ValidatorIndex(3)]), Side(validators: []),
                        ]))))
    }

    @Test("rounds and jobs that are due close in order of log index, after the commands")
    func deadlines() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let first = try scenario.submit()
        try scenario.send(.job(scenario.job()))
        let second = try scenario.submit()
        try scenario.next()
        try scenario.next(after: 30_000)
        try scenario.cast(0, .approve, on: first)
        let events = try scenario.seal()
        let missed = ["reputationChanged"]
        let all = ["reputationChanged", "reputationChanged", "reputationChanged"]
        #expect(
            events.kinds == ["outcomeDecided"] + all + ["roundClosed"]
                + ["jobDecided"] + all + ["roundClosed"]
                + ["outcomeDecided"] + all + missed + ["roundClosed", "batchSealed"])
        #expect(scenario.decision(first)?.outcome == .timedOut)
        #expect(scenario.decision(first)?.approvals == 1)
        #expect(scenario.decision(second)?.deciding == scenario.state.batchEntry)
        #expect(scenario.state.unfinishedCount == 0)
    }

    @Test("a settlement that failed releases the nullifiers; one that settled does not")
    func settlements() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let failed = try scenario.submit(nullifier: 5)
        let settled = try scenario.submit(nullifier: 6)
        try scenario.approve(0..<3, failed)
        try scenario.approve(0..<3, settled)
        #expect(scenario.state.pendingSettlements.count == 2)
        let one = try scenario.send(.settlement(scenario.settlement(failed, .failed)))
        let two = try scenario.send(.settlement(scenario.settlement(settled, .settled)))
        #expect(one.kinds == ["settlementReported", "nullifierReleased"])
        #expect(two.kinds == ["settlementReported"])
        #expect(scenario.state.condition(of: Fixture.element(5))?.isSpent == false)
        #expect(scenario.state.condition(of: Fixture.element(6))?.isSpent == true)
        #expect(scenario.state.pendingSettlements.isEmpty)
    }

    @Test("evidence convicts and costs at once")
    func evidence() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let approval = scenario.vote(1, .approve, on: request)
        let rejection = scenario.vote(1, .reject, on: request)
        let entry = EntryIndex(scenario.state.size)
        let events = try scenario.send(scenario.evidence(1, approval, rejection))
        #expect(events.kinds == ["evidenceSubmitted", "equivocationFound", "reputationChanged"])
        #expect(
            events[2]
                == .reputationChanged(
                    ReputationChanged(
                        validator: ValidatorIndex(1), cause: .equivocation, about: entry,
                        before: Reputation(1_000_000), after: Reputation(950_000))))
        #expect(scenario.state.convictionCount == 1)
    }

    @Test("each change of governance is one entry and takes effect at once")
    func governance() throws {
        var scenario = try LedgerScenario(.of(5, 5))
        try scenario.open()
        let stranger = Fixture.key(5).publicKey
        var parameters = scenario.state.parameters
        parameters.verificationMilliseconds = 1
        let circuit = Fixture.circuit("other", [.root, .nullifier, .externalDataHash])
        let changes: [Change] = [
            .validatorJoined(key: stranger, name: "newcomer", stake: Stake(7)),
            .stakeChanged(key: stranger, stake: Stake(8)),
            .validatorLeft(key: stranger),
            .parametersChanged(parameters),
            .circuitRegistered(circuit),
            .rootPublished(circuit: CircuitIndex(1), root: Fixture.element(1)),
            .submitterListed(key: stranger, name: "newcomer", quota: 3),
        ]
        for (number, change) in changes.enumerated() {
            #expect(scenario.state.nextChange == UInt64(number))
            let events = try scenario.send(.governance(scenario.change(change)))
            #expect(events.kinds == ["governanceApproved"])
            if number == 0 { #expect(scenario.state.members.count == 6) }
        }
        #expect(scenario.state.members.count == 5)
        #expect(scenario.state.validators[5].stake == Stake(8))
        #expect(scenario.state.validators[5].isMember == false)
        #expect(scenario.state.parameters == parameters)
        #expect(scenario.state.isPublished(Fixture.element(1), for: CircuitIndex(1)))
        #expect(scenario.state.submitterIndex(of: stranger) == SubmitterIndex(1))
    }
}
