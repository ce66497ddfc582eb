// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Testing

@Suite("What adversaries do with time")
struct AdversaryTimeTests {
    @Test("A leader's slow clock makes no hidden request time out")
    func hiddenRequestsAfterAnIdleStretch() throws {
        let lying = try LiarCase(liar: nil)
        let requests = (0..<20).map { _ in Message.request(lying.scenario.request()) }
        // At 29,000 ms there is a reason for a batch: the last one is 30 s old.
        try lying.cluster.run(29_300)
        let start = lying.scenario.state.time
        lying.say(.proposal(try lying.proposal(at: start.adding(milliseconds: 1), requests)))
        try lying.cluster.run(4_000)
        #expect(lying.missed.isEmpty)
        for place in lying.honest {
            let state = try #require(lying.cluster.hosts[place]?.state)
            #expect(state.height.rawValue >= 1)
            #expect(state.validators[place].reputation >= Reputation(1_000_000))
        }
    }

    @Test("No round opens whose deadline a right clock has all but reached")
    func roundsHaveTimeLeft() throws {
        let lying = try LiarCase(liar: nil)
        let requests = (0..<20).map { _ in Message.request(lying.scenario.request()) }
        try lying.cluster.run(29_300)
        let start = lying.scenario.state.time
        // As far behind as the patience of a late round would let it be, and no more.
        lying.say(.proposal(try lying.proposal(at: start.adding(milliseconds: 15_000), requests)))
        try lying.cluster.run(4_000)
        let opened = lying.cluster.commits.flatMap(\.events).compactMap { event -> Time? in
            if case .roundOpened(let round) = event { round.deadline } else { nil }
        }
        #expect(opened.isEmpty)
    }

    @Test("Batches follow one another at once where all clocks are right")
    func idleStretchAndRightClocks() throws {
        let lying = try LiarCase()
        try lying.cluster.run(25_000)
        let before = lying.cluster.now
        let request = lying.scenario.request()
        lying.cluster.submit(.request(request), to: [lying.honest[0]])
        try lying.cluster.run(1_500)
        let state = lying.host.state
        let entry = try #require(state.entry(of: request.id(in: lying.ledger)))
        #expect(state.decided(at: entry)?.decision.outcome == .approved)
        #expect(lying.cluster.now - before == 1_500)
    }

    @Test("A vote dated an hour ahead is a reason for nothing")
    func voteFromTheFuture() throws {
        let lying = try LiarCase()
        let request = lying.scenario.request()
        lying.cluster.submit(.request(request), to: lying.honest)
        try lying.cluster.run(2_000)
        let id = request.id(in: lying.ledger)
        #expect(lying.host.state.entry(of: id) != nil)
        let before = lying.consensusVotes
        let later = lying.cluster.instant.time.adding(milliseconds: 3_600_000)
        lying.say(lying.verdict(.approve, on: id, at: later))
        try lying.cluster.run(10_000)
        #expect(lying.consensusVotes == before)
        try expectProgress(lying)
    }

    @Test("A retry of a spent nullifier is a reason for nothing")
    func spentNullifierAgain() throws {
        let lying = try LiarCase()
        lying.cluster.submit(.request(lying.scenario.request(nullifier: 7)), to: lying.honest)
        try lying.cluster.run(2_000)
        let before = lying.consensusVotes
        let retry = lying.scenario.request(nullifier: 7, amount: 6)
        lying.cluster.submit(.request(retry), to: lying.honest)
        try lying.cluster.run(10_000)
        #expect(lying.consensusVotes == before)
        try expectProgress(lying)
    }

    @Test("A refusal that the log has no room for is a reason for nothing")
    func refusalsWithoutRoom() throws {
        let lying = try LiarCase()
        let most = Int(lying.scenario.state.parameters.refusalsPerMinute)
        for number in 0..<(most + 8) {
            let bad = lying.scenario.request { $0.amount = Amount(UInt64(1_000 + number)) }
            lying.cluster.submit(.request(bad), to: lying.honest)
        }
        try lying.cluster.run(3_000)
        let before = lying.consensusVotes
        let bad = lying.scenario.request { $0.amount = Amount(3_000) }
        lying.cluster.submit(.request(bad), to: lying.honest)
        try lying.cluster.run(10_000)
        #expect(lying.consensusVotes == before)
        try expectProgress(lying)
    }

    /// A new request is decided soon.
    private func expectProgress(_ lying: LiarCase) throws {
        let request = lying.scenario.request()
        lying.cluster.submit(.request(request), to: lying.honest)
        try lying.cluster.run(2_000)
        let id = request.id(in: lying.ledger)
        let entry = try #require(lying.host.state.entry(of: id))
        #expect(lying.host.state.decided(at: entry)?.decision.outcome == .approved)
    }
}
