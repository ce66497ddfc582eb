// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import TestSupport
import Testing

private let key = SigningKey(seed: Bytes32([UInt8](repeating: 4, count: 32)) ?? .zero)
private let ledger = LedgerID(Digest(hashing: [9]))

private func job(_ number: Int) -> JobID { JobID(Digest(hashing: Array("job \(number)".utf8))) }

private func journal(_ disk: SimulatedDisk) throws(JournalError) -> VoteJournal {
    try VoteJournal(directory: "/votes", disk: disk, key: key, ledger: ledger)
}

private let success = JobReport(
    JobStatus(.success), output: Digest(hashing: Array("output".utf8)), fuel: 77)
private let trap = JobReport(JobStatus(.trap, code: 9), fuel: 12)

/// The results of jobs in a validator's journal.
@Suite struct JournalJobsTests {
    @Test func firstResultStandsWhateverIsGivenLaterAndAfterARestart() throws {
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: disk)
        var first = try journal(disk)
        let said = try first.results([(job(1), success)])[0]
        #expect(said.isSigned(in: ledger))
        #expect(JobReport(said) == success)
        #expect(said.job == job(1))
        #expect(try first.results([(job(1), trap)])[0] == said)
        // The power goes, without a close.
        disk.restart(seed: 1)
        var second = try journal(disk)
        #expect(second.jobs == [job(1)])
        #expect(second.report(on: job(1)) == success)
        #expect(second.report(on: job(2)) == nil)
        #expect(try second.results([(job(1), trap)])[0] == said)
        #expect(try second.results([(job(2), trap)])[0].status == trap.status)
        try second.close()
        #expect(try journal(disk).jobs == [job(1), job(2)].sorted())
    }

    @Test func resultsOfManyJobsAreOneCommitAndTheFirstOfEachStands() throws {
        let disk = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: disk)
        var first = try journal(disk)
        let once = try first.results([(job(1), success)])
        let before = disk.operations
        _ = try first.results([(job(9), success)])
        let alone = disk.operations - before
        let given = [(job(1), trap), (job(2), trap), (job(2), success), (job(3), success)]
        let said = try first.results(given)
        #expect(disk.operations == before + 2 * alone)
        #expect(said[0] == once[0])
        #expect(said[1] == said[2] && said[1].status == trap.status)
        #expect(said.map(\.job) == given.map(\.0))
        disk.restart(seed: 4)
        #expect(try journal(disk).jobs == [job(1), job(2), job(3), job(9)].sorted())
    }

    /// Three results; gives what was said before the failure.
    private func work(_ disk: SimulatedDisk, _ report: JobReport) -> [ResultMessage] {
        var said: [ResultMessage] = []
        do {
            var journal = try journal(disk)
            for number in 0..<3 { said.append(try journal.results([(job(number), report)])[0]) }
            try journal.close()
        } catch {
            // The disk failed: nothing more is said.
        }
        return said
    }

    @Test(arguments: [SimulatedFault.powerCut, .noSpace, .inputOutputError])
    func noCrashMakesItSayTwoThings(fault: SimulatedFault) throws {
        let whole = SimulatedDisk()
        try VoteJournal.create(directory: "/votes", disk: whole)
        let made = whole.operations
        _ = work(whole, success)
        let count = whole.operations - made
        #expect(count > 6)
        for operation in 0..<count {
            let disk = SimulatedDisk()
            try VoteJournal.create(directory: "/votes", disk: disk)
            disk.fail(operation: operation, with: fault)
            let before = work(disk, success)
            disk.restart(seed: UInt64(operation))
            disk.healFaults()
            // The engine says something else now; what was said is said again.
            let after = work(disk, trap)
            #expect(after.count == 3, "operation \(operation)")
            #expect(Array(after.prefix(before.count)) == before, "operation \(operation)")
        }
    }

    @Test func journalThatContradictsItselfOrIsAnothersIsRefused() throws {
        func entry(_ report: JobReport, by key: SigningKey) -> [UInt8] {
            // Behind the tag of a result.
            [8]
                + ResultMessage(
                    job: job(1), validator: key.publicKey, status: report.status,
                    output: report.output, fuel: report.fuel, signature: .zero
                ).signed(by: key, in: ledger).encoded
        }
        func problem(_ entries: [[UInt8]]) throws -> JournalProblem? {
            try JournalFixture.problem(entries, opening: journal)
        }
        #expect(try problem([entry(success, by: key), entry(success, by: key)]) == nil)
        #expect(
            try problem([entry(success, by: key), entry(trap, by: key)])
                == .contradictoryResult(job(1)))
        let other = SigningKey()
        #expect(try problem([entry(success, by: other)]) == .foreign(other.publicKey))
    }

    @Test func journalBegunAnewHoldsTheResultsOfTheLedger() throws {
        let disk = SimulatedDisk()
        let result = ResultMessage(
            job: job(1), validator: key.publicKey, status: success.status, output: success.output,
            fuel: success.fuel, signature: .zero
        ).signed(by: key, in: ledger)
        try VoteJournal.beginAnew(
            directory: "/votes", disk: disk, votes: [], results: [result], at: Time(1_000_000))
        var anew = try journal(disk)
        #expect(anew.begunAnew == Time(1_000_000))
        #expect(try anew.results([(job(1), trap)])[0] == result)
    }
}
