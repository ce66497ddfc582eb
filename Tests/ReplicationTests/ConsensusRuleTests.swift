// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Testing

/// Each rule of Algorithm 1, on both sides of what it asks for.
@Suite("Consensus, rule by rule")
struct ConsensusRuleTests {
    private typealias Case = ConsensusCase
    private let a = ConsensusCase.a
    private let b = ConsensusCase.b
    private let c = ConsensusCase.c

    @Test("L11: only the leader of a round proposes, and everyone sets a wait")
    func starts() {
        for (size, threshold) in Case.sizes {
            var leader = Case(size, threshold, own: 0)
            #expect(
                leader.step(.start) == [
                    .propose(round: 0, value: nil, validRound: -1), Case.waits(.propose, in: 0),
                ])
            #expect(leader.step(.start) == [])
            var other = Case(size, threshold, own: 1)
            #expect(other.step(.start) == [Case.waits(.propose, in: 0)])
            var observer = Case(size, threshold, own: nil)
            #expect(observer.step(.start) == [Case.waits(.propose, in: 0)])
            var stranger = Case(size, threshold, own: size)
            #expect(stranger.step(.start) == [Case.waits(.propose, in: 0)])
            #expect(stranger.machine.own == nil)
        }
    }

    @Test("L15: a leader proposes its valid value again, with the round of its prevotes")
    func proposesValidValue() {
        var node = Case(4, 3, own: 1)
        node.step(.start)
        node.lock(a, in: 0)
        let effects = node.time(.precommit, in: 0)
        #expect(
            effects == [
                .propose(round: 1, value: a, validRound: 0), Case.waits(.propose, in: 1),
            ])
    }

    @Test("L22: a fresh proposal is prevoted if it is valid and timely, else nil")
    func prevotesFreshProposal() {
        for (size, threshold) in Case.sizes {
            for (validity, vote) in [
                (Consensus.Validity.valid, a), (.untimely, nil), (.invalid, nil),
            ] {
                var node = Case.started(size, threshold)
                #expect(node.propose(a, in: 0, validity) == [Case.prevoted(vote, in: 0)])
                #expect(node.machine.step == .prevote)
                #expect(node.propose(b, in: 0) == [])
            }
        }
    }

    @Test("L23: a locked node prevotes its value alone")
    func prevotesFreshProposalUnderLock() {
        for (proposed, keepsLocks, vote) in [
            (a, true, a), (b, true, nil), (a, false, a), (b, false, b),
        ] {
            var node = Case.started(4, 3, keepsLocks: keepsLocks)
            node.lock(a, in: 0)
            node.time(.precommit, in: 0)
            #expect(
                node.propose(proposed, in: 1)
                    == [Case.prevoted(vote, in: 1, ground: vote == a ? 0 : -1)])
        }
    }

    @Test("L22: a proposal that comes after the wait for it is over is not prevoted")
    func lateProposal() {
        var node = Case.started(4, 3)
        #expect(node.time(.propose, in: 0) == [Case.prevoted(nil, in: 0)])
        #expect(node.propose(a, in: 0) == [])
    }

    @Test("L22: a proposal of a later round waits for the round")
    func earlyProposal() {
        var node = Case.started(4, 3)
        #expect(node.propose(a, in: 1) == [])
        let effects = node.time(.precommit, in: 0)
        #expect(effects == [Case.waits(.propose, in: 1), Case.prevoted(a, in: 1)])
    }

    @Test("L28: a proposal that rests on prevotes waits for a quorum of them")
    func waitsForPolka() {
        for (size, threshold) in Case.sizes {
            var node = Case.started(size, threshold)
            node.time(.precommit, in: 0)
            #expect(node.propose(a, in: 1, validRound: 0) == [])
            #expect(node.machine.wanted.map(\.through) == [0])
            node.votes(.prevote, b, in: 0, count: size - 1)
            #expect(node.votes(.prevote, a, in: 0, count: threshold - 1) == [])
            #expect(node.machine.wanted.map(\.through) == [0])
            #expect(
                node.vote(.prevote, a, in: 0, from: threshold - 1)
                    == [Case.prevoted(a, in: 1, ground: 0)])
            #expect(node.machine.wanted == [])
        }
    }

    @Test("L28: prevotes of another round or value are none for a proposal")
    func asksForTheVeryPolka() {
        var node = Case.started(4, 3)
        node.time(.precommit, in: 0)
        node.time(.precommit, in: 1)
        node.votes(.prevote, a, in: 0, count: 3)
        node.votes(.prevote, b, in: 1, count: 3)
        #expect(node.propose(a, in: 2, validRound: 1) == [])
        #expect(node.machine.wanted.map(\.through) == [1])
        var other = Case.started(4, 3)
        other.time(.precommit, in: 0)
        other.votes(.prevote, nil, in: 0, count: 3)
        #expect(other.propose(a, in: 1, validRound: 0) == [])
    }

    @Test("L29: a lock gives way to prevotes of its own round or a later one")
    func unlocks() {
        // The lock is on a, in round 1; the proposal of round 3 rests on prevotes of `validRound`.
        for (proposed, validRound, validity, keepsLocks, vote) in [
            (b, Int64(0), Consensus.Validity.valid, true, Digest?.none),
            (b, 1, .valid, true, b), (b, 2, .valid, true, b),
            (a, 0, .valid, true, a), (a, 1, .valid, true, a), (a, 2, .valid, true, a),
            (b, 2, .untimely, true, b), (b, 2, .invalid, true, nil), (a, 2, .invalid, true, nil),
            (b, 0, .valid, false, b), (b, 0, .invalid, false, nil),
        ] {
            var node = Case.started(4, 3, keepsLocks: keepsLocks)
            node.time(.precommit, in: 0)
            node.lock(a, in: 1)
            node.time(.precommit, in: 1)
            node.time(.precommit, in: 2)
            node.votes(.prevote, proposed, in: UInt32(validRound), count: 3)
            #expect(
                node.propose(proposed, in: 3, validRound: validRound, validity) == [
                    Case.prevoted(
                        vote, in: 3,
                        ground: vote == a ? max(validRound, 1) : vote == b ? validRound : -1)
                ], "\(validRound) \(validity) \(keepsLocks)")
        }
    }

    @Test("a valid round that is not below the round, or is below -1, makes no proposal")
    func impossibleValidRounds() {
        for validRound in [Int64(1), 2, .max, -2, .min] {
            var node = Case.started(4, 3)
            node.time(.precommit, in: 0)
            node.votes(.prevote, a, in: 1, count: 2)
            #expect(node.propose(a, in: 1, validRound: validRound) == [])
            #expect(node.machine.proposals(of: 1) == [])
        }
    }

    @Test("L34: a quorum of prevotes for whatever sets a wait, once, after the own prevote")
    func timesPrevotes() {
        for (size, threshold) in Case.sizes {
            var node = Case.started(size, threshold)
            node.feedsBack = false
            node.vote(.prevote, a, in: 0, from: 0)
            node.vote(.prevote, b, in: 0, from: 0)
            node.vote(.prevote, nil, in: 0, from: 0)
            for sender in 1..<threshold - 1 {
                let value = [a, b, nil][sender % 3]
                #expect(node.vote(.prevote, value, in: 0, from: sender) == [])
            }
            #expect(node.time(.propose, in: 0) == [Case.prevoted(nil, in: 0)])
            #expect(node.vote(.prevote, c, in: 0, from: threshold - 2) == [])
            #expect(
                node.vote(.prevote, c, in: 0, from: threshold - 1) == [Case.waits(.prevote, in: 0)])
            #expect(node.vote(.prevote, c, in: 0, from: size - 1) == [])
        }
    }

    @Test("L34: not while a proposal is awaited")
    func timesNoPrevotesBeforeOwn() {
        var node = Case.started(4, 3)
        node.vote(.prevote, a, in: 0, from: 0)
        node.vote(.prevote, b, in: 0, from: 1)
        #expect(node.vote(.prevote, nil, in: 0, from: 2) == [])
        #expect(
            node.time(.propose, in: 0) == [Case.prevoted(nil, in: 0), Case.waits(.prevote, in: 0)])
    }

    @Test("L36: a valid proposal with a quorum of prevotes is locked and precommitted")
    func locks() {
        for (size, threshold) in Case.sizes {
            for validity in [Consensus.Validity.valid, .untimely, .invalid] {
                var node = Case.started(size, threshold)
                node.feedsBack = false
                node.propose(a, in: 0, validity)
                #expect(node.votes(.prevote, a, in: 0, count: threshold - 1) == [])
                #expect(node.machine.lockedValue == nil && node.machine.validValue == nil)
                let effects = node.vote(.prevote, a, in: 0, from: threshold - 1)
                if validity == .invalid {
                    #expect(effects == [Case.waits(.prevote, in: 0)])
                    #expect(node.machine.lockedValue == nil && node.machine.validValue == nil)
                } else {
                    #expect(effects == [Case.precommitted(a, in: 0)])
                    #expect(node.machine.lockedValue == a && node.machine.lockedRound == 0)
                    #expect(node.machine.validValue == a && node.machine.validRound == 0)
                }
            }
        }
    }

    @Test("L36: prevotes wait for the proposal, and for the own prevote")
    func locksOnceProposalComes() {
        var node = Case.started(4, 3)
        #expect(node.votes(.prevote, a, in: 0, count: 3) == [])
        #expect(
            node.propose(a, in: 0) == [Case.prevoted(a, in: 0), Case.precommitted(a, in: 0)])
        var late = Case.started(4, 3)
        late.time(.propose, in: 0)
        #expect(late.votes(.prevote, a, in: 0, count: 3) == [Case.waits(.prevote, in: 0)])
        #expect(late.propose(a, in: 0) == [Case.precommitted(a, in: 0)])
    }

    @Test("L42: after the precommit a quorum of prevotes still sets the valid value, not the lock")
    func validValueWithoutLock() {
        var node = Case.started(4, 3)
        node.time(.propose, in: 0)
        #expect(node.time(.prevote, in: 0) == [Case.precommitted(nil, in: 0)])
        node.propose(a, in: 0)
        #expect(node.votes(.prevote, a, in: 0, count: 3) == [])
        #expect(node.machine.validValue == a && node.machine.validRound == 0)
        #expect(node.machine.lockedValue == nil && node.machine.lockedRound == -1)
    }

    @Test("L36 acts once a round")
    func locksOnce() {
        var node = Case.started(4, 3)
        node.propose(a, in: 0)
        node.propose(b, in: 0)
        node.votes(.prevote, a, in: 0, count: 3)
        #expect(node.votes(.prevote, b, in: 0, count: 3) == [])
        #expect(node.machine.validValue == a && node.machine.lockedValue == a)
    }

    @Test("L36: prevotes of a round that has passed lock nothing")
    func locksInCurrentRound() {
        var node = Case.started(4, 3)
        node.propose(a, in: 0)
        node.time(.precommit, in: 0)
        #expect(node.votes(.prevote, a, in: 0, count: 3) == [])
        #expect(node.machine.validValue == nil && node.machine.lockedValue == nil)
    }

    @Test("L44: a quorum of prevotes for nil is precommitted, after the own prevote")
    func precommitsNil() {
        for (size, threshold) in Case.sizes {
            var node = Case.started(size, threshold)
            node.feedsBack = false
            #expect(node.votes(.prevote, nil, in: 0, count: threshold - 1) == [])
            node.propose(a, in: 0)
            #expect(node.machine.step == .prevote)
            #expect(
                node.vote(.prevote, nil, in: 0, from: threshold - 1)
                    == [Case.precommitted(nil, in: 0)])
            #expect(node.machine.step == .precommit)
            var early = Case.started(size, threshold)
            #expect(early.votes(.prevote, nil, in: 0, count: threshold) == [])
            #expect(
                early.propose(a, in: 0) == [Case.prevoted(a, in: 0), Case.precommitted(nil, in: 0)])
        }
    }

    @Test("L47: a quorum of precommits for whatever sets a wait, once, in any step")
    func timesPrecommits() {
        for (size, threshold) in Case.sizes {
            for step in [Consensus.Step.propose, .prevote, .precommit] {
                var node = Case.started(size, threshold)
                node.feedsBack = false
                if step != .propose { node.time(.propose, in: 0) }
                if step == .precommit { node.time(.prevote, in: 0) }
                #expect(node.machine.step == step)
                for sender in 0..<threshold - 1 {
                    let value = [a, b, nil][sender % 3]
                    #expect(node.vote(.precommit, value, in: 0, from: sender) == [])
                    #expect(node.vote(.precommit, b, in: 0, from: sender) == [])
                }
                #expect(
                    node.vote(.precommit, c, in: 0, from: threshold - 1)
                        == [Case.waits(.precommit, in: 0)])
                #expect(node.vote(.precommit, c, in: 0, from: size - 1) == [])
            }
        }
    }

    @Test("L49: a valid proposal with a quorum of precommits is decided, in whatever round")
    func decides() {
        for (size, threshold) in Case.sizes {
            for (round, now) in [(UInt32(0), UInt32(0)), (0, 2), (1, 0), (3, 3)] {
                for validity in [Consensus.Validity.valid, .untimely, .invalid] {
                    var node = Case.started(size, threshold)
                    for passed in 0..<now { node.time(.precommit, in: passed) }
                    node.feedsBack = false
                    // The wait for precommits and a move to the round come on the way.
                    node.votes(.precommit, a, in: round, count: threshold - 1)
                    #expect(node.machine.decided == nil)
                    node.propose(a, in: round, validity)
                    #expect(node.machine.decided == nil)
                    let effects = node.vote(.precommit, a, in: round, from: threshold - 1)
                    if validity == .invalid {
                        #expect(node.machine.decided == nil)
                    } else {
                        #expect(effects == [.decide(value: a, round: round)])
                        #expect(node.machine.decided == .some(.init(value: a, round: round)))
                    }
                }
            }
        }
    }

    @Test("L49: precommits for a value do not decide another, nor do those of two rounds")
    func decidesOnlyByItsOwnPrecommits() {
        var node = Case.started(4, 3)
        node.propose(a, in: 0)
        node.votes(.precommit, b, in: 0, count: 3)
        #expect(node.machine.decided == nil)
        var split = Case.started(4, 3)
        split.propose(a, in: 0)
        split.propose(a, in: 1)
        split.vote(.precommit, a, in: 0, from: 0)
        split.vote(.precommit, a, in: 0, from: 1)
        split.vote(.precommit, a, in: 1, from: 2)
        #expect(split.machine.decided == nil)
        var none = Case.started(4, 3)
        none.propose(a, in: 0)
        none.votes(.precommit, nil, in: 0, count: 3)
        #expect(none.machine.decided == nil)
    }

    @Test("after a decision nothing comes out")
    func silentAfterDecision() {
        var node = Case.started(4, 3)
        node.votes(.precommit, a, in: 0, count: 3)
        #expect(node.propose(a, in: 0) == [.decide(value: a, round: 0)])
        #expect(node.votes(.precommit, b, in: 1, count: 3) == [])
        #expect(node.propose(b, in: 1) == [])
        #expect(node.time(.precommit, in: 0) == [])
        #expect(node.time(.propose, in: 0) == [])
        #expect(node.machine.decided == .init(value: a, round: 0))
    }

    @Test("L55: f + 1 members of a later round take a node there, f do not")
    func skipsRounds() {
        for (size, threshold) in Case.sizes {
            let failuresMax = size - threshold
            var node = Case.started(size, threshold)
            for sender in 0..<failuresMax {
                #expect(node.vote(.prevote, nil, in: 2, from: sender) == [])
                #expect(node.vote(.precommit, a, in: 2, from: sender) == [])
            }
            #expect(node.machine.round == 0)
            #expect(
                node.vote(.precommit, b, in: 2, from: failuresMax) == [Case.waits(.propose, in: 2)])
            #expect(node.machine.round == 2 && node.machine.step == .propose)
        }
    }

    @Test("L55: a proposal counts as its leader's message")
    func proposalsCountForSkips() {
        var node = Case.started(4, 3)
        #expect(node.propose(a, in: 2) == [])
        #expect(node.vote(.prevote, a, in: 2, from: 2) == [])
        #expect(
            node.vote(.prevote, a, in: 2, from: 0)
                == [
                    Case.waits(.propose, in: 2), Case.prevoted(a, in: 2),
                    Case.precommitted(a, in: 2),
                ]
        )
    }

    @Test("L55: the node goes as far as f + 1 members are, in whatever rounds they are")
    func skipsToTheRoundReached() {
        var node = Case.started(10, 7)
        for (sender, round) in [(0, UInt32(9)), (1, 5), (2, 3_000_000_000)] {
            node.vote(.prevote, nil, in: round, from: sender)
        }
        #expect(node.machine.round == 0)
        node.vote(.prevote, nil, in: 1, from: 3)
        #expect(node.machine.round == 1)
        node.vote(.prevote, nil, in: 7, from: 4)
        #expect(node.machine.round == 5)
        node.vote(.prevote, nil, in: .max, from: 5)
        #expect(node.machine.round == 7)
        node.vote(.prevote, nil, in: .max, from: 6)
        #expect(node.machine.round == 9)
        // The last round is never left, and never overflows.
        for sender in 0..<4 { node.vote(.prevote, nil, in: .max, from: sender) }
        #expect(node.machine.round == .max)
        #expect(node.time(.precommit, in: .max) == [])
    }

    @Test("L57, L61, L65: a wait counts in its own round and step only")
    func waits() {
        var node = Case.started(4, 3)
        #expect(node.time(.propose, in: 1) == [])
        #expect(node.time(.prevote, in: 0) == [])
        #expect(node.time(.propose, in: 0) == [Case.prevoted(nil, in: 0)])
        #expect(node.time(.propose, in: 0) == [])
        #expect(node.time(.prevote, in: 1) == [])
        #expect(node.time(.prevote, in: 0) == [Case.precommitted(nil, in: 0)])
        #expect(node.time(.prevote, in: 0) == [])
        #expect(node.time(.precommit, in: 1) == [])
        #expect(node.time(.precommit, in: 0) == [Case.waits(.propose, in: 1)])
        #expect(node.machine.round == 1 && node.machine.step == .propose)
        #expect(node.time(.precommit, in: 0) == [])
        #expect(node.time(.propose, in: 0) == [])
    }

    @Test("a member counts once for a value, and once among all")
    func countsSendersOnce() {
        var node = Case.started(4, 3)
        node.feedsBack = false
        node.propose(a, in: 0)
        for _ in 0..<5 {
            #expect(node.vote(.prevote, a, in: 0, from: 0) == [])
            #expect(node.vote(.prevote, b, in: 0, from: 0) == [])
            #expect(node.vote(.prevote, nil, in: 0, from: 0) == [])
            #expect(node.vote(.precommit, a, in: 0, from: 0) == [])
            #expect(node.vote(.precommit, nil, in: 0, from: 0) == [])
        }
        #expect(node.vote(.prevote, a, in: 0, from: 1) == [])
        // It counts for each value that it voted for.
        #expect(node.vote(.prevote, a, in: 0, from: 2) == [Case.precommitted(a, in: 0)])
        #expect(
            node.machine.voters(.prevote, round: 0) == [0, 1, 2].map { ValidatorIndex($0) })
        #expect(node.machine.voters(.prevote, round: 0, value: b) == [ValidatorIndex(0)])
        #expect(node.machine.hasVote(.prevote, round: 0, value: nil, from: ValidatorIndex(0)))
        #expect(!node.machine.hasVote(.prevote, round: 0, value: nil, from: ValidatorIndex(1)))
    }

    @Test("strangers have no voice")
    func ignoresStrangers() {
        var node = Case.started(4, 3)
        node.propose(a, in: 0)
        for sender in 4..<10 {
            #expect(node.vote(.prevote, a, in: 0, from: sender) == [])
            #expect(node.vote(.precommit, a, in: 0, from: sender) == [])
            #expect(node.vote(.precommit, a, in: 5, from: sender) == [])
        }
        #expect(node.machine.round == 0 && node.machine.step == .prevote)
    }

    @Test("before the start messages are kept, and only a decision comes out")
    func quietBeforeStart() {
        var node = Case(4, 3, own: 3)
        #expect(!node.machine.isCalledFor)
        #expect(node.propose(a, in: 0) == [])
        #expect(!node.machine.isCalledFor)
        #expect(node.vote(.prevote, a, in: 0, from: 0) == [])
        #expect(!node.machine.isCalledFor)
        #expect(node.vote(.prevote, a, in: 0, from: 1) == [])
        #expect(node.machine.isCalledFor)
        #expect(node.time(.propose, in: 0) == [])
        var decider = node
        #expect(
            node.step(.start) == [
                Case.waits(.propose, in: 0), Case.prevoted(a, in: 0), Case.precommitted(a, in: 0),
            ])
        #expect(decider.votes(.precommit, a, in: 0, count: 3) == [.decide(value: a, round: 0)])
        #expect(decider.step(.start) == [])
    }

    @Test("a node that starts late starts in the round of the others")
    func startsInLaterRound() {
        var node = Case(4, 3, own: 3)
        node.votes(.prevote, nil, in: 7, count: 2)
        #expect(node.machine.isCalledFor && node.machine.round == 7)
        #expect(
            node.step(.start) == [
                .propose(round: 7, value: nil, validRound: -1), Case.waits(.propose, in: 7),
            ])
    }

    @Test("an observer follows and decides, and says nothing")
    func observes() {
        var node = Case(4, 3, own: nil)
        node.step(.start)
        #expect(node.propose(a, in: 0) == [])
        #expect(node.votes(.prevote, a, in: 0, count: 3) == [])
        #expect(node.machine.step == .precommit)
        #expect(node.vote(.precommit, nil, in: 0, from: 0) == [])
        #expect(node.vote(.precommit, a, in: 0, from: 1) == [])
        #expect(node.vote(.precommit, a, in: 0, from: 2) == [Case.waits(.precommit, in: 0)])
        #expect(node.time(.precommit, in: 0) == [Case.waits(.propose, in: 1)])
        #expect(node.time(.propose, in: 1) == [])
        #expect(node.time(.prevote, in: 1) == [])
        #expect(node.vote(.precommit, a, in: 0, from: 3) == [.decide(value: a, round: 0)])
    }

    @Test("one member alone decides what it proposes")
    func singleMember() {
        var node = Case(1, 1, own: 0)
        #expect(
            node.step(.start) == [
                .propose(round: 0, value: nil, validRound: -1), Case.waits(.propose, in: 0),
            ])
        #expect(node.propose(a, in: 0).last == .decide(value: a, round: 0))
    }
}
