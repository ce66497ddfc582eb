// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Testing

/// A node that starts from its journal goes on as it was, and says nothing twice.
@Suite("Consensus, restored")
struct ConsensusRestoreTests {
    private typealias Case = ConsensusCase
    private let a = ConsensusCase.a
    private let b = ConsensusCase.b

    private func proposed(
        _ value: Digest, in round: UInt32, validRound: Int64 = -1
    ) -> Consensus.Input {
        .proposal(round: round, value: value, validRound: validRound, .valid)
    }

    private func cast(
        _ kind: ConsensusKind, _ value: Digest?, in round: UInt32, from sender: Int
    ) -> Consensus.Input {
        .vote(kind, round: round, value: value, from: ValidatorIndex(UInt16(sender)))
    }

    /// Node 1 of four, which leads rounds 1 and 5, with a journal.
    private func restored(_ journal: [Consensus.Input], held: [Digest] = []) -> Case {
        var node = Case(4, 3, own: 1)
        node.machine.restore(journal, held: held)
        return node
    }

    @Test("an empty journal makes a fresh start")
    func emptyJournal() {
        var node = restored([])
        #expect(!node.machine.isCalledFor)
        #expect(node.machine == Case(4, 3, own: 1).machine)
        #expect(node.step(.start) == [Case.waits(.propose, in: 0)])
    }

