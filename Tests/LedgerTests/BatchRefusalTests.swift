// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("refusals of batches, jobs, settlements, evidence and records")
struct BatchRefusalTests {
    @Test("commands out of place")
    func places() throws {
        let empty = LedgerState()
        var scenario = try LedgerScenario()
        let opening = scenario.checked(scenario.opening(at: Time(.max)))
        func refusal(_ command: Command) -> Refusal? {
            do throws(Refusal) {
                _ = try empty.decide(command)
                return nil
            } catch { return error }
        }
        #expect(refusal(.openBatch(opening, root: .zero)) == .ledgerNotOpened)
        #expect(refusal(.seal(size: 0, root: .zero)) == .ledgerNotOpened)
        #expect(refusal(.closeDue) == .noBatch)
        #expect(scenario.refusal(.openLedger(Fixture.opened(Setup()))) == .ledgerOpened)
        #expect(scenario.refusal(.closeDue) == .noBatch)
        #expect(scenario.refusal(.seal(size: 0, root: .zero)) == .noBatch)
        try scenario.open()
        #expect(scenario.refusal(.openBatch(opening, root: .zero)) == .batchOpen)
        #expect(scenario.refusal(.openLedger(Fixture.opened(Setup()))) == .ledgerOpened)
        #expect(
            scenario.refusal(.seal(size: scenario.state.size + 1, root: .zero)) == .wrongSize)
        _ = try scenario.submit()
        try scenario.next(after: 30_000)
        #expect(scenario.refusal(.seal(size: 0, root: .zero)) == .deadlinesDue)
    }

    @Test("openings: height, time, days, proposer, root, precommits, in that order")
    func openings() throws {
        typealias Fault = (Refusal, (inout BatchOpened) -> Void)
        let scenario = try LedgerScenario()
        let faults: [Fault] = [
            (.wrongHeight, { $0.height = Height(2) }),
            (.timeNotLater, { $0.time = scenario.state.time }),
            (.wrongProposer, { $0.round = 1 }),
            (.wrongPreviousRoot, { $0.previousRoot = .zero }),
            (.wrongPrecommits, { $0.precommitRound = 1 }),
        ]
        func refusal(_ change: (inout BatchOpened) -> Void) -> Refusal? {
            let time = scenario.state.time.adding(milliseconds: 1)
            let opening = scenario.opening(at: time, change: change)
            return scenario.refusal(
                .openBatch(Checked(unchecked: opening), root: scenario.frontier.root))
        }
        #expect(refusal { _ in } == nil)
        for (place, early) in faults.enumerated() {
            for late in faults[place...] {
                let told = refusal { event in
                    late.1(&event)
                    early.1(&event)
                }
                #expect(told == early.0, "\(early.0) before \(late.0)")
            }
        }
        #expect(refusal { ($0.time, $0.round) = (Time(.max), 1) } == .tooManyDays)
        #expect(refusal { ($0.time, $0.height) = (Time(.max), Height(0)) } == .wrongHeight)
        let precommit = IndexedSignature(validator: ValidatorIndex(0), signature: .zero)
        #expect(refusal { $0.precommits = [precommit] } == .wrongPrecommits)
    }

    @Test("every round's own proposer opens, and no other")
    func proposers() throws {
        let scenario = try LedgerScenario()
        let time = scenario.state.time.adding(milliseconds: 1)
        let ranking = scenario.state.proposerRanking(height: Height(1))
        #expect(Set(ranking).count == 4)
        for round in 0..<9 as Range<UInt32> {
            for proposer in ranking {
                let opening = scenario.opening(at: time, round: round) { $0.proposer = proposer }
                let refusal = scenario.refusal(
                    .openBatch(scenario.checked(opening), root: scenario.frontier.root))
                let right = ranking[Int(round) % 4] == proposer
                #expect(refusal == (right ? nil : .wrongProposer))
            }
        }
    }

    @Test("a replicated ledger needs exactly T precommits, by index, of those that could order")
    func precommits() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        #expect(scenario.log.last.map { $0.kind } == "batchOpened")
        try scenario.seal()
        func refusal(_ change: (inout [IndexedSignature]) -> Void) -> Refusal? {
            let time = scenario.state.time.adding(milliseconds: 1)
            let opening = scenario.opening(at: time) { change(&$0.precommits) }
            return scenario.refusal(
                .openBatch(Checked(unchecked: opening), root: scenario.frontier.root))
        }
        let extra = IndexedSignature(validator: ValidatorIndex(3), signature: .zero)
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0 = [] } == .wrongPrecommits)
        #expect(refusal { $0.removeLast() } == .wrongPrecommits)
        #expect(refusal { $0.append(extra) } == .wrongPrecommits)
        #expect(refusal { $0.swapAt(0, 1) } == .wrongPrecommits)
        #expect(refusal { $0[1] = $0[0] } == .wrongPrecommits)
        #expect(refusal { $0[2].validator = ValidatorIndex(9) } == .wrongPrecommits)
        try scenario.open()
        guard case .batchOpened(let event)? = scenario.log.last else { return }
        #expect(event.precommits.count == 3)
        var forged = scenario.state.opening(of: event)
        #expect(forged?.isSigned(in: scenario.ledger) == true)
        var changed = event
        changed.precommits[1].signature = .zero
        forged = scenario.state.opening(of: changed)
        #expect(forged?.isSigned(in: scenario.ledger) == false)
        changed.precommits[1].validator = ValidatorIndex(77)
        #expect(scenario.state.opening(of: changed) == nil)
    }

    @Test("jobs and results: every limit, and the order of refusals")
    func jobs() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let bounds = scenario.state.parameters
        let edges: [(Refusal?, (inout JobMessage) -> Void)] = [
            (nil, { _ in }), (.malformedJob, { $0.fuel = 0 }),
            (.malformedJob, { $0.memoryBytes = 0 }), (.malformedJob, { $0.moduleBytes = 0 }),
            (nil, { $0.inputBytes = 0 }),
            (nil, { $0.fuel = bounds.jobFuelMax }),
            (.jobOverBounds, { $0.fuel = bounds.jobFuelMax + 1 }),
            (nil, { $0.memoryBytes = bounds.jobMemoryBytesMax }),
            (.jobOverBounds, { $0.memoryBytes = bounds.jobMemoryBytesMax + 1 }),
            (nil, { $0.inputBytes = bounds.jobInputBytesMax }),
            (.jobOverBounds, { $0.inputBytes = bounds.jobInputBytesMax + 1 }),
            (nil, { $0.moduleBytes = bounds.jobModuleBytesMax }),
            (.jobOverBounds, { $0.moduleBytes = bounds.jobModuleBytesMax + 1 }),
            (.jobDeadlineTooShort, { $0.milliseconds = 1 }),
            (.jobDeadlineTooShort, { $0.milliseconds = bounds.jobMillisecondsMin - 1 }),
            (nil, { $0.milliseconds = bounds.jobMillisecondsMin }),
            (.jobOverBounds, { ($0.milliseconds, $0.fuel) = (1, .max) }),
            (nil, { $0.milliseconds = 86_400_000 }),
            (.malformedJob, { $0.milliseconds = 86_400_001 }),
            (.malformedJob, { $0.engine = "" }),
            (.malformedJob, { $0.engine = String(repeating: "a", count: 65) }),
            (.malformedJob, { $0.engineVersion = String(repeating: "a", count: 65) }),
            (.unknownSubmitter, { ($0.submitter, $0.fuel) = (Fixture.key(250).publicKey, 0) }),
        ]
        for (expected, change) in edges {
            #expect(scenario.refusal(.job(scenario.job(change: change))) == expected)
        }
        let job = scenario.job()
        let id = job.id(in: scenario.ledger)
        let anyone = ValidatorIndex(0)
        try scenario.send(.job(job))
        #expect(scenario.refusal(.job(job)) == .alreadyRecorded)
        #expect(scenario.refusal(.result(scenario.result(anyone, id))) == .notAssigned)
        try scenario.next()
        let entry = try #require(scenario.state.entry(of: id))
        let drawn = try #require(scenario.state.job(at: entry)?.assigned?.validators)
        let spare = try #require((0..<4).map { ValidatorIndex($0) }.first { !drawn.contains($0) })
        func refusal(_ validator: ValidatorIndex, _ id: JobID, _ output: UInt8 = 9) -> Refusal? {
            scenario.refusal(.result(scenario.result(validator, id, output: output)))
        }
        #expect(refusal(ValidatorIndex(250), JobID(.zero)) == .unknownJob)
        #expect(refusal(ValidatorIndex(250), id) == .notAssigned)
        #expect(refusal(spare, id) == .notAssigned)
        try scenario.send(.result(scenario.result(drawn[0], id)))
        #expect(refusal(drawn[0], id) == .alreadyRecorded)
        #expect(refusal(drawn[0], id, 8) == .resultChanged)
        try scenario.next(after: 30_000)
        try scenario.next()
        #expect(refusal(spare, id) == .notAssigned)
        #expect(refusal(drawn[0], id) == .alreadyRecorded)
        #expect(refusal(drawn[0], id, 8) == .resultChanged)
        #expect(refusal(drawn[1], id) == .roundClosed)
    }

    @Test("settlements: bridge, request, order, earlier report, in that order")
    func settlements() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        func refusal(
            _ result: SettlementResult, _ id: RequestID, bridge: PublicKey? = nil
        ) -> Refusal? {
            var message = scenario.settlement(id, result)
            message.bridge = bridge ?? message.bridge
            return scenario.refusal(.settlement(message))
        }
        let stranger = Fixture.key(0).publicKey
        #expect(refusal(.settled, RequestID(.zero), bridge: stranger) == .notTheBridge)
        #expect(refusal(.settled, RequestID(.zero)) == .unknownRequest)
        #expect(refusal(.settled, request) == .notOrdered)
        try scenario.approve(0..<3, request)
        for (length, expected) in [(128, nil), (129, .oversized)] as [(Int, Refusal?)] {
            let reference = [UInt8](repeating: 1, count: length)
            let message = scenario.settlement(request, .settled, reference: reference)
            #expect(scenario.refusal(.settlement(message)) == expected)
        }
        try scenario.send(.settlement(scenario.settlement(request, .settled)))
        #expect(refusal(.settled, request) == .alreadyRecorded)
        #expect(refusal(.failed, request) == .settlementChanged)
        #expect(refusal(.failed, request, bridge: stranger) == .notTheBridge)
    }

    @Test("evidence: validator, request, contradiction, an earlier conviction, in that order")
    func evidence() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let nowhere = RequestID(.zero)
        func votes(_ id: RequestID, _ one: Vote, _ two: Vote, _ who: Int = 0) -> Refusal? {
            scenario.refusal(
                scenario.evidence(
                    who, scenario.vote(who, one, on: id), scenario.vote(who, two, on: id)))
        }
        #expect(votes(nowhere, .approve, .approve, 250) == .unknownValidator)
        #expect(votes(nowhere, .approve, .approve) == .unknownRequest)
        for (one, two) in [
            (.approve, .approve), (.reject, .reject), (.abstain, .approve), (.reject, .abstain),
            (.abstain, .abstain),
        ] as [(Vote, Vote)] {
            #expect(votes(request, one, two) == .noContradiction)
        }
        #expect(votes(request, .reject, .approve) == nil)
    }

    @Test("a refusal is recorded with its reason: a sender, its limit, then the refusal itself")
    func records() throws {
        var setup = Setup.of(4, 3)
        setup.parameters.refusalsPerMinute = 2
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        let request = try scenario.submit()
        let good = Message.vote(scenario.vote(0, .approve, on: request))
        let bad = Message.vote(scenario.vote(0, .approve, on: RequestID(.zero)))
        func refusal(_ message: Message) -> Refusal? {
            scenario.refusal(.recordRefusal(scenario.checked(message)))
        }
        #expect(refusal(good) == .notRefused)
        try scenario.send(good)
        #expect(refusal(good) == .notRefused)
        let change = Change.validatorLeft(key: Fixture.key(99).publicKey)
        #expect(refusal(.governance(scenario.change(change))) == .noSender)
        let events = try scenario.record(bad)
        #expect(
            events == [.messageRefused(MessageRefused(message: bad, refusal: .unknownRequest))])
        try scenario.record(bad)
        #expect(refusal(bad) == .refusalsExhausted)
        #expect(refusal(good) == .refusalsExhausted)
        #expect(refusal(.vote(scenario.vote(1, .approve, on: RequestID(.zero)))) == nil)
        try scenario.next(after: 60_000)
        #expect(refusal(bad) == nil)
        for (count, expected) in [(16, nil), (17, .oversized)] as [(Int, Refusal?)] {
            let long = scenario.request { message in
                message.nullifiers = (0..<UInt64(count)).map { Fixture.element($0) }
            }
            #expect(scenario.refusal(.request(long)) == .malformedInput)
            #expect(refusal(.request(long)) == expected)
        }
    }
}
