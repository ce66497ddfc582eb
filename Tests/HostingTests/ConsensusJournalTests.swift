// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

@Suite struct ConsensusJournalTests {
    private typealias F = JournalFixture
    private let a = JournalFixture.value(1)
    private let b = JournalFixture.value(2)

    @Test func whatWasNotedComesBackInOrderAfterARestart() throws {
        let disk = try F.disk()
        var first = try F.journal(disk)
        let before = [
            F.received(4, 0, a), F.held(4, a), F.proposed(4, 0, a), F.cast(.prevote, 4, 0, a),
        ]
        let after = [
            F.received(5, 0, nil, from: 1), F.received(5, 0, b, from: 2), F.held(5, b),
            F.cast(.prevote, 5, 0, b), F.cast(.precommit, 5, 0, nil),
            F.proposed(5, 1, b, validRound: 0), F.cast(.prevote, 5, 1, b, validRound: 0),
        ]
        try first.note(before)
        for item in after { try first.note([item]) }
        disk.restart(seed: 0)
        let second = try F.journal(disk)
        #expect(try second.consensusItems(from: Height(5)) == after)
        #expect(try second.consensusItems(from: Height(6)) == [])
        var all: [JournalItem] = []
        try second.forEachItem { all.append($0) }
        #expect(all == before + after)
        #expect(try F.items(disk) == all)
        #expect(second.spokenHeight == Height(5))
        #expect(second.newestHeight == Height(5))
        #expect(second.silentUntil == nil && second.silentThrough == nil)
    }

