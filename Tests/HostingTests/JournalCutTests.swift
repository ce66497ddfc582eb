// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

/// A ledger in which validator 0 has said this and that, and its journal, which is to be cut.
private struct CutCase {
    /// As the validator has voted on them: one closed, one open, one that no ledger has.
    let closed: RequestID
    let open: RequestID
    let unknown = JournalFixture.request(99)
    /// It has given results of them: one open, one that no ledger has.
    let openJob: JobID
    let unknownJob = JobID(Digest(hashing: [99]))
    let state: LedgerState
    let root: Digest
    /// The state of the batch before.
    let earlier: LedgerState
    let key = Fixture.key(0)

    static let directory = "/node/journal"
    static let any = JournalGrowth(entries: 1, bytes: .max)

    init() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        closed = try scenario.submit()
        try scenario.next()
        try scenario.approve(0..<4, closed)
        try scenario.seal()
        earlier = scenario.state
        try scenario.open()
        open = try scenario.submit()
        let job = scenario.job()
        try scenario.send(.job(job))
        openJob = job.id(in: scenario.ledger)
        try scenario.seal()
        state = scenario.state
        root = scenario.frontier.root
        guard state.entry(of: closed).map({ state.openRound(at: $0) == nil }) == true,
            state.entry(of: open).map({ state.openRound(at: $0) != nil }) == true,
            state.entry(of: openJob).map({ state.job(at: $0) != nil }) == true
        else { fatalError("the scenario closes and opens other requests") }
    }

    var height: UInt64 { state.height.rawValue }

    func journal(_ disk: SimulatedDisk) throws(JournalError) -> VoteJournal {
        try VoteJournal(
            directory: Self.directory, disk: disk, key: key, ledger: state.ledger)
    }

    func cast(_ kind: ConsensusKind, _ height: UInt64, _ value: Digest) -> JournalItem {
        .cast(
            ConsensusVote(
                kind: kind, height: Height(height), round: 0, value: value, ground: -1,
                validator: ValidatorIndex(0), signature: .zero
            ).signed(by: key, in: state.ledger))
    }

    func received(_ height: UInt64, _ value: Digest) -> JournalItem {
        .received(
            ConsensusVote(
                kind: .prevote, height: Height(height), round: 0, value: value, ground: -1,
                validator: ValidatorIndex(1), signature: .zero
            ).signed(by: Fixture.key(1), in: state.ledger))
    }

    static func value(_ number: Int) -> Digest { JournalFixture.value(number) }

    private static let success = JobReport(
        JobStatus(.success), output: Digest(hashing: [1]), fuel: 77)

    /// A disk with the journal, open.
    func made() throws -> (SimulatedDisk, VoteJournal) {
        let disk = SimulatedDisk()
        _ = try disk.makeDirectory("/node")
        try VoteJournal.create(directory: Self.directory, disk: disk)
        var journal = try journal(disk)
        _ = try journal.votes(
            for: [closed, open, unknown].map { ($0, Verdict(.approve, .proofHolds)) },
            at: Time(1))
        _ = try journal.results([(openJob, Self.success), (unknownJob, Self.success)])
        for height in 1...self.height + 1 {
            let value = Self.value(Int(height))
            try journal.note([
                received(height, value), JournalFixture.held(height, value),
                cast(.prevote, height, value),
            ])
        }
        try journal.noteCosigning(
            Checkpoint(
                ledger: state.ledger.digest, head: TreeHead(size: 3, root: Self.value(7))),
            proof: [])
        return (disk, journal)
    }

    /// What the validator must stand by, whatever happened.
    func check(_ journal: inout VoteJournal, _ what: String) throws {
        for request in [open, unknown] {
            let said = try journal.votes(
                for: [(request, Verdict(.reject, .proofFails))], at: Time(2))
            #expect(said.flatMap(\.signedVotes).map(\.vote.vote) == [.approve], "\(what)")
        }
        for job in [openJob, unknownJob] {
            let said = try journal.results([(job, JobReport(JobStatus(.trap, code: 9), fuel: 1))])
            #expect(said.map { JobReport($0) } == [Self.success], "\(what)")
        }
        #expect(journal.spokenHeight == Height(height + 1), "\(what)")
        #expect(journal.lastCosigned == TreeHead(size: 3, root: Self.value(7)), "\(what)")
        for lie in [
            cast(.prevote, height + 1, Self.value(50)), cast(.prevote, height, Self.value(1)),
        ] {
            let problem = try JournalFixture.problem { try journal.note([lie]) }
            #expect(problem != nil, "\(what)")
        }
        // And goes on.
        try journal.note([cast(.precommit, height + 1, Self.value(Int(height) + 1))])
    }
}

