// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("bounds of unfinished work")
struct BoundsTests {
    @Test("open rounds, jobs and caches grow without bound")
    func unfinishedWork() throws {
        var setup = Setup.of(4, 3)
        setup.quota = 3
        setup.parameters.unclosedMax = 4
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        let paid = try scenario.submit()
        try scenario.approve(0..<4, paid)
        let first = try scenario.submit()
        try scenario.send(.job(scenario.job()))
        _ = try scenario.submit()
        // Three of the submitter's are open, and four unfinished with the settlement.
        #expect(scenario.state.unfinishedCount == 4)
        let more = Message.request(scenario.request())
        #expect(scenario.refusal(more) == .quotaExceeded)
        let key = scenario.submitter.publicKey
        try scenario.send(
            .governance(scenario.change(.submitterListed(key: key, name: "submitter", quota: 9))))
        #expect(scenario.refusal(more) == .tooManyUnclosed)
        try scenario.send(.settlement(scenario.settlement(paid, .settled)))
        #expect(scenario.refusal(more) == nil)
        try scenario.send(
            .governance(scenario.change(.submitterListed(key: key, name: "submitter", quota: 3))))
        #expect(scenario.refusal(more) == .quotaExceeded)
        // A round counts against the quota until it is decided: whoever is silent then does not
        // use up what a submitter may ask for.
        try scenario.approve(0..<3, first)
        #expect(scenario.state.openRounds.count == 2)
        #expect(scenario.refusal(more) == .tooManyUnclosed)
        try scenario.cast(3, .abstain, on: first)
        try scenario.send(.settlement(scenario.settlement(first, .settled)))
        #expect(scenario.refusal(more) == nil)
        try scenario.send(more)
        try scenario.next(after: 30_000)
        try scenario.next(after: 30_000)
        try scenario.seal()
        #expect(scenario.state.openRounds.isEmpty && scenario.state.openJobs.isEmpty)
        #expect(scenario.state.submitters[0].undecided == 0)
    }

    @Test("a thousand commands fill a batch, a thousand senders the minute's refusals")
    func commands() throws {
        var scenario = try LedgerScenario(.of(1000, 668, signs: false))
        func refused(_ sender: UInt64) -> Message {
            .vote(
                VoteMessage(
                    request: RequestID(.zero), validator: Fixture.key(UInt16(sender)).publicKey,
                    vote: .approve, reason: .unspecified, timestamp: Time(0), signature: .zero))
        }
        try scenario.open()
        let late = Fixture.key(1000).publicKey
        try scenario.send(
            .governance(
                scenario.change(.submitterListed(key: late, name: "late", quota: 1))))
        // A stranger's refusals would fill the log.
        #expect(throws: Refusal.noSender) { try scenario.record(refused(1001)) }
        try scenario.next()
        for sender in 0..<UInt64(Limits.commandsPerBatchMax) {
            try scenario.record(refused(sender))
        }
        #expect(scenario.refusal(refused(0)) == .batchFull)
        #expect(throws: Refusal.batchFull) { try scenario.record(refused(0)) }
        try scenario.next(after: 1)
        #expect(throws: Refusal.refusalsExhausted) { try scenario.record(refused(1000)) }
        try scenario.record(refused(0))
        try scenario.next(after: 60_000)
        try scenario.record(refused(1000))
    }

    @Test("a batch takes a command only while an entry of any length has room")
    func bytes() throws {
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        try scenario.open()
        let request = try scenario.submit()
        let refused = Message.vote(scenario.vote(0, .approve, on: RequestID(.zero)))
        let event = Event.messageRefused(
            MessageRefused(message: refused, refusal: .unknownRequest))
        let vote = Message.vote(scenario.vote(0, .approve, on: request))
        let used = scenario.log.suffix(2).filter { $0.tag < 64 }.reduce(0) { $0 + $1.encoded.count }
        let room = Limits.commandBytesPerBatchMax - Limits.entryBytesMax - used
        scenario.scratch { state in
            do {
                try state.apply(Entry(unchecked: event, bytes: Array(repeating: 0, count: room)))
            } catch { fatalError("\(error)") }
        }
        #expect(scenario.refusal(vote) == nil)
        scenario.scratch { state in
            do { try state.apply(Entry(event)) } catch { fatalError("\(error)") }
        }
        #expect(scenario.refusal(vote) == .batchFull)
    }

    @Test("as many circuits and submitters as there may be, and one more")
    func parties() throws {
        var scenario = try LedgerScenario(.of(1, 1, signs: false))
        try scenario.open()
        for number in 1..<Limits.circuitsMax {
            let circuit = Fixture.circuit("c-\(number)", [.root, .nullifier, .externalDataHash])
            try scenario.send(.governance(scenario.change(.circuitRegistered(circuit))))
        }
        let last = Fixture.circuit("last", [.root, .nullifier, .externalDataHash])
        #expect(
            scenario.refusal(.governance(scenario.change(.circuitRegistered(last))))
                == .tooManyCircuits)
        #expect(
            scenario.refusal(.governance(scenario.change(.circuitRegistered(Fixture.circuit))))
                == .circuitKnown)
        for number in 1..<Limits.submittersMax {
            if number % 900 == 1 { try scenario.next() }
            let key = Fixture.key(UInt16(1000 + number)).publicKey
            try scenario.send(
                .governance(
                    scenario.change(.submitterListed(key: key, name: "s-\(number)", quota: 1))))
        }
        let stranger = Fixture.key(999).publicKey
        #expect(
            scenario.refusal(
                .governance(
                    scenario.change(.submitterListed(key: stranger, name: "newcomer", quota: 1))))
                == .tooManySubmitters)
        let known = Fixture.key(1001).publicKey
        #expect(
            scenario.refusal(
                .governance(scenario.change(.submitterListed(key: known, name: "s-1", quota: 0))))
                == nil)
    }

    @Test("a thousand validators, and one more")
    func members() throws {
        var scenario = try LedgerScenario(.of(1000, 668, signs: false))
        try scenario.open()
        #expect(scenario.state.members.count == 1000)
        let stranger = Fixture.key(9999).publicKey
        let join = Change.validatorJoined(key: stranger, name: "newcomer", stake: Stake(1))
        #expect(scenario.refusal(.governance(scenario.change(join))) == .tooManyMembers)
        let request = try scenario.submit()
        try scenario.approve(0..<668, request)
        #expect(scenario.decision(request)?.approvals == 668)
        try scenario.next(after: 30_000)
        let events = try scenario.seal()
        #expect(events.count == 668 * 2 + 332 + 2)
        #expect(events.allSatisfy { $0.encoded.count <= Limits.entryBytesMax })
    }
}
