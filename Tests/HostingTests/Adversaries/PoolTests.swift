// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

@Suite("What adversaries do to what waits")
struct AdversaryPoolTests {
    private func unsigned(_ number: UInt32, _ change: UInt64) -> Message {
        .governance(
            GovernanceMessage(
                number: change,
                change: .submitterListed(
                    key: Fixture.key(250).publicKey, name: "stranger", quota: number),
                endorsements: []))
    }

    @Test("junk fills a pool that evidence shares: governance that nobody signed")
    func unsignedGovernance() throws {
        let lying = try LiarCase()
        for number in 0..<256 { lying.say(.command(unsigned(UInt32(number), 0))) }
        try lying.cluster.run(100)
        lying.say(lying.prevote(nil), to: [0])
        lying.say(lying.prevote(Digest(hashing: [1])), to: [0])
        try lying.cluster.run(3_000)
        #expect(lying.host.state.convictionCount == 1)
        #expect(lying.host.state.validators[lying.liar].reputation < Reputation(1_000_000))
    }

    @Test("Governance that nobody signed keeps no signed governance out")
    func unsignedAndSignedGovernance() throws {
        let lying = try LiarCase()
        for number in 0..<256 { lying.say(.command(unsigned(UInt32(number), 0))) }
        try lying.cluster.run(100)
        let change = Change.validatorLeft(key: lying.key.publicKey)
        lying.cluster.submit(
            .governance(lying.scenario.change(change, signers: Array(0..<7))), to: [0])
        try lying.cluster.run(3_000)
        #expect(lying.host.state.members.count == 9)
    }

    @Test("What could not enter the ledger is not sent on")
    func nothingUselessIsSentOn() throws {
        let lying = try LiarCase()
        for number in 0..<256 {
            lying.cluster.submit(unsigned(UInt32(number), 0), to: [0])
        }
        try lying.cluster.run(100)
        let before = lying.bytesSent[0]
        try lying.cluster.run(9_000)
        #expect(lying.bytesSent[0] - before < 100_000)
    }

    @Test("Evidence that could not be taken is tried again")
    func evidenceIsTriedAgain() throws {
        let lying = try LiarCase()
        let request = lying.scenario.request()
        let id = request.id(in: lying.ledger)
        let now = lying.cluster.instant.time
        // The contradiction comes before what it is about.
        lying.say(lying.verdict(.approve, on: id, at: now), to: [0])
        lying.say(lying.verdict(.reject, on: id, at: now), to: [0])
        try lying.cluster.run(200)
        lying.cluster.submit(.request(request), to: [3])
        try lying.cluster.run(3_000)
        #expect(lying.host.state.convictionCount == 1)
    }

    @Test("Jobs of fresh keys without number keep no listed submitter's job out")
    func freshKeys() throws {
        let lying = try LiarCase(4, 3, liar: 3)
        for number in 0..<4_096 {
            let key = Fixture.key(UInt16(1_000 + number))
            var job = lying.scenario.job(UInt64(number))
            job.submitter = key.publicKey
            lying.say(.command(.job(job.signed(by: key, in: lying.ledger))))
        }
        try lying.cluster.run(1_000)
        let job = lying.scenario.job(9_999)
        lying.cluster.submit(.job(job), to: [0])
        try lying.cluster.run(2_000)
        #expect(lying.host.state.entry(of: job.id(in: lying.ledger)) != nil)
    }

    @Test("an honest node misses rounds because a pool is full")
    func junkRequests() throws {
        let lying = try LiarCase()
        for _ in 0..<1_024 {
            let junk = lying.scenario.request { $0.publicInputs[0] = Fixture.element(4_242) }
            lying.say(.command(.request(junk)), to: [0])
        }
        try lying.cluster.run(1_000)
        for _ in 0..<20 {
            let request = Message.request(lying.scenario.request())
            lying.cluster.submit(request, to: [1, 2, 3, 4, 5, 6, 7, 8])
            try lying.cluster.run(500)
        }
        try lying.cluster.run(2_000)
        #expect(lying.votes(of: 1) == 20)
        #expect(lying.votes(of: 0) == 20)
    }

    @Test("The cost of a message does not grow with what waits")
    func costOfAMessage() throws {
        let lying = try LiarCase()
        func cost(_ requests: Int) throws -> Duration {
            let messages = (0..<requests).map { _ in
                PeerMessage.command(.request(lying.scenario.request())).encoded
            }
            let host = lying.host
            let now = lying.cluster.instant
            for bytes in messages.dropLast(50) {
                _ = try host.receive(bytes, from: ValidatorIndex(2), at: now)
            }
            return try processorTime {
                for bytes in messages.suffix(50) {
                    _ = try host.receive(bytes, from: ValidatorIndex(2), at: now)
                }
            }
        }
        let few = try cost(100)
        let many = try cost(900)
        #expect(many < few * 3)
    }

    @Test("A signature that stands a thousand times is checked no time")
    func repeatedSignature() throws {
        let lying = try LiarCase()
        let messages = (0..<10).map { number in
            var message = lying.scenario.change(
                .submitterListed(
                    key: Fixture.key(250).publicKey, name: "stranger", quota: UInt32(number)),
                signers: [0])
            message.endorsements = Array(repeating: message.endorsements[0], count: 1_000)
            return PeerMessage.command(.governance(message)).encoded
        }
        let time = try processorTime {
            for bytes in messages {
                _ = try lying.host.receive(
                    bytes, from: ValidatorIndex(9), at: lying.cluster.instant)
            }
        }
        #expect(time < .milliseconds(150))
    }

    @Test("An invalid proposal that comes again is not derived again")
    func invalidProposalAgain() throws {
        let lying = try LiarCase(liar: nil)
        let requests = (0..<300).map { _ in Message.request(lying.scenario.request()) }
        try lying.cluster.run(29_100)
        let proposal = try lying.proposal(
            at: lying.cluster.instant.time, requests, value: Digest(hashing: [1]))
        let bytes = PeerMessage.proposal(proposal).encoded
        let leader = ValidatorIndex(UInt16(lying.liar))
        let first = try processorTime {
            _ = try lying.host.receive(bytes, from: leader, at: lying.cluster.instant)
        }
        let others = try processorTime {
            for _ in 0..<10 {
                _ = try lying.host.receive(bytes, from: leader, at: lying.cluster.instant)
            }
        }
        #expect(others < first * 3)
    }

    @Test("Every answer is charged to whoever asked")
    func questionsWithoutEnd() throws {
        let lying = try LiarCase()
        let requests = (0..<256).map { _ in lying.scenario.request() }
        for request in requests { lying.say(.command(.request(request)), to: [0]) }
        // Before anything is in a batch.
        try lying.cluster.run(20)
        let want = PeerMessage.want(requests.map { $0.id(in: lying.ledger) }).encoded
        var bytes = 0
        for _ in 0..<64 {
            let outputs = try lying.host.receive(
                want, from: ValidatorIndex(9), at: lying.cluster.instant)
            for case .send(let answer, _) in outputs { bytes += answer.count }
        }
        #expect(bytes > 0)
        #expect(bytes < 3 << 20)
    }
}