    @Test func whatIsNotedAlreadyIsNotWrittenAgain() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let items = [
            F.received(4, 0, a), F.held(4, a), F.proposed(4, 0, a), F.cast(.prevote, 4, 0, a),
        ]
        try journal.note(items + items)
        try journal.note(items)
        try journal.close()
        #expect(try F.entries(disk).count == 4)
        var again = try F.journal(disk)
        try again.note(items)
        // Nor another signature under the same words.
        var vote = F.vote(.prevote, 4, 0, a, by: F.peer, as: 7)
        vote.signature = .zero
        try again.note([.received(vote)])
        try again.close()
        #expect(try F.entries(disk).count == 4)
    }

    @Test func ownMessageThatContradictsAnEarlierOneIsRefusedAndNothingIsNoted() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        try journal.note([
            F.proposed(4, 0, a), F.cast(.prevote, 4, 0, a), F.cast(.precommit, 4, 0, nil),
        ])
        try journal.note([F.received(4, 0, a)])
        let height = Height(4)
        let lies: [(JournalItem, Slot)] = [
            (F.proposed(4, 0, b), .proposal(height, round: 0)),
            (F.proposed(4, 0, a, validRound: 0), .proposal(height, round: 0)),
            (F.cast(.prevote, 4, 0, b), .prevote(height, round: 0)),
            (F.cast(.prevote, 4, 0, nil), .prevote(height, round: 0)),
            (F.cast(.prevote, 4, 0, a, validRound: 0), .prevote(height, round: 0)),
            (F.cast(.precommit, 4, 0, a), .precommit(height, round: 0)),
        ]
        for restarted in [false, true] {
            if restarted {
                try journal.close()
                journal = try F.journal(disk)
            }
            for (lie, slot) in lies {
                // What comes with it is not noted either.
                let problem = try F.problem {
                    try journal.note([F.cast(.prevote, 4, 9, a), F.received(4, 9, a), lie])
                }
                #expect(problem?.1 == .contradictory(slot))
                #expect(problem?.0 == 6)
            }
        }
        try journal.close()
        #expect(try F.entries(disk).count == 4)
    }

    @Test func twoContradictingMessagesInOneCallAreRefused() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let problem = try F.problem {
            try journal.note([F.cast(.prevote, 4, 0, a), F.cast(.prevote, 4, 0, nil)])
        }
        #expect(problem?.1 == .contradictory(.prevote(Height(4), round: 0)))
        try journal.note([F.cast(.prevote, 4, 0, nil)])
        #expect(try F.items(disk) == [F.cast(.prevote, 4, 0, nil)])
    }

    @Test func validatorDoesNotSpeakBelowItsNewestHeight() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        try journal.note([F.cast(.prevote, 5, 0, a)])
        // Others' messages, whatever their heights, do not move it.
        try journal.note([F.received(90, 0, a), F.received(91, 0, a), F.received(92, 0, a)])
        let problem = try F.problem { try journal.note([F.cast(.prevote, 4, 3, a)]) }
        #expect(problem?.1 == .past(.prevote(Height(4), round: 3), spoken: Height(5)))
        let lie = try F.problem { try journal.note([F.cast(.prevote, 5, 0, b)]) }
        #expect(lie?.1 == .contradictory(.prevote(Height(5), round: 0)))
        try journal.note([F.cast(.precommit, 5, 0, a)])
        #expect(journal.spokenHeight == Height(5))
        #expect(journal.newestHeight == Height(92))
    }

    @Test func messageThatTheKeyDidNotSignIsRefused() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let slot = Slot.prevote(Height(4), round: 0)
        let foreign = JournalItem.cast(F.vote(.prevote, 4, 0, a, by: F.peer))
        #expect(try F.problem { try journal.note([foreign]) }?.1 == .notSigned(slot))
        guard case .proposed(var proposal) = F.proposed(4, 0, a) else { return }
        proposal.value = b
        #expect(
            try F.problem { try journal.note([.proposed(proposal)]) }?.1
                == .notSigned(.proposal(Height(4), round: 0)))
        #expect(try F.entries(disk).isEmpty)
    }

    @Test func votesOfOthersWaitForWhatRestsOnThem() throws {
        let ways: [(String, (inout VoteJournal) throws -> Void)] = [
            ("own prevote", { try $0.note([F.cast(.prevote, 4, 0, nil)]) }),
            ("batch", { try $0.note([F.held(4, F.value(1))]) }),
            (
                "vote on a request",
                { journal in
                    _ = try journal.votes(
                        for: [(F.request(1), Verdict(.approve, .proofHolds))], at: Time(1))
                }
            ),
            (
                "cosignature",
                { journal in
                    let head = TreeHead(size: 1, root: F.value(1))
                    try journal.noteCosigning(
                        Checkpoint(ledger: F.ledger.digest, head: head), proof: [])
                }
            ),
            ("close", { try $0.close() }),
        ]
        let votes = (0..<3).map { F.received(4, 0, a, from: UInt16($0)) }
        for (name, act) in ways {
            let disk = try F.disk()
            var journal = try F.journal(disk)
            let operations = disk.operations
            for vote in votes { try journal.note([vote]) }
            #expect(disk.operations == operations, "\(name)")
            #expect(try journal.consensusItems(from: Height(4)) == votes, "\(name)")
            try act(&journal)
            disk.restart(seed: 0)
            #expect(Array(try F.items(disk).prefix(3)) == votes, "\(name)")
            let again = try F.journal(disk)
            #expect(Array(try again.consensusItems(from: Height(0)).prefix(3)) == votes, "\(name)")
        }
        // Alone they are lost with the power.
        let disk = try F.disk()
        var journal = try F.journal(disk)
        try journal.note(votes)
        disk.restart(seed: 0)
        #expect(try F.items(disk).isEmpty)
    }

    @Test func noMoreVotesOfOthersWaitThanTheBound() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let count = HostingLimits.waitingEntriesMax
        let vote = F.vote(.prevote, 4, 0, a, by: F.peer, as: 1)
        for round in 0..<count {
            var copy = vote
            copy.round = UInt32(round)
            try journal.note([.received(copy)])
        }
        #expect(try F.entries(disk).isEmpty)
        try journal.note([F.received(4, 0, b)])
        #expect(try F.entries(disk).count == count)
        try journal.close()
        #expect(try F.entries(disk).count == count + 1)
    }

    @Test func aReceivedVoteCostsTheSameHoweverManyThereWere() throws {
        let vote = F.vote(.prevote, 4, 0, a, by: F.peer, as: 1)
        func seconds(_ rounds: Range<UInt32>, _ journal: inout VoteJournal) throws -> Duration {
            try processorTime {
                for round in rounds {
                    var copy = vote
                    copy.round = round
                    try journal.note([.received(copy)])
                }
            }
        }
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let first = try seconds(0..<2_000, &journal)
        _ = try seconds(2_000..<38_000, &journal)
        let last = try seconds(38_000..<40_000, &journal)
        // What was copied each time made the last dearer by the number of those before.
        #expect(last < first * 8, "\(first) and \(last)")
    }

    @Test func votesAndBatchesOfHeightsLongPastArePassedOver() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        let kept = [
            F.received(5, 0, a), F.held(5, a), F.received(7, 0, a), F.held(6, a),
            F.cast(.prevote, 7, 0, a),
        ]
        try journal.note(kept)
        try journal.note([
            F.received(4, 0, a), F.held(4, a), F.received(5, 1, a), F.cast(.prevote, 7, 1, a),
        ])
        try journal.close()
        #expect(try F.items(disk) == kept + [F.cast(.prevote, 7, 1, a)])
    }

    @Test func longBatchIsKeptInPartsByOneCommit() throws {
        for votes in [0, 460, 470, 1000] {
            let disk = try F.disk()
            var journal = try F.journal(disk)
            let item = F.held(4, a, votes: votes)
            let bytes = F.batch(4, votes: votes).encoded.count
            let parts =
                (bytes + HostingLimits.heldPartBytesMax - 1) / HostingLimits.heldPartBytesMax
            try journal.note([F.received(4, 0, a), item, F.proposed(4, 0, a)])
            disk.restart(seed: 0)
            #expect(try F.entries(disk).count == parts + 2)
            var again = try F.journal(disk)
            try again.note([item])
            #expect(
                try again.consensusItems(from: Height(4))
                    == [F.received(4, 0, a), item, F.proposed(4, 0, a)])
            #expect(try F.entries(disk).count == parts + 2)
        }
        #expect(F.batch(4, votes: 1000).encoded.count > 2 * HostingLimits.heldPartBytesMax)
    }

    @Test func batchLongerThanAMessageIsRefused() throws {
        let disk = try F.disk()
        var journal = try F.journal(disk)
        var batch = F.batch(4, votes: 1)
        let count = ReplicationLimits.messageBytesMax / batch.commands[0].encoded.count + 1
        batch.commands = Array(repeating: batch.commands[0], count: count)
        let problem = try F.problem {
            try journal.note([.held(Height(4), value: a, batch)])
        }
        guard case .batchTooLarge? = problem?.1 else {
            Issue.record("a batch was taken that no message holds")
            return
        }
        #expect(try F.entries(disk).isEmpty)
    }

    @Test func journalBegunAnewIsSilentThroughItsHeight() throws {
        let disk = SimulatedDisk()
        try VoteJournal.beginAnew(
            directory: F.directory, disk: disk, votes: [], at: Time(1_000_000),
            silentThrough: Height(8))
        for _ in 0..<2 {
            var journal = try F.journal(disk)
            #expect(journal.silentThrough == Height(8))
            #expect(journal.silentUntil == Time(1_120_000))
            let problem = try F.problem { try journal.note([F.cast(.prevote, 8, 0, a)]) }
            #expect(problem?.1 == .silent(.prevote(Height(8), round: 0), through: Height(8)))
            // It listens all the same.
            try journal.note([F.received(8, 0, a), F.held(8, a)])
            try journal.close()
        }
        var journal = try F.journal(disk)
        try journal.note([F.cast(.prevote, 9, 0, a)])
        #expect(journal.spokenHeight == Height(9))
    }

    @Test func journalIsNotBegunAnewInPlaceOfAnother() throws {
        let disk = try F.disk()
        #expect(throws: JournalError.self) {
            try VoteJournal.beginAnew(
                directory: F.directory, disk: disk, votes: [], at: Time(1),
                silentThrough: Height(8))
        }
        #expect(try F.entries(disk).isEmpty)
    }
}
