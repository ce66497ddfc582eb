// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import TestSupport
import Testing

private let key = SigningKey(seed: Bytes32([UInt8](repeating: 3, count: 32)) ?? .zero)
private let ledger = LedgerID(Digest(hashing: [9]))

private func request(_ number: Int) -> RequestID {
    RequestID(Digest(hashing: Array("request \(number)".utf8)))
}

private func journal(_ disk: SimulatedDisk) throws(JournalError) -> VoteJournal {
    try VoteJournal(directory: "/votes", disk: disk, key: key, ledger: ledger)
}

private let approve = Verdict(.approve, .proofHolds)
private let reject = Verdict(.reject, .proofFails)

@Suite struct JournalTests {
    @Test func firstVerdictStandsWhateverIsGivenLater() throws {
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: disk)
        var first = try journal(disk)
        let said = try first.votes(for: [(request(1), approve)], at: Time(10))
        #expect(votes(said).map(\.vote) == [.approve])
        #expect(said.allSatisfy { $0.isSigned(in: ledger) })
        // The same bytes while they are fresh, and the same verdict when they are not.
        #expect(try first.votes(for: [(request(1), reject)], at: Time(20)) == said)
        try first.close()
        var second = try journal(disk)
        #expect(second.count == 1)
        #expect(try second.votes(for: [(request(1), reject)], at: Time(20)) == said)
        let late = try second.votes(for: [(request(1), reject)], at: Time(90_000))
        #expect(votes(late).map(\.vote) == [.approve])
        #expect(votes(late)[0].timestamp == Time(90_000))
        #expect(try second.votes(for: [(request(1), reject)], at: Time(90_001)) == late)
    }

    @Test func twoVerdictsInOneCommitAreTheFirst() throws {
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: disk)
        var journal = try journal(disk)
        let said = try journal.votes(
            for: [(request(1), approve), (request(1), reject)], at: Time(10))
        #expect(votes(said).map(\.vote) == [.approve])
    }

    @Test func verdictsOfOneMomentAreOneListAndStandAloneWhenTheyAreSaidAgain() throws {
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: disk)
        var first = try journal(disk)
        let verdicts = (1...300).map { (request($0), $0.isMultiple(of: 3) ? reject : approve) }
        let said = try first.votes(for: verdicts, at: Time(10))
        #expect(said.count == 2)
        #expect(said.allSatisfy { $0.isSigned(in: ledger) })
        #expect(votes(said).map(\.vote) == verdicts.map(\.1.vote))
        #expect(votes(said).map(\.request) == verdicts.map(\.0))
        let again = try first.votes(for: [(request(3), approve)], at: Time(20))
        guard case .vote(let alone) = again[0] else {
            Issue.record("\(again[0])")
            return
        }
        #expect(alone.vote == .reject && alone.timestamp == Time(10))
        try first.close()
        let opened = try journal(disk)
        #expect(opened.count == 300)
        #expect(opened.verdict(on: request(299)) == approve)
        #expect(opened.verdict(on: request(300)) == reject)
    }

    private func votes(_ messages: [Message]) -> [VoteMessage] {
        messages.flatMap(\.signedVotes).map(\.vote)
    }

    /// Votes in three commits, each asked for twice; gives what was said before the failure.
    private func work(_ disk: SimulatedDisk, _ verdict: Verdict) -> [VoteMessage] {
        var said: [VoteMessage] = []
        do {
            var journal = try journal(disk)
            for commit in 0..<3 {
                let verdicts = (0..<4).map { (request(commit * 3 + $0), verdict) }
                said += votes(
                    try journal.votes(for: verdicts, at: Time(UInt64(commit) * 40_000)))
            }
            try journal.close()
        } catch {}
        return said
    }

    @Test(arguments: [UInt64](0..<8))
    func noCrashMakesItSayTwoThings(seed: UInt64) throws {
        let whole = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: whole)
        let made = whole.operations
        _ = work(whole, approve)
        let count = whole.operations - made
        #expect(count > 10)
        for operation in 0..<count {
            for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
                let disk = SimulatedDisk()
                try VoteJournal.create(directory: "/votes", disk: disk)
                disk.fail(operation: operation, with: fault)
                let before = work(disk, approve)
                disk.restart(seed: seed &* 1000 &+ UInt64(operation))
                disk.healFaults()
                // The truth looks different now; what was said is said again.
                let after = work(disk, reject)
                #expect(after.count == 12, "seed \(seed), operation \(operation), \(fault)")
                var verdicts: [RequestID: Vote] = [:]
                for vote in before + after {
                    let known = verdicts.updateValue(vote.vote, forKey: vote.request)
                    #expect(
                        known == nil || known == vote.vote,
                        "seed \(seed), operation \(operation), \(fault)")
                }
            }
        }
    }

    @Test func journalThatContradictsItselfOrIsAnothersIsRefused() throws {
        func vote(_ vote: Vote, by key: SigningKey) -> [UInt8] {
            // Behind the tag of a vote.
            [0]
                + VoteMessage(
                    request: request(1), validator: key.publicKey, vote: vote,
                    reason: .unspecified, timestamp: Time(1), signature: .zero
                ).signed(by: key, in: ledger).encoded
        }
        func problem(_ entries: [[UInt8]]) throws -> JournalProblem? {
            try JournalFixture.problem(entries, opening: journal)
        }
        #expect(try problem([vote(.approve, by: key), vote(.approve, by: key)]) == nil)
        #expect(
            try problem([vote(.approve, by: key), vote(.reject, by: key)])
                == .contradiction(request(1), earlier: .approve, later: .reject))
        let other = SigningKey()
        #expect(try problem([vote(.approve, by: other)]) == .foreign(other.publicKey))
        guard case .undecodable? = try problem([[1, 2, 3]]) else {
            Issue.record("garbage was taken for a vote")
            return
        }
    }

    @Test func whatWasCosignedIsKnownAfterARestartAndNeitherForkNorRollbackIsCosigned() throws {
        func checkpoint(_ size: UInt64, _ root: UInt8) -> Checkpoint {
            Checkpoint(
                ledger: ledger.digest, head: TreeHead(size: size, root: Digest(hashing: [root])))
        }
        func refusal(_ journal: inout VoteJournal, _ checkpoint: Checkpoint) -> CosignRefusal? {
            do throws(JournalError) {
                try journal.noteCosigning(checkpoint, proof: [])
                return nil
            } catch {
                guard case .cosign(let refusal) = error else { return nil }
                return refusal
            }
        }
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: disk)
        var first = try journal(disk)
        #expect(refusal(&first, checkpoint(5, 1)) == nil)
        // The power goes; what was noted before the signature left is there.
        disk.restart(seed: 0)
        var second = try journal(disk)
        let head = TreeHead(size: 5, root: Digest(hashing: [1]))
        #expect(second.lastCosigned == head)
        #expect(refusal(&second, checkpoint(5, 1)) == nil)
        #expect(
            refusal(&second, checkpoint(5, 2))
                == .fork(last: head, root: Digest(hashing: [2])))
        #expect(refusal(&second, checkpoint(4, 1)) == .rollback(last: head, size: 4))
        guard case .notConsistent? = refusal(&second, checkpoint(6, 3)) else {
            Issue.record("a checkpoint without a proof was cosigned")
            return
        }
        let other = Checkpoint(
            ledger: Digest(hashing: [8]), head: TreeHead(size: 9, root: Digest(hashing: [1])))
        guard case .otherOrigin? = refusal(&second, other) else {
            Issue.record("a checkpoint of another ledger was cosigned")
            return
        }
        #expect(second.lastCosigned == head)
    }

    @Test func journalBegunAnewHoldsTheVotesOfTheLedgerAndIsSilentForTwoLives() throws {
        let disk = SimulatedDisk()
        let vote = VoteMessage(
            request: request(1), validator: key.publicKey, vote: .approve, reason: .proofHolds,
            timestamp: Time(1), signature: .zero
        ).signed(by: key, in: ledger)
        try VoteJournal.beginAnew(
            directory: "/votes", disk: disk, votes: [.vote(vote)], at: Time(1_000_000))
        var anew = try journal(disk)
        #expect(anew.silentUntil == Time(1_120_000))
        #expect(anew.verdict(on: request(1)) == approve)
        let said = votes(try anew.votes(for: [(request(1), reject)], at: Time(2_000_000)))
        #expect(said.map(\.vote) == [.approve])
    }

    @Test func lostJournalIsNotStartedAfresh() throws {
        #expect(throws: JournalError.self) { try journal(SimulatedDisk()) }
    }
}
