// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Testing

@Suite("What adversaries do with time")
struct AdversaryTimeTests {
    @Test("a leader's slow clock makes hidden requests time out")
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

    @Test("A late round takes no old time for a round of whose deadline little is left")
    func lateRoundsHaveTimeLeft() throws {
        // In round 8 a time may be 4.5 s old, and half of this deadline is 2 s.
        let ranking = try LiarCase(deadline: 4_000).scenario.state
            .proposerRanking(height: Height(1))
        let lying = try LiarCase(liar: Int(ranking[8].rawValue), deadline: 4_000)
        let hidden = (0..<20).map { _ in lying.scenario.request() }
        let round = drop(lying, before: 8)
        lying.cluster.submit(.request(lying.scenario.request()), to: lying.honest)
        while round() < 8 { try lying.cluster.run(50) }
        let now = lying.cluster.instant.time
        let time = Time(now.rawValue - 3_500)
        lying.say(
            .proposal(try lying.proposal(at: time, round: 8, hidden.map(Message.request))))
        try lying.cluster.run(10_000)
        #expect(lying.host.state.height.rawValue >= 1)
        for place in lying.honest {
            let state = try #require(lying.cluster.hosts[place]?.state)
            let found = hidden.compactMap { state.entry(of: $0.id(in: lying.ledger)) }
            #expect(found.isEmpty)
        }
        #expect(lying.missed.allSatisfy { $0 == lying.liar })
    }

    @Test("A leader that leaves votes out until their deadline costs nobody anything")
    func votesLeftOut() throws {
        // In round 3 the votes have been under way for longer than messages are.
        let ranking = try LiarCase(deadline: 3_000).scenario.state
            .proposerRanking(height: Height(2))
        let lying = try LiarCase(liar: Int(ranking[3].rawValue), deadline: 3_000)
        var mayVote = false
        let round = drop(lying, height: 2, before: 3) { message in
            if case .command(.vote) = message { mayVote } else { true }
        }
        lying.cluster.submit(.request(lying.scenario.request()), to: lying.honest)
        while lying.host.state.height.rawValue < 1 { try lying.cluster.run(50) }
        #expect(lying.host.state.openRounds.count == 1)
        mayVote = true
        while round() < 3 { try lying.cluster.run(50) }
        let proposal = try lying.proposal(
            after: lying.host, at: lying.cluster.instant.time, round: 3, [])
        #expect(proposal.height == Height(2))
        lying.say(.proposal(proposal))
        try lying.cluster.run(10_000)
        #expect(lying.host.state.height.rawValue >= 2)
        #expect(lying.missed.allSatisfy { $0 == lying.liar })
    }

    /// Drops the proposals of the honest at a height before a round, and what `passes` says; gives
    /// the round that somebody has said to be in.
    private func drop(
        _ lying: LiarCase, height: UInt64 = 1, before first: UInt32,
        _ passes: @escaping (PeerMessage) -> Bool = { _ in true }
    ) -> () -> UInt32 {
        var round: UInt32 = 0
        lying.cluster.change = { _, _, bytes in
            guard let message = try? PeerMessage(decoding: bytes) else { return bytes }
            switch message {
            case .proposal(let proposal)
            where proposal.height == Height(height) && proposal.round < first:
                return nil
            case .status(let status) where status.height == Height(height):
                round = max(round, status.round)
            default: break
            }
            return passes(message) ? bytes : nil
        }
        return { round }
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

    @Test("Nobody stops in the last round that a number can name, now or after a start")
    func lastRound() throws {
        // Of three with T = 3 none may be faulty, so that one alone takes the others along.
        let lying = try LiarCase(3, 3, liar: nil)
        var reached = [UInt32](repeating: 0, count: 3)
        lying.cluster.change = { from, _, bytes in
            if case .status(let status)? = try? PeerMessage(decoding: bytes) {
                reached[from] = max(reached[from], status.round)
            }
            return bytes
        }
        lying.cluster.submit(.request(lying.scenario.request()), to: lying.honest)
        lying.say(lying.prevote(nil, round: .max))
        try lying.cluster.run(1_000)
        // Again from the journals, which hold what was said there of a proposal.
        for _ in 0..<2 {
            let time = lying.cluster.instant.time
            for round in [0, UInt32.max - 3, .max] {
                lying.say(.proposal(try lying.proposal(at: time, round: round, [])))
            }
            try lying.cluster.run(3_000)
            #expect(lying.honest.allSatisfy { reached[$0] == .max })
            reached = [0, 0, 0]
            for place in lying.honest {
                lying.cluster.hosts[place] = nil
                try lying.cluster.open(place)
            }
        }
        try lying.cluster.run(3_000)
        #expect(lying.honest.allSatisfy { reached[$0] == .max })
        #expect(lying.honest.allSatisfy { lying.cluster.hosts[$0] != nil })
        #expect(lying.cluster.commits.isEmpty)
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
