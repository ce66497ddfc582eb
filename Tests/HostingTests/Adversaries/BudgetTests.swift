// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Testing

@Suite("What adversaries may have a node keep and read")
struct AdversaryBudgetTests {
    private let peer = ValidatorIndex(9)

    @Test("Bytes over the budget of their sender are not decoded")
    func bytesWithoutEnd() throws {
        let lying = try LiarCase()
        let megabyte = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<64 {
            _ = try lying.host.receive(megabyte, from: peer, at: lying.cluster.instant)
        }
        // The longest message, at once: the rest is dropped by its length alone.
        #expect(lying.host.intake.droppedCount == 64 - 32)
        // It takes nothing from others.
        #expect(lying.host.intake.admits(megabyte, from: ValidatorIndex(3), at: 0))
        #expect(lying.host.intake.admits(megabyte, from: nil, at: 0))
    }

    @Test("A message longer than its kind, or of no kind, is dropped by its first byte")
    func lengthOfAKind() throws {
        let intake = try LiarCase().host.intake
        for kind in PeerMessageKind.allCases {
            var bytes = [UInt8](repeating: kind.rawValue, count: kind.bytesMax + 1)
            #expect(!intake.admits(bytes, from: peer, at: 0), "\(kind)")
            bytes.removeLast()
            // Long enough after the last for the budget to be full again.
            let uptime = 60_000 * (UInt64(kind.rawValue) + 1)
            #expect(intake.admits(bytes, from: peer, at: uptime), "\(kind)")
        }
        #expect(!intake.admits([8], from: peer, at: 10_000_000))
        #expect(!intake.admits([], from: peer, at: 10_000_000))
    }

    @Test("What is for the next height is bounded in bytes")
    func earlyMessages() throws {
        let lying = try LiarCase(liar: nil)
        let requests = (0..<900).map { _ in Message.request(lying.scenario.request()) }
        var proposal = try lying.proposal(
            at: lying.cluster.instant.time, requests, value: Digest(hashing: [1]))
        let liar = ValidatorIndex(UInt16(lying.liar))
        var sent = 0
        for round in 0..<60 {
            proposal.height = Height(2)
            proposal.round = UInt32(round)
            let bytes = PeerMessage.proposal(
                proposal.signed(by: lying.key, in: lying.ledger)
            ).encoded
            sent += bytes.count
            let now = Instant(
                time: lying.cluster.instant.time,
                uptime: lying.cluster.now + 1_000 * UInt64(round))
            _ = try lying.host.receive(bytes, from: liar, at: now)
        }
        #expect(sent > 2 * ReplicationLimits.earlyBytesPerPeerMax)
        #expect(lying.host.waiting.earlyBytes > 0)
        #expect(lying.host.waiting.earlyBytes <= ReplicationLimits.earlyBytesPerPeerMax)
    }

    @Test("Contradicting votes on requests that never come have an end")
    func contradictionsHaveAnEnd() throws {
        let lying = try LiarCase()
        let now = lying.cluster.instant.time
        for number in 0..<200 {
            let id = RequestID(Digest(hashing: [UInt8(number)]))
            lying.say(lying.verdict(.approve, on: id, at: now), to: [0])
            lying.say(lying.verdict(.reject, on: id, at: now), to: [0])
        }
        try lying.cluster.run(500)
        #expect(
            lying.host.waiting.contradictions
                == ReplicationLimits.contradictionsPerValidatorMax)
        #expect(lying.host.waiting.orphans > 0)
        try lying.cluster.run(ReplicationLimits.requestMilliseconds + 2_000)
        #expect(lying.host.waiting.contradictions == 0)
        #expect(lying.host.waiting.orphans == 0)
    }

    @Test("A submitter's junk has an end, and leaves room for others")
    func sharesOfSubmitters() throws {
        let lying = try LiarCase()
        for _ in 0..<(ReplicationLimits.requestsPerSubmitterMax + 100) {
            let junk = lying.scenario.request { $0.publicInputs[0] = Fixture.element(4_242) }
            lying.say(.command(.request(junk)), to: [0])
        }
        try lying.cluster.run(1_000)
        #expect(lying.host.waiting.requests == ReplicationLimits.requestsPerSubmitterMax)
        try lying.cluster.run(ReplicationLimits.requestMilliseconds + 2_000)
        #expect(lying.host.waiting.requests == 0)
    }

    @Test("Requests over a quota wait, and enter when others are decided, not closed")
    func quotaIsWaitedFor() throws {
        let lying = try LiarCase(quota: 4)
        let requests = (0..<20).map { _ in lying.scenario.request() }
        for request in requests { lying.cluster.submit(.request(request), to: lying.honest) }
        // The liar's silence keeps every round open until its deadline, and counts for nothing.
        try lying.cluster.run(10_000)
        let state = lying.host.state
        let decided = requests.filter { request in
            state.entry(of: request.id(in: lying.ledger)).flatMap { state.decided(at: $0) } != nil
        }
        #expect(decided.count == requests.count)
        #expect(state.openRounds.count == requests.count)
        try lying.cluster.run(40_000)
        #expect(lying.host.waiting.requests == 0)
    }
}
