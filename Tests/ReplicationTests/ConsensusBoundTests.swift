// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import TestSupport
import Testing

/// What is kept is bounded, and the bounds hide nothing that a rule needs.
@Suite("Consensus, bounds")
struct ConsensusBoundTests {
    private typealias Case = ConsensusCase
    private let a = ConsensusCase.a
    private let b = ConsensusCase.b
    private let c = ConsensusCase.c
    private let behindMax = ReplicationLimits.roundsBehindMax
    private let aheadMax = ReplicationLimits.roundsAheadMax

    private func value(_ number: Int) -> Digest {
        Digest(hashing: [9, UInt8(number & 255), UInt8(number >> 8)])
    }

    @Test("rounds are kept from far enough behind to far enough ahead, and no further")
    func keepsRoundsAround() {
        var node = Case.started(4, 3)
        let now = behindMax + 100
        for round in 0..<now { node.time(.precommit, in: round) }
        for round in 0..<now + 100 { node.vote(.prevote, a, in: round, from: 0) }
        #expect(node.machine.keptRoundNumbers == Array(100...now + aheadMax))
        node.time(.precommit, in: now)
        #expect(node.machine.keptRoundNumbers == Array(101...now + aheadMax))
    }

    @Test("the rounds of the lock and of the valid value are kept however old")
    func keepsLockedRound() {
        var node = Case.started(4, 3)
        node.time(.precommit, in: 0)
        node.lock(a, in: 1)
        node.time(.precommit, in: 1)
        node.propose(b, in: 2)
        node.time(.prevote, in: 2)
        node.votes(.prevote, b, in: 2, count: 3)
        #expect(node.machine.lockedRound == 1 && node.machine.validRound == 2)
        for round in 2..<1_102 as Range<UInt32> { node.time(.precommit, in: round) }
        #expect(node.machine.keptRoundNumbers.prefix(3) == [1, 2])
        #expect(
            node.time(.precommit, in: 1_102) == [
                .propose(round: 1_103, value: b, validRound: 2), Case.waits(.propose, in: 1_103),
            ])
        #expect(node.machine.voters(.prevote, round: 2, value: b).count == 3)
        let effects = node.votes(.precommit, a, in: 1, count: 3)
        #expect(effects == [.decide(value: a, round: 1)])
    }

    @Test("the round on which a proposal rests is kept and asked for, however old")
    func keepsNamedRound() {
        var node = Case.started(4, 3)
        for round in 0..<1_100 as Range<UInt32> { node.time(.precommit, in: round) }
        node.votes(.prevote, a, in: 5, count: 3)
        #expect(node.machine.voters(.prevote, round: 5) == [])
        node.propose(a, in: 1_100, validRound: 5)
        #expect(node.machine.wanted.map(\.through) == [5])
        #expect(
            node.votes(.prevote, a, in: 5, count: 3) == [Case.prevoted(a, in: 1_100, ground: 5)])
        // What it prevoted on it can show as long as the height lasts.
        for round in 1_100..<1_200 as Range<UInt32> { node.time(.precommit, in: round) }
        #expect(node.machine.quorums(of: a, through: 1_200) == [5])
    }

    @Test("a member's votes are kept for so many values of a round, and nil")
    func boundsValues() {
        var node = Case.started(10, 7)
        for number in 0..<50 { node.vote(.prevote, value(number), in: 0, from: 0) }
        node.vote(.prevote, nil, in: 0, from: 0)
        let kept = (0..<50).filter {
            node.machine.hasVote(
                .prevote, round: 0, value: value($0), from: ValidatorIndex(0))
        }
        #expect(kept == Array(0..<ReplicationLimits.valuesPerVoterMax))
        #expect(node.machine.hasVote(.prevote, round: 0, value: nil, from: ValidatorIndex(0)))
        // The bound is of each kind and round.
        node.vote(.precommit, a, in: 0, from: 0)
        node.vote(.prevote, a, in: 1, from: 0)
        #expect(node.machine.hasVote(.precommit, round: 0, value: a, from: ValidatorIndex(0)))
        #expect(node.machine.hasVote(.prevote, round: 1, value: a, from: ValidatorIndex(0)))
    }

    @Test("votes for what a proposal names are kept, whatever else a member voted for")
    func keepsVotesForNamedValues() {
        var node = Case.started(10, 7)
        node.time(.precommit, in: 0)
        for number in 0..<50 { node.vote(.prevote, value(number), in: 0, from: 0) }
        for sender in 1..<5 { node.vote(.prevote, a, in: 0, from: sender) }
        node.propose(a, in: 1, validRound: 0)
        node.vote(.prevote, a, in: 0, from: 0)
        #expect(node.machine.hasVote(.prevote, round: 0, value: a, from: ValidatorIndex(0)))
        node.vote(.prevote, a, in: 0, from: 5)
        #expect(
            node.vote(.prevote, a, in: 0, from: 6) == [Case.prevoted(a, in: 1, ground: 0)])
    }

    @Test("votes for what enough others voted for are kept, whatever else a member voted for")
    func keepsVotesForSupportedValues() {
        var node = Case.started(10, 7)
        for number in 0..<50 { node.vote(.precommit, value(number), in: 0, from: 0) }
        for sender in 1..<4 { node.vote(.precommit, a, in: 0, from: sender) }
        node.vote(.precommit, a, in: 0, from: 0)
        #expect(!node.machine.hasVote(.precommit, round: 0, value: a, from: ValidatorIndex(0)))
        node.vote(.precommit, a, in: 0, from: 4)
        node.vote(.precommit, a, in: 0, from: 0)
        #expect(node.machine.hasVote(.precommit, round: 0, value: a, from: ValidatorIndex(0)))
    }

    @Test("proposals of a round are bounded, but for one that others may decide by")
    func boundsProposals() {
        var node = Case.started(4, 3)
        for number in 0..<50 { node.propose(value(number), in: 0) }
        #expect(
            node.machine.proposals(of: 0).map(\.value)
                == (0..<ReplicationLimits.proposalsPerRoundMax).map(value))
        node.propose(a, in: 0)
        node.votes(.precommit, a, in: 0, count: 3)
        #expect(node.machine.decided == nil)
        node.propose(a, in: 0, .invalid)
        #expect(node.machine.proposals(of: 0).count == ReplicationLimits.proposalsPerRoundMax)
        #expect(node.propose(a, in: 0) == [.decide(value: a, round: 0)])
    }

    @Test("a proposal found invalid with one valid round does not hide it with another")
    func judgesByValidRound() {
        var node = Case.started(4, 3)
        for round in 0..<2 as Range<UInt32> { node.time(.precommit, in: round) }
        node.propose(a, in: 2, validRound: 1, .invalid)
        node.votes(.precommit, a, in: 2, count: 3)
        #expect(node.machine.decided == nil)
        #expect(node.propose(a, in: 2, validRound: 0) == [.decide(value: a, round: 2)])
    }

    @Test("a proposal that came keeps the first judgement of its time")
    func keepsFirstJudgement() {
        var node = Case.started(4, 3)
        node.propose(a, in: 1, .untimely)
        node.propose(a, in: 1, .valid)
        #expect(
            node.time(.precommit, in: 0)
                == [Case.waits(.propose, in: 1), Case.prevoted(nil, in: 1)])
    }

    @Test("no messages, however hostile, make more to keep than the bounds allow")
    func staysBounded() {
        for seed in 0..<3 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            var node = Case.started(4, 3)
            var candidatesMax = 0
            var roundsMax = 0
            for count in 0..<20_000 {
                let round = node.machine.round
                let near = UInt32(random.next() % UInt64(round + 20))
                let some = value(Int(random.next() % 200))
                switch random.next() % 8 {
                case 0, 1:
                    let validRound = Int64(random.next() % UInt64(near + 2)) - 1
                    node.propose(some, in: near, validRound: validRound)
                case 2...5:
                    node.vote(
                        random.next() % 2 == 0 ? .prevote : .precommit, some, in: near,
                        from: Int(random.next() % 2))
                case 6:
                    node.vote(.prevote, some, in: UInt32(random.next() >> 32), from: 0)
                default:
                    if random.next() % 20 == 0 { node.time(.precommit, in: round) }
                }
                candidatesMax = max(candidatesMax, node.machine.proposals(of: near).count)
                // What is kept grows by a round at a time, and shrinks only by what goes.
                guard count % 50 == 0 else { continue }
                roundsMax = max(roundsMax, node.machine.keptRoundNumbers.count)
            }
            roundsMax = max(roundsMax, node.machine.keptRoundNumbers.count)
            // The bounds were reached, or else they were not tried.
            #expect(node.machine.round > behindMax, "seed \(seed): round \(node.machine.round)")
            let ahead = Int(aheadMax) + 1
            let most = ReplicationLimits.proposalsPerRoundMax
            #expect(candidatesMax <= most + 4, "seed \(seed)")
            #expect(
                roundsMax <= Int(behindMax) + ahead + 2 + ahead * (most + 4), "seed \(seed)")
        }
    }
}
