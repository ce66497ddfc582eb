// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Testing

/// Every history that matters of four validators, T = 3, in three rounds, with two values.
///
/// What is left out, and why nothing is lost by it:
/// - a conviction is two signatures of one key. So whether an honest validator can be convicted is
///   a question about its own words alone, and one machine among three liars says all that it can
///   say among fewer: what honest others send, liars can send;
/// - messages come just before they have an effect: one that changes nothing when it comes may as
///   well come later;
/// - rounds go in step: what is said in a round rests on prevotes of this round and earlier ones
///   and on own locks, never on later rounds;
/// - precommits of others are not delivered: they make a node decide, after which it is silent, or
///   move on, which the waits do too. Any validator may be made to move on at any time;
/// - any proposal may come to any node, as if liars led every round: that is more than can happen.
///
/// `ForkSearch` says what else is left out where forks are counted.
@Suite("Forks, exhaustively") struct ForkExhaustionTests {
    // MARK: Nobody honest

    /// Goes through all that liars can make of a node from its round on.
    private func besiege(_ node: SmallNode, _ count: inout Int, _ found: inout [ForkTrace]) {
        func quorum(_ node: inout SmallNode, _ value: Digest?, _ round: UInt32) {
            for liar in 0..<4 where liar != node.number {
                node.receive(Small.vote(.prevote, round, value, -1, by: liar))
            }
        }
        let round = node.machine.round
        var prevoted: [SmallNode] = []
        var silent = node
        silent.wait(.propose)
        prevoted.append(silent)
        for value in Small.values {
            for validRound in -1..<Int64(round) {
                var next = node
                if let ground = UInt32(exactly: validRound) { quorum(&next, value, ground) }
                next.propose(value, validRound)
                prevoted.append(next)
            }
        }
        var precommitted: [SmallNode] = []
        for node in prevoted {
            for value in Small.values {
                var next = node
                next.propose(value, -1)
                quorum(&next, value, round)
                precommitted.append(next)
            }
            var next = node
            quorum(&next, nil, round)
            precommitted.append(next)
            next = node
            next.wait(.prevote)
            precommitted.append(next)
            // A quorum that comes too late to precommit, and still makes the valid value.
            for value in Small.values {
                var late = next
                late.propose(value, -1)
                quorum(&late, value, round)
                precommitted.append(late)
            }
        }
        for node in precommitted {
            count += 1
            let own = node.journal.filter { $0.validator == Small.members[node.number] }
            let trace = Small.trace(own)
            if !trace.guilty.isEmpty { found.append(trace) }
            guard round + 1 < Small.rounds else { continue }
            var next = node
            next.wait(.precommit)
            besiege(next, &count, &found)
            guard round + 2 < Small.rounds else { continue }
            // Two members in a later round take it along.
            var skipped = node
            for liar in (0..<4).filter({ $0 != node.number }).prefix(2) {
                skipped.receive(Small.vote(.precommit, round + 2, nil, -1, by: liar))
            }
            besiege(skipped, &count, &found)
        }
    }

    @Test("no honest validator is ever convicted, however many lie", arguments: 0..<4)
    func nobodyHonest(number: Int) {
        var count = 0
        var found: [ForkTrace] = []
        besiege(SmallNode(number: number), &count, &found)
        #expect(found.isEmpty, "\(String(describing: found.first))")
        #expect(count > 20_000, "\(count) histories")
    }

    @Test("without the locks the same search finds who is convicted")
    func findsForgottenLocks() {
        // The search is able to fail: a validator that forgets its lock is caught by it.
        let node = SmallNode(number: 3, keepsLocks: false)
        var count = 0
        var found: [ForkTrace] = []
        besiege(node, &count, &found)
        #expect(found.contains { $0.guilty.flatMap(\.offences).map(\.kind) == [.amnesia] })
    }

    // MARK: All the guilty

    @Test("every fork of two liars among four convicts both, by two signatures each")
    func everyFork() {
        let found = ForkSearch().result
        #expect(found.escapes.isEmpty, "\(found.escapes.count): \(found.escapes.first ?? "")")
        // So many does a model of the search count that knows the rules alone, not the machine.
        #expect(found.ways == [23_971, 23_971], "\(found.summary)")
        #expect(found.histories == 1_347_752, "\(found.summary)")
        #expect(found.forks == 1_817_668, "\(found.summary)")
        #expect(found.kinds == 3_901, "\(found.summary)")
    }

    @Test("where prevotes count whatever their ground, the same search finds forks unpunished")
    func findsForksUnpunished() {
        // The search is able to fail.
        let found = ForkSearch(countsGrounds: false).result
        #expect(!found.escapes.isEmpty, "\(found.summary)")
    }
}