@Suite struct JournalCutTests {
    @Test func aCutJournalHoldsWhatTheLedgerDoesNotSay() throws {
        let it = try CutCase()
        let (disk, whole) = try it.made()
        var journal = whole
        #expect(try journal.cut(at: it.state, root: it.root, above: CutCase.any))
        #expect(journal.cut?.height == it.state.height && journal.cut?.root == it.root)
        #expect(journal.requests == [it.open, it.unknown].sorted())
        #expect(
            try journal.consensusItems(from: Height(it.height + 1)) == [
                it.received(it.height + 1, CutCase.value(Int(it.height) + 1)),
                JournalFixture.held(it.height + 1, CutCase.value(Int(it.height) + 1)),
                it.cast(.prevote, it.height + 1, CutCase.value(Int(it.height) + 1)),
            ])
        try it.check(&journal, "cut")
        try journal.close()
        disk.restart(seed: 0)
        var again = try it.journal(disk)
        try it.check(&again, "opened again")
        // It is short, and is not cut again before it has grown.
        #expect(try !again.cut(at: it.state, root: it.root))
        try again.close()
    }

    @Test func whatWasCutOffIsStillThereForWhoeverTracesAFork() throws {
        let it = try CutCase()
        let (disk, whole) = try it.made()
        var journal = whole
        _ = try journal.cut(at: it.state, root: it.root, above: CutCase.any)
        try journal.close()
        var heights: [UInt64] = []
        let reading = try VoteJournal.forEachWord(in: CutCase.directory, disk: disk) { word in
            if case .cast(let vote) = word { heights.append(vote.height.rawValue) }
        }
        #expect(Set(heights) == Set(1...it.height + 1))
        #expect(reading.cut?.height == it.state.height && reading.unreadable == 0)
        var items: [UInt64] = []
        try VoteJournal.forEachItem(in: CutCase.directory, disk: disk) { item in
            if case .received(let vote) = item { items.append(vote.height.rawValue) }
        }
        #expect(Set(items) == Set(1...it.height + 1))
    }

    @Test func aSecondCutCarriesOverWhatTheFirstDid() throws {
        let it = try CutCase()
        let (disk, whole) = try it.made()
        var journal = whole
        for _ in 0..<3 {
            #expect(try journal.cut(at: it.state, root: it.root, above: JournalGrowth()))
            try it.check(&journal, "cut again")
        }
        #expect(disk.files.allSatisfy { !$0.contains(".next/") })
        #expect(disk.files.contains { $0.contains("journal.before/") })
    }

    @Test func aLedgerThatIsBehindTheCutFindsItSilent() throws {
        let it = try CutCase()
        var journal = try it.made().1
        #expect(journal.quietUntil == nil && journal.quietThrough == Height(0))
        _ = try journal.cut(at: it.state, root: it.root, above: CutCase.any)
        // What `Replica.isSilent` asks, of the batch of the cut and of the one before.
        let until = try #require(journal.quietUntil)
        #expect(it.state.time > until && it.state.height > journal.quietThrough)
        #expect(it.earlier.time <= until && it.earlier.height <= journal.quietThrough)
        #expect(journal.silentUntil == nil && journal.silentThrough == nil)
        // Nor is it cut on the ledger that is behind: it would speak earlier than it may.
        #expect(try !journal.cut(at: it.earlier, root: it.root, above: JournalGrowth()))
        #expect(journal.quietUntil == until && it.earlier.height <= journal.quietThrough)
    }

    @Test func nothingIsSaidAnewOfAHeightUpToThatOfTheCut() throws {
        let it = try CutCase()
        let disk = SimulatedDisk()
        _ = try disk.makeDirectory("/node")
        try VoteJournal.create(directory: CutCase.directory, disk: disk)
        var journal = try it.journal(disk)
        try journal.note([it.cast(.prevote, 1, CutCase.value(1))])
        #expect(try journal.cut(at: it.state, root: it.root, above: CutCase.any))
        for height in 2...it.height {
            let problem = try JournalFixture.problem {
                try journal.note([it.cast(.prevote, height, CutCase.value(1))])
            }
            #expect(
                problem?.1
                    == .silent(.prevote(Height(height), round: 0), through: it.state.height))
        }
        try journal.note([it.cast(.prevote, it.height + 1, CutCase.value(1))])
    }

    @Test func aJournalThatWasLostIsSilentAsLongAfterACut() throws {
        let it = try CutCase()
        let disk = SimulatedDisk()
        _ = try disk.makeDirectory("/node")
        try VoteJournal.beginAnew(
            directory: CutCase.directory, disk: disk, votes: [], at: Time(1_000_000),
            silentThrough: Height(8))
        var journal = try it.journal(disk)
        #expect(try journal.cut(at: it.state, root: it.root, above: CutCase.any))
        #expect(journal.begunAnew == Time(1_000_000) && journal.silentThrough == Height(8))
        #expect(journal.quietThrough == Height(8))
        #expect(
            try VoteJournal.silence(in: CutCase.directory, disk: disk) == journal.silentUntil)
        let early = try JournalFixture.problem {
            try journal.note([it.cast(.prevote, 8, CutCase.value(1))])
        }
        #expect(early != nil)
    }

    @Test(arguments: [UInt64](0..<4))
    func noCrashWhileCuttingForgetsAnythingOrLetsItSayTwoThings(seed: UInt64) throws {
        let it = try CutCase()
        let (whole, uncut) = try it.made()
        var first = uncut
        let before = whole.operations
        _ = try first.cut(at: it.state, root: it.root, above: CutCase.any)
        let count = whole.operations - before
        #expect(count > 30)
        for operation in 0..<count {
            for fault in [SimulatedFault.powerCut, .noSpace, .inputOutputError] {
                let what = "seed \(seed), operation \(operation), \(fault)"
                let (disk, made) = try it.made()
                disk.fail(operation: operation, with: fault)
                do throws(JournalError) {
                    var journal = made
                    _ = try journal.cut(at: it.state, root: it.root, above: CutCase.any)
                } catch {}
                disk.healFaults()
                disk.restart(seed: seed &* 1000 &+ UInt64(operation))
                var journal = try it.journal(disk)
                try it.check(&journal, what)
                #expect(
                    try journal.cut(at: it.state, root: it.root, above: JournalGrowth()), "\(what)")
                try it.check(&journal, what)
            }
        }
    }
}