    @Test("a leader that has proposed makes no other proposal, and prevotes its own")
    func resumesProposal() {
        var node = restored([proposed(a, in: 1)])
        #expect(node.machine.isCalledFor)
        #expect(node.machine.round == 1 && node.machine.step == .propose)
        #expect(
            node.step(.start) == [Case.waits(.propose, in: 1), Case.prevoted(a, in: 1)])
        #expect(node.propose(b, in: 1) == [])
    }

    @Test("a node that has prevoted goes on from its prevote")
    func resumesPrevote() {
        var node = restored([cast(.prevote, a, in: 2, from: 1)])
        #expect(node.machine.round == 2 && node.machine.step == .prevote)
        #expect(node.step(.start) == [])
        #expect(node.propose(b, in: 2) == [])
        #expect(node.time(.propose, in: 2) == [])
        #expect(node.vote(.prevote, b, in: 2, from: 0) == [])
        #expect(node.vote(.prevote, b, in: 2, from: 2) == [Case.waits(.prevote, in: 2)])
        #expect(node.vote(.prevote, b, in: 2, from: 3) == [Case.precommitted(b, in: 2)])
        #expect(node.machine.lockedValue == b && node.machine.lockedRound == 2)
    }

    @Test("a node that has precommitted keeps its lock, and waits for the others")
    func resumesPrecommit() {
        var node = restored(
            [
                cast(.prevote, a, in: 0, from: 1), cast(.precommit, a, in: 0, from: 1),
                cast(.prevote, nil, in: 3, from: 1), cast(.precommit, nil, in: 3, from: 1),
            ], held: [a])
        #expect(node.machine.round == 3 && node.machine.step == .precommit)
        #expect(node.machine.lockedValue == a && node.machine.lockedRound == 0)
        #expect(node.machine.validValue == a && node.machine.validRound == 0)
        #expect(node.step(.start) == [])
        #expect(node.time(.propose, in: 3) == [])
        #expect(node.time(.prevote, in: 3) == [])
        #expect(node.votes(.prevote, nil, in: 3, count: 3) == [])
        #expect(node.votes(.precommit, nil, in: 3, count: 3) == [Case.waits(.precommit, in: 3)])
        #expect(node.time(.precommit, in: 3) == [Case.waits(.propose, in: 4)])
        #expect(node.propose(b, in: 4) == [Case.prevoted(nil, in: 4)])
        #expect(
            node.time(.precommit, in: 4) == [
                .propose(round: 5, value: a, validRound: 0), Case.waits(.propose, in: 5),
            ])
    }

    @Test("the lock is of the highest round, in whatever order the journal names them")
    func restoresHighestLock() {
        let node = restored([
            cast(.precommit, b, in: 4, from: 1), cast(.precommit, a, in: 2, from: 1),
            cast(.precommit, nil, in: 6, from: 1),
        ])
        #expect(node.machine.lockedValue == b && node.machine.lockedRound == 4)
        #expect(node.machine.round == 6 && node.machine.step == .precommit)
        // What the node does not hold it cannot propose.
        #expect(node.machine.validValue == nil && node.machine.validRound == -1)
    }

    @Test("the valid value comes of a quorum of prevotes for what the node holds")
    func restoresValidValue() {
        let polka = [0, 2, 3].map { cast(.prevote, a, in: 2, from: $0) }
        let own = [cast(.prevote, nil, in: 3, from: 1)]
        for (journal, held, valid) in [
            (polka + own, [a], true), (polka + own, [b], false),
            (Array(polka.dropLast()) + own, [a], false),
            (polka.dropLast() + [polka[0], polka[0]] + own, [a], false),
            (polka.dropLast() + [cast(.prevote, a, in: 2, from: 1)] + own, [a], true),
            (polka.dropLast() + [cast(.prevote, a, in: 2, from: 9)] + own, [a], false),
            // The node was not in that round yet, or has not said so.
            (polka + [cast(.precommit, nil, in: 1, from: 1)], [a], false),
        ] {
            let node = restored(journal, held: held)
            #expect(node.machine.validValue == (valid ? a : nil))
            #expect(node.machine.validRound == (valid ? 2 : -1))
            #expect(node.machine.lockedRound == -1)
        }
    }

    @Test("the prevotes of the valid value are kept, whatever else their senders voted for")
    func keepsPolkaOfValidValue() {
        var journal = (0..<20).map {
            cast(.prevote, Digest(hashing: [7, UInt8($0)]), in: 2, from: 0)
        }
        journal += [0, 2, 3].map { cast(.prevote, a, in: 2, from: $0) }
        journal.append(cast(.precommit, nil, in: 90, from: 1))
        let node = restored(journal, held: [a])
        #expect(node.machine.validRound == 2)
        #expect(node.machine.voters(.prevote, round: 2, value: a).count == 3)
    }

    @Test("before the start a restored node decides, and follows the others to a later round")
    func restoredButNotStarted() {
        var node = restored([proposed(a, in: 1), cast(.prevote, a, in: 1, from: 1)])
        var decider = node
        #expect(decider.votes(.precommit, a, in: 1, count: 3) == [.decide(value: a, round: 1)])
        #expect(node.votes(.prevote, nil, in: 5, count: 2) == [])
        #expect(node.machine.round == 5 && node.machine.step == .propose)
        #expect(
            node.step(.start) == [
                .propose(round: 5, value: nil, validRound: -1), Case.waits(.propose, in: 5),
            ])
    }

    @Test("an observer takes no word of a journal for its own")
    func observerIgnoresOwnWords() {
        var node = Case(4, 3, own: nil)
        node.machine.restore(
            [proposed(a, in: 1), cast(.precommit, a, in: 2, from: 1)], held: [a])
        #expect(node.machine.round == 0 && node.machine.lockedRound == -1)
        #expect(node.step(.start) == [Case.waits(.propose, in: 0)])
    }

    @Test("journal items of other heights say nothing of this one")
    func readsItemsOfItsHeight() throws {
        let signature = try #require(Signature([UInt8](repeating: 0, count: 64)))
        func item(_ height: UInt64, _ kind: ConsensusKind, _ value: Digest?, _ round: UInt32)
            -> ConsensusVote
        {
            ConsensusVote(
                kind: kind, height: Height(height), round: round, value: value, ground: -1,
                validator: ValidatorIndex(1), signature: signature)
        }
        var machine = Case.fresh(4, 3, own: 1)
        machine.restore([
            .cast(item(1, .prevote, a, 2)), .cast(item(1, .precommit, a, 2)),
            .cast(item(2, .precommit, b, 7)), .received(item(2, .prevote, b, 7)),
            .proposed(
                ProposedValue(
                    height: Height(1), round: 1, value: a, validRound: -1, signature: signature)),
            .proposed(
                ProposedValue(
                    height: Height(3), round: 9, value: b, validRound: -1, signature: signature)),
        ])
        #expect(machine.round == 2 && machine.step == .precommit)
        #expect(machine.lockedValue == a && machine.validValue == a)
        #expect(machine.proposals(of: 1).map(\.value) == [a])
    }
}
