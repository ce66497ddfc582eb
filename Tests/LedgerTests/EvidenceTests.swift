// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("Evidence") struct EvidenceTests {
    private let a = Digest(hashing: [1])
    private let b = Digest(hashing: [2])

    /// A ledger whose batch `height` is open.
    private func opened(_ height: Int, _ setup: Setup = .of(4, 3)) throws -> LedgerScenario {
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        for _ in 1..<height { try scenario.next() }
        return scenario
    }

    @Test("two values in one slot convict, and for a proposal two valid rounds")
    func slots() throws {
        let scenario = try opened(7)
        let height = Height(7)
        for (slot, one, two, expected) in [
            (.proposal(height, round: 1), (a, -1), (b, -1), nil),
            (.proposal(height, round: 1), (a, -1), (a, 0), nil),
            (.proposal(height, round: 1), (a, 0), (a, 0), .noContradiction),
            (.prevote(height, round: 1), (a, -1), (b, 0), nil),
            (.prevote(height, round: 1), (a, -1), (nil, -1), nil),
            (.prevote(height, round: 1), (a, -1), (a, 0), .noContradiction),
            (.precommit(height, round: 1), (a, -1), (b, -1), nil),
            (.precommit(height, round: 1), (nil, -1), (nil, -1), .noContradiction),
            (.vote(EntryIndex(2)), (a, -1), (b, -1), .noContradiction),
            (.result(EntryIndex(2)), (a, -1), (b, -1), .noContradiction),
            (.settlement(EntryIndex(2)), (a, -1), (b, -1), .noContradiction),
        ] as [(Slot, (Digest?, Int64), (Digest?, Int64), Refusal?)] {
            #expect(scenario.refusal(scenario.evidence(0, slot, one, two)) == expected, "\(slot)")
        }
    }

    @Test("a precommit, and a later prevote of another value on an older ground, convict")
    func amnesia() throws {
        let scenario = try opened(7)
        for (precommit, prevote, locked, other, ground, isAmnesia) in [
            (2, 3, a, b, 1, true), (2, 9, a, b, -1, true), (0, 1, a, b, -1, true),
            (2, 9, a, b, .min, true), (2, 3, a, b, 2, false), (2, 9, a, b, 5, false),
            (2, 3, a, a, 1, false), (2, 2, a, b, 1, false), (3, 2, a, b, 1, false),
            (2, 3, nil, b, 1, false), (2, 3, a, nil, -1, false),
        ] as [(UInt32, UInt32, Digest?, Digest?, Int64, Bool)] {
            let slot = Slot.amnesia(Height(7), precommit: precommit, prevote: prevote)
            #expect(
                scenario.refusal(scenario.evidence(0, slot, (locked, -1), (other, ground)))
                    == (isAmnesia ? nil : .noContradiction),
                "\(precommit) \(prevote) \(ground)")
        }
    }

    @Test("the signatures of an amnesia are those of a precommit and of a prevote, in that order")
    func amnesiaSignatures() throws {
        let scenario = try opened(2)
        let slot = Slot.amnesia(Height(2), precommit: 0, prevote: 1)
        guard case .evidence(let right) = scenario.evidence(0, slot, (a, -1), (b, -1)) else {
            return
        }
        #expect(right.isSigned(in: scenario.ledger))
        var turned = right
        (turned.first, turned.second) = (right.second, right.first)
        #expect(!turned.isSigned(in: scenario.ledger))
        var moved = right
        moved.slot = .consensus(.amnesia(Height(2), precommit: 0, prevote: 2))
        #expect(!moved.isSigned(in: scenario.ledger))
    }

    @Test("heights that were not decided yet convict nobody; the one in progress does")
    func heights() throws {
        var scenario = try opened(3)
        func refusal(_ height: UInt64) -> Refusal? {
            scenario.refusal(
                scenario.evidence(0, .prevote(Height(height), round: 0), (a, -1), (b, -1)))
        }
        for height in [0, 4, 5, .max] as [UInt64] { #expect(refusal(height) == .notMember) }
        for height in [1, 2, 3] as [UInt64] { #expect(refusal(height) == nil) }
        try scenario.next()
        #expect(refusal(4) == nil && refusal(5) == .notMember)
    }

    @Test("one key convicts itself without end: heights at which it was no member convict nobody")
    func removedValidator() throws {
        var scenario = try opened(3, .of(5, 4))
        func refusal(_ height: UInt64, _ validator: Int = 4) -> Refusal? {
            scenario.refusal(
                scenario.evidence(
                    validator, .precommit(Height(height), round: 0), (a, -1), (b, -1)))
        }
        let key = Fixture.key(4).publicKey
        try scenario.send(.governance(scenario.change(.validatorLeft(key: key))))
        for _ in 4...9 { try scenario.next() }
        // It left in batch 3: batch 2 had it still, so it orders height 4, and none after it.
        for height in 1...4 as ClosedRange<UInt64> { #expect(refusal(height) == nil) }
        for height in 5...10 as ClosedRange<UInt64> { #expect(refusal(height) == .notMember) }
        try scenario.send(
            .governance(
                scenario.change(.validatorJoined(key: key, name: Fixture.name(4), stake: Stake(5))))
        )
        for _ in 10...12 { try scenario.next() }
        // It came back in batch 9, and orders from 11 on.
        #expect(refusal(10) == .notMember)
        for height in [4, 11, 12] as [UInt64] { #expect(refusal(height) == nil) }
        #expect(refusal(12, 7) == .unknownValidator)
        #expect(scenario.state.validators[4].terms.map(\.joined) == [Height(0), Height(9)])
        #expect(scenario.state.validators[4].terms.map(\.left) == [Height(3), nil])
    }

    @Test("of the times that a key was a validator the newest eight are known")
    func termsAreBounded() throws {
        var scenario = try opened(1, .of(5, 4))
        let key = Fixture.key(4).publicKey
        for _ in 0..<12 {
            try scenario.send(.governance(scenario.change(.validatorLeft(key: key))))
            try scenario.next()
            try scenario.send(
                .governance(
                    scenario.change(
                        .validatorJoined(key: key, name: Fixture.name(4), stake: Stake(5)))))
            try scenario.next()
        }
        let terms = scenario.state.validators[4].terms
        #expect(terms.count == Limits.termsMax)
        #expect(terms.last?.left == nil && terms.last?.joined == Height(24))
        #expect(terms.first?.joined == Height(10))
        #expect(
            scenario.refusal(
                scenario.evidence(4, .prevote(Height(1), round: 0), (a, -1), (b, -1)))
                == .notMember)
    }

    @Test("a height convicts a validator once of each kind, whatever the rounds and values")
    func oncePerKindAndHeight() throws {
        var scenario = try opened(3)
        let height = Height(2)
        func slots(_ round: UInt32) -> [Slot] {
            [
                .proposal(height, round: round), .prevote(height, round: round),
                .precommit(height, round: round),
                .amnesia(height, precommit: round, prevote: round + 1),
            ]
        }
        for slot in slots(1) {
            try scenario.send(scenario.evidence(0, slot, (a, -1), (b, -1)))
        }
        for slot in slots(1) + slots(5) {
            let again = scenario.evidence(0, slot, (b, -1), (a, -1))
            #expect(scenario.refusal(again) == .alreadyConvicted)
            #expect(scenario.refusal(scenario.evidence(1, slot, (a, -1), (b, -1))) == nil)
        }
        #expect(
            scenario.refusal(
                scenario.evidence(0, .prevote(Height(3), round: 1), (a, -1), (b, -1))) == nil)
        #expect(scenario.state.convictionCount == 4)
        #expect(scenario.reputation(0) == 800_000)
    }

    @Test("votes convict those that were pinned, once for each request")
    func votes() throws {
        var scenario = try opened(1, .of(5, 4))
        let key = Fixture.key(4).publicKey
        let request = try scenario.submit()
        func refusal(_ who: Int, on id: RequestID) -> Refusal? {
            scenario.refusal(
                scenario.evidence(
                    who, scenario.vote(who, .approve, on: id), scenario.vote(who, .reject, on: id)))
        }
        try scenario.send(.governance(scenario.change(.validatorLeft(key: key))))
        let later = try scenario.submit()
        #expect(refusal(4, on: request) == nil)
        #expect(refusal(4, on: later) == .notPinned)
        // Decided and closed they say the same.
        for id in [request, later] {
            try scenario.approve(0..<4, id)
        }
        try scenario.next(after: 40_000)
        try scenario.next()
        #expect(scenario.state.openRounds.isEmpty)
        #expect(refusal(4, on: request) == nil && refusal(4, on: later) == .notPinned)
        try scenario.send(
            scenario.evidence(
                4, scenario.vote(4, .approve, on: request), scenario.vote(4, .reject, on: request)))
        #expect(refusal(4, on: request) == .alreadyConvicted)
    }

    @Test("two results of one job convict who was to run it; an abstention contradicts nothing")
    func results() throws {
        var scenario = try opened(1)
        let job = scenario.job()
        try scenario.send(.job(job))
        let id = job.id(in: scenario.ledger)
        let entry = try #require(scenario.state.entry(of: id))
        let early = scenario.evidence(
            scenario.result(ValidatorIndex(0), id),
            scenario.result(ValidatorIndex(0), id, output: 1))
        #expect(scenario.refusal(early) == .notAssigned)
        try scenario.next()
        let drawn = try #require(scenario.state.job(at: entry)?.assigned?.validators)
        let one = scenario.result(drawn[0], id)
        var costly = one
        costly.fuel += 1
        costly = costly.signed(by: Fixture.key(drawn[0].rawValue), in: scenario.ledger)
        let trap = scenario.result(drawn[0], id, JobStatus(.trap, code: 1))
        for (other, expected) in [
            (one, .noContradiction), (scenario.result(drawn[0], id, output: 8), nil), (trap, nil),
            (costly, .noContradiction),
            (scenario.result(drawn[0], id, JobStatus(.abstained)), .noContradiction),
        ] as [(ResultMessage, Refusal?)] {
            #expect(scenario.refusal(scenario.evidence(one, other)) == expected)
        }
        // What is equal as a result is equal as evidence.
        var taken = scenario
        try taken.send(.result(one))
        #expect(taken.refusal(.result(costly)) == .alreadyRecorded)
        let idle = try #require(scenario.state.members.first { !drawn.contains($0) })
        #expect(
            scenario.refusal(
                scenario.evidence(
                    scenario.result(idle, id), scenario.result(idle, id, output: 1)))
                == .notAssigned)
        let nowhere = JobID(.zero)
        #expect(
            scenario.refusal(
                scenario.evidence(
                    scenario.result(drawn[0], nowhere),
                    scenario.result(drawn[0], nowhere, output: 1))) == .unknownJob)
        // Closed, the job still says who was to run it.
        try scenario.next(after: 40_000)
        try scenario.next()
        #expect(scenario.state.openJobs.isEmpty)
        let events = try scenario.send(scenario.evidence(one, trap))
        #expect(events.kinds == ["evidenceSubmitted", "equivocationFound", "reputationChanged"])
        #expect(scenario.refusal(scenario.evidence(trap, one)) == .alreadyConvicted)
    }

    @Test("two checkpoints of one size convict, once for ever")
    func checkpoints() throws {
        var scenario = try opened(1)
        #expect(
            scenario.refusal(scenario.evidence(0, size: 9, (a, nil), (a, 5))) == .noContradiction)
        let mixed = scenario.evidence(0, size: 9, (a, nil), (b, 1_700_000_000))
        guard case .evidence(let message) = mixed else { return }
        #expect(message.isSigned(in: scenario.ledger))
        var other = message
        other.slot = .consensus(.checkpoint(size: 10))
        #expect(!other.isSigned(in: scenario.ledger))
        #expect(
            scenario.refusal(scenario.evidence(7, size: 9, (a, 1), (b, 2))) == .unknownValidator)
        try scenario.send(mixed)
        for size in [9, 10] as [UInt64] {
            #expect(
                scenario.refusal(scenario.evidence(0, size: size, (a, 1), (b, 2)))
                    == .alreadyConvicted)
        }
        #expect(scenario.refusal(scenario.evidence(1, size: 9, (a, 1), (b, 2))) == nil)
    }

    @Test("the bridge is told of that it called one settlement settled and failed")
    func settlements() throws {
        var scenario = try opened(1)
        let request = try scenario.submit()
        let paid = scenario.settlement(request, .settled)
        let failed = scenario.settlement(request, .failed)
        #expect(scenario.refusal(scenario.evidence(paid, failed)) == .notOrdered)
        try scenario.approve(0..<3, request)
        #expect(
            scenario.refusal(
                scenario.evidence(paid, scenario.settlement(request, .settled, reference: [2])))
                == .noContradiction)
        var stranger = paid
        stranger.bridge = Fixture.key(0).publicKey
        let signed = stranger.signed(by: Fixture.key(0), in: scenario.ledger)
        #expect(scenario.refusal(scenario.evidence(signed, signed)) == .notTheBridge)
        let nowhere = scenario.settlement(RequestID(.zero), .settled)
        #expect(scenario.refusal(scenario.evidence(nowhere, nowhere)) == .unknownRequest)
        let events = try scenario.send(scenario.evidence(failed, paid))
        #expect(events.kinds == ["evidenceSubmitted", "equivocationFound"])
        guard case .evidenceSubmitted(let event)? = events.first else { return }
        #expect(event.validator == .bridge)
        #expect(scenario.state.message(of: events[0]) == scenario.evidence(failed, paid))
        #expect(scenario.refusal(scenario.evidence(paid, failed)) == .alreadyConvicted)
    }

    @Test("what an entry shows gives the message back")
    func messages() throws {
        var scenario = try opened(3)
        let job = scenario.job()
        try scenario.send(.job(job))
        let id = job.id(in: scenario.ledger)
        try scenario.next()
        let entry = try #require(scenario.state.entry(of: id))
        let drawn = try #require(scenario.state.job(at: entry)?.assigned?.validators)
        for message in [
            scenario.evidence(0, .amnesia(Height(2), precommit: 0, prevote: 1), (a, -1), (b, -1)),
            scenario.evidence(0, size: 9, (a, 1), (b, nil)),
            scenario.evidence(
                scenario.result(drawn[0], id), scenario.result(drawn[0], id, output: 1)),
        ] {
            let before = scenario.state
            let events = try scenario.send(message)
            #expect(before.message(of: events[0]) == message)
            #expect(try Message(decoding: message.encoded) == message)
        }
    }
}
