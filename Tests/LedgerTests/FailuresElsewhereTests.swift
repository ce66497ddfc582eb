// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

/// Failures elsewhere of which the page Rules tells, on reputation, rounds and votes.
@Suite("failures seen elsewhere: rounds and votes")
struct FailuresElsewhereTests {
    @Test("reputation or bans in memory: a restart forgives a penalised validator")
    func restartForgivesNothing() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.send(
            scenario.evidence(
                0, scenario.vote(0, .approve, on: request), scenario.vote(0, .reject, on: request)))
        try scenario.cast(1, .reject, on: request)
        try scenario.approve(2..<4, request)
        try scenario.cast(0, .approve, on: request)
        try scenario.seal()
        let again = try Refold.fold(scenario.log)
        #expect(again.componentRoots() == scenario.state.componentRoots())
        #expect(again.validators == scenario.state.validators)
        #expect(again.validators[0].reputation == Reputation(965_000))
        #expect(again.validators[1].reputation == Reputation(950_000))
    }

    @Test("outcome depends on when one asks; a quorum reached in time reads as timed out")
    func decidedOnce() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.approve(0..<3, request)
        let decision = try #require(scenario.decision(request))
        #expect(decision.outcome == .approved)
        let first = scenario.state.time
        for _ in 0..<5 {
            try scenario.next(after: 40_000)
            #expect(scenario.decision(request) == decision)
        }
        #expect(decision.time == first)
        let decisions = scenario.log.filter { $0.kind == "outcomeDecided" }
        #expect(decisions == [.outcomeDecided(decision)])
    }

    @Test("votes counted against today's validator set")
    func pinnedSet() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        let request = try scenario.submit()
        let leaver = Fixture.key(3).publicKey
        try scenario.send(.governance(scenario.change(.validatorLeft(key: leaver))))
        var parameters = scenario.state.parameters
        parameters.verificationMilliseconds = 1
        try scenario.send(.governance(scenario.change(.parametersChanged(parameters))))
        let stranger = Fixture.key(4).publicKey
        try scenario.send(
            .governance(
                scenario.change(.validatorJoined(key: stranger, name: "newcomer", stake: Stake(1))))
        )
        #expect(scenario.refusal(.vote(scenario.vote(4, .approve, on: request))) == .notPinned)
        try scenario.cast(3, .approve, on: request)
        try scenario.approve(0..<2, request)
        #expect(scenario.decision(request)?.outcome == .approved)
        try scenario.cast(2, .abstain, on: request)
        #expect(scenario.reputation(3) == 1_015_000)
        #expect(scenario.reputation(4) == 1_000_000)
        let later = try scenario.submit()
        #expect(scenario.refusal(.vote(scenario.vote(3, .approve, on: later))) == .notPinned)
        try scenario.cast(4, .approve, on: later)
        try scenario.next(after: 1)
        try scenario.seal()
        #expect(scenario.decision(later)?.outcome == .timedOut)
    }

    @Test("a caller-chosen or truncated request id collides")
    func contentHashes() throws {
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        let base = scenario.request()
        let changes: [(inout RequestMessage) -> Void] = [
            { _ in }, { $0.circuit = CircuitID(.zero) }, { $0.nullifiers.append(.zero) },
            { $0.nullifiers = [] }, { $0.amount = Amount(6) }, { $0.recipient = .zero },
            { $0.proof.append(0) }, { $0.publicInputs.removeLast() },
            { $0.timestamp = Time(0) }, { $0.submitter = Fixture.key(0).publicKey },
        ]
        let ids = changes.map { change in
            var message = base
            change(&message)
            return message.id(in: scenario.ledger)
        }
        #expect(Set(ids).count == changes.count)
        #expect(base.id(in: LedgerID(.zero)) != ids[0])
        var resigned = base
        resigned.signature = Fixture.key(9).sign([1])
        #expect(resigned.id(in: scenario.ledger) == ids[0])
        #expect(ids[0].digest == Digest(hashing: base.signedBytes(in: scenario.ledger)))
        let job = scenario.job().id(in: scenario.ledger)
        #expect(scenario.job(1).id(in: scenario.ledger) != job)
        #expect(scenario.job { $0.engine = "wasmtime5" }.id(in: scenario.ledger) != job)
        // The border between two texts is part of what is hashed.
        #expect(
            scenario.job { ($0.engine, $0.engineVersion) = ("wasmtime5", "0") }
                .id(in: scenario.ledger) != job)
    }

    @Test("two rejections with different wording read as equivocation")
    func wordingConvictsNobody() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let later = scenario.state.time.adding(milliseconds: 1)
        let first = scenario.vote(0, .reject, on: request, reason: .proofFails)
        let second = scenario.vote(0, .reject, on: request, reason: .wrongInputCount, at: later)
        #expect(scenario.refusal(scenario.evidence(0, first, second)) == .noContradiction)
        let abstention = scenario.vote(0, .abstain, on: request)
        #expect(scenario.refusal(scenario.evidence(0, first, abstention)) == .noContradiction)
        try scenario.send(.vote(first))
        #expect(scenario.refusal(.vote(second)) == .alreadyRecorded)
        let approval = scenario.vote(0, .approve, on: request)
        #expect(scenario.refusal(.vote(approval)) == .voteContradicts)
        #expect(scenario.refusal(scenario.evidence(0, first, approval)) == nil)
    }

    @Test("a local error signed as a rejection, later contradicted, bans an honest node")
    func abstainInstead() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        let failed = scenario.vote(0, .abstain, on: request, reason: .localError)
        try scenario.send(.vote(failed))
        let recovered = scenario.vote(0, .approve, on: request, reason: .proofHolds)
        #expect(scenario.refusal(.vote(recovered)) == .voteChanged)
        #expect(scenario.refusal(scenario.evidence(0, failed, recovered)) == .noContradiction)
        try scenario.approve(1..<4, request)
        #expect(scenario.decision(request)?.outcome == .approved)
        #expect(scenario.reputation(0) == 1_000_000)
    }

    @Test("three liars and one absence reject, and the six who were right are punished")
    func liarsProveNothing() throws {
        var scenario = try LedgerScenario(.of(10, 7))
        try scenario.open()
        let request = try scenario.submit()
        try scenario.reject(0..<3, request)
        try scenario.approve(3..<9, request)
        try scenario.next(after: 30_000)
        try scenario.seal()
        #expect(scenario.decision(request)?.outcome == .rejected)
        #expect((0..<9).allSatisfy { scenario.reputation($0) == 1_000_000 })
        #expect(scenario.reputation(9) == 970_000)
        try scenario.open()
        let second = try scenario.submit()
        try scenario.reject(0..<4, second)
        try scenario.approve(4..<10, second)
        #expect(scenario.reputation(0) == 1_015_000)
        #expect(scenario.reputation(4) == 950_000)
    }

    @Test("conflicting vote arrives after the round was swept from memory")
    func lateEvidence() throws {
        var scenario = try LedgerScenario(.of(5, 4))
        try scenario.open()
        let request = try scenario.submit()
        let approval = scenario.vote(4, .approve, on: request)
        try scenario.send(.vote(approval))
        try scenario.approve(0..<4, request)
        #expect(scenario.state.openRounds.isEmpty)
        let rejection = scenario.vote(4, .reject, on: request)
        try scenario.send(
            .governance(scenario.change(.validatorLeft(key: Fixture.key(4).publicKey))))
        try scenario.next(after: 300 * 86_400_000)
        #expect(scenario.refusal(.vote(rejection)) == .voteContradicts)
        let before = scenario.reputation(4)
        try scenario.send(scenario.evidence(4, approval, rejection))
        #expect(scenario.reputation(4) == before - 50_000)
        #expect(
            scenario.refusal(scenario.evidence(4, approval, rejection)) == .alreadyConvicted)
        #expect(scenario.decision(request)?.outcome == .approved)
    }

    @Test("a vote under another validator's name")
    func keysAreIdentities() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        var vote = scenario.vote(0, .approve, on: request)
        vote.validator = Fixture.key(1).publicKey
        #expect(Checked(Message.vote(vote), in: scenario.ledger) == nil)
        let stranger = scenario.vote(250, .approve, on: request)
        #expect(scenario.refusal(.vote(stranger)) == .notPinned)
        var evidence = scenario.evidence(
            0, scenario.vote(0, .approve, on: request), scenario.vote(0, .reject, on: request))
        #expect(Checked(evidence, in: scenario.ledger) != nil)
        guard case .evidence(var content) = evidence else { return }
        content.validator = Fixture.key(1).publicKey
        evidence = .evidence(content)
        #expect(Checked(evidence, in: scenario.ledger) == nil)
        #expect(scenario.state.openRound(at: EntryIndex(3))?.tally.votes == 0)
    }
}
