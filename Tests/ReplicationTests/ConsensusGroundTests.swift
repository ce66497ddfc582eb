// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Testing

/// A prevote counts only where the quorum of prevotes that it rests on does.
@Suite("Consensus, grounds") struct ConsensusGroundTests {
    private typealias Case = ConsensusCase
    private let a = ConsensusCase.a
    private let b = ConsensusCase.b

    private func prevote(
        _ node: inout ConsensusCase, _ value: Digest?, in round: UInt32, on ground: Int64,
        from sender: Int
    ) -> [Consensus.Effect] {
        node.step(
            .vote(
                .prevote, round: round, value: value, ground: ground,
                from: ValidatorIndex(UInt16(sender))))
    }

    /// Member 3 of four in a round, with the proposal of a there that it has prevoted.
    private func node(in round: UInt32) -> ConsensusCase {
        var node = Case.started(4, 3)
        for earlier in 0..<round { node.time(.precommit, in: earlier) }
        node.propose(a, in: round)
        return node
    }

    @Test("prevotes on a false ground make no quorum, of whatever kind")
    func falseGrounds() {
        var node = node(in: 2)
        for sender in 0..<3 {
            #expect(prevote(&node, a, in: 2, on: 1, from: sender) == [])
        }
        #expect(node.machine.voters(.prevote, round: 2) == [ValidatorIndex(3)])
        #expect(node.machine.lockedRound == -1)
        #expect(node.machine.wanted.map(\.value) == [a])
        #expect(node.machine.wanted.map(\.through) == [1])
    }

    @Test("they count once their ground does, and those that rest on them")
    func countsLater() {
        var node = node(in: 3)
        for sender in 0..<3 { #expect(prevote(&node, a, in: 3, on: 2, from: sender) == []) }
        for sender in 0..<3 { #expect(prevote(&node, a, in: 2, on: 0, from: sender) == []) }
        #expect(prevote(&node, a, in: 0, on: -1, from: 0) == [])
        #expect(prevote(&node, a, in: 0, on: -1, from: 1) == [])
        let effects = prevote(&node, a, in: 0, on: -1, from: 2)
        #expect(effects.contains(Case.precommitted(a, in: 3)))
        #expect(node.machine.quorums(of: a, through: 9) == [0, 2, 3])
        #expect(node.machine.wanted == [])
    }

    @Test("a quorum for another value, or short of T, is no ground")
    func asksForTheValue() {
        var node = node(in: 2)
        for sender in 0..<3 { _ = prevote(&node, b, in: 1, on: -1, from: sender) }
        for sender in 0..<2 { _ = prevote(&node, a, in: 0, on: -1, from: sender) }
        for sender in 0..<2 {
            _ = prevote(&node, a, in: 2, on: 1, from: sender)
            _ = prevote(&node, a, in: 2, on: 0, from: sender)
        }
        #expect(node.machine.voters(.prevote, round: 2, value: a) == [ValidatorIndex(3)])
    }

    @Test("a ground that is not before the round is none, and nil needs none")
    func impossibleGrounds() {
        var node = node(in: 1)
        for ground in [1, 2, .max] as [Int64] {
            _ = prevote(&node, a, in: 1, on: ground, from: 0)
            #expect(!node.machine.hasVote(.prevote, round: 1, value: a, from: ValidatorIndex(0)))
        }
        _ = prevote(&node, nil, in: 1, on: 0, from: 0)
        #expect(node.machine.hasVote(.prevote, round: 1, value: nil, from: ValidatorIndex(0)))
    }

    @Test("what waits is bounded, and hides nothing that counts")
    func boundsWaiting() {
        var node = node(in: 40)
        for ground in 0..<40 as Range<Int64> { _ = prevote(&node, a, in: 40, on: ground, from: 0) }
        func takes(_ ground: Int64, _ sender: UInt16) -> Bool {
            node.machine.takes(
                .prevote, of: a, in: 40, on: ground, from: ValidatorIndex(sender))
        }
        #expect(!takes(39, 0) && !takes(0, 0) && takes(39, 1) && takes(-1, 0))
        // The ground that others saw comes, and with it the vote counts that had to be dropped.
        for sender in 0..<3 { _ = prevote(&node, a, in: 30, on: -1, from: sender) }
        #expect(takes(30, 0))
        _ = prevote(&node, a, in: 40, on: 30, from: 0)
        #expect(node.machine.hasVote(.prevote, round: 40, value: a, from: ValidatorIndex(0)))
        #expect(!takes(30, 0) && !takes(5, 0))
    }

    @Test("the ground of a prevote is the later of the lock on its value and the valid round")
    func ownGround() {
        for (validRound, expected) in [(-1, 1), (0, 1), (1, 1), (2, 2)] as [(Int64, Int64)] {
            var node = Case.started(4, 3)
            node.votes(.prevote, a, in: 0, count: 3)
            node.time(.precommit, in: 0)
            node.lock(a, in: 1)
            node.time(.precommit, in: 1)
            node.votes(.prevote, a, in: 2, count: 3)
            node.time(.precommit, in: 2)
            #expect(
                node.propose(a, in: 3, validRound: validRound)
                    == [Case.prevoted(a, in: 3, ground: expected)])
        }
    }

    @Test("a lock that a journal gives back is a ground that its prevotes show")
    func restoredGround() {
        var journal = (0..<3).map {
            Consensus.Input.vote(
                .prevote, round: 1, value: a, from: ValidatorIndex(UInt16($0)))
        }
        journal.append(.vote(.prevote, round: 1, value: a, from: ValidatorIndex(3)))
        journal.append(.vote(.precommit, round: 1, value: a, from: ValidatorIndex(3)))
        var node = Case(4, 3, own: 3)
        node.machine.restore(journal, held: [a])
        node.step(.start)
        node.time(.precommit, in: 1)
        #expect(node.propose(a, in: 2) == [Case.prevoted(a, in: 2, ground: 1)])
        #expect(node.machine.quorums(of: a, through: 2) == [1])
    }
}
