// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Testing

@Suite("What adversaries do to evidence")
struct AdversaryEvidenceTests {
    private func value(_ number: Int) -> Digest {
        Digest(hashing: [UInt8(number & 255), UInt8(number >> 8)])
    }

    @Test("Votes without number in one slot convict once, and are not journaled")
    func votesWithoutNumber() throws {
        let lying = try LiarCase()
        for number in 0..<600 { lying.say(lying.prevote(value(number)), to: [0]) }
        try lying.cluster.run(300)
        var journaled = 0
        try lying.host.forEachJournaled { item in
            guard case .received(let vote) = item, Int(vote.validator.rawValue) == lying.liar
            else { return }
            journaled += 1
        }
        #expect(journaled <= ReplicationLimits.valuesPerVoterMax)
        // One piece of evidence, to each of the others; votes after it are not even looked at.
        #expect(lying.counts[[2, 6]] == 9)
        try lying.cluster.run(3_000)
        #expect(lying.host.state.convictionCount == 1)
    }

    @Test("A vote in a batch is compared with the one that was heard")
    func voteInABatch() throws {
        let lying = try LiarCase()
        let request = lying.scenario.request()
        let id = request.id(in: lying.ledger)
        let now = lying.cluster.instant.time
        lying.say(lying.verdict(.approve, on: id, at: now), to: [0])
        lying.say(lying.verdict(.reject, on: id, at: now), to: Array(1..<9))
        lying.cluster.submit(.request(request), to: [3])
        try lying.cluster.run(5_000)
        #expect(lying.host.state.convictionCount == 1)
    }

    @Test("A forgotten lock convicts as soon as both votes are heard")
    func forgottenLock() throws {
        let lying = try LiarCase()
        func vote(_ kind: ConsensusKind, _ round: UInt32, _ value: Digest) -> PeerMessage {
            .vote(
                ConsensusVote(
                    kind: kind, height: Height(1), round: round, value: value, ground: -1,
                    validator: ValidatorIndex(UInt16(lying.liar)), signature: .zero
                ).signed(by: lying.key, in: lying.ledger))
        }
        lying.say(vote(.precommit, 0, value(1)), to: [0])
        lying.say(vote(.prevote, 1, value(2)), to: [0])
        try lying.cluster.run(40_000)
        #expect(lying.host.state.convictionCount == 1)
    }

    @Test("A precommit that a batch shows is compared with the one that was heard")
    func precommitInABatch() throws {
        let lying = try LiarCase(4, 3, liar: 0)
        func vote(_ kind: ConsensusKind, _ round: UInt32, _ value: Digest) -> PeerMessage {
            .vote(
                ConsensusVote(
                    kind: kind, height: Height(1), round: round, value: value, ground: -1,
                    validator: ValidatorIndex(UInt16(lying.liar)), signature: .zero
                ).signed(by: lying.key, in: lying.ledger))
        }
        // The last is cut off, and hears of the liar another precommit than those that decide.
        var isWhole = false
        lying.cluster.isCut = { from, to in !isWhole && (from == 3) != (to == 3) }
        lying.cluster.change = { _, to, bytes in
            if case .proposal(let proposal)? = try? PeerMessage(decoding: bytes),
                proposal.height == Height(1), to != 3
            {
                lying.say(vote(.prevote, proposal.round, proposal.value), to: [1, 2])
                lying.say(vote(.precommit, proposal.round, proposal.value), to: [1, 2])
                lying.say(vote(.precommit, proposal.round, self.value(7)), to: [3])
            }
            return bytes
        }
        lying.cluster.submit(.request(lying.scenario.request()), to: [1, 2])
        try lying.cluster.run(20_000)
        #expect(lying.cluster.hosts[1]?.state.height.rawValue ?? 0 >= 1)
        #expect(lying.cluster.hosts[3]?.state.height == Height(0))
        isWhole = true
        try lying.cluster.run(20_000)
        for place in lying.honest {
            #expect(lying.cluster.hosts[place]?.state.convictionCount == 1)
        }
    }
}
