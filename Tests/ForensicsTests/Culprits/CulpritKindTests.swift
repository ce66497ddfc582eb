// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import Replication
import TestSupport
import Testing

/// Each kind of crime has a ledger in which it is found, and a twin in which nothing is.
struct CulpritKindTests {
    private func names(_ report: CulpritReport, _ kind: String) -> [String] {
        report.proved.filter { $0.kind == kind }.map(\.name).sorted()
    }

    /// Every file convicts by itself, and is read as it was written.
    private func check(_ report: CulpritReport) throws {
        for charged in report.proved {
            let file = report.evidence[charged.file]
            #expect(try EvidenceFile(file.bytes) == file)
            let verdict = try EvidenceFile(file.bytes).verdict()
            #expect(verdict.effect == .convicts, "\(verdict.sentence)")
            #expect(verdict.keys.contains(charged.key))
        }
    }

    // MARK: Two messages

    @Test(arguments: [DifferenceKind.equivocation, .fork])
    func `two histories convict who signed both`(_ kind: DifferenceKind) throws {
        for seed in UInt64(0)..<30 {
            let quarrel = try Quarrel(kind, seed: seed)
            let ledgers = CulpritLedgers()
            try ledgers.shelf.write(quarrel.first, to: "/a")
            try ledgers.shelf.write(quarrel.second, to: "/b")
            let report = try ledgers.culprits(["/a", "/b"])
            try check(report)
            let found = Set(names(report, "contradiction"))
            if kind == .fork {
                #expect(found.count >= 2 * Quarrel.threshold - Quarrel.validators, "seed \(seed)")
                #expect(report.unprovable.isEmpty, "seed \(seed)")
            } else {
                #expect(found.count == 1, "seed \(seed)")
            }
            let twin = try ledgers.culprits(["/a", "/a"])
            #expect(!twin.isFound, "seed \(seed): \(twin.proved)")
        }
    }

    @Test func `a refused vote convicts by the one that stands, and evidence says it again`() throws
    {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.next()
        let first = scenario.vote(1, .approve, on: request)
        try scenario.send(.vote(first))
        let ledgers = CulpritLedgers()
        var twin = scenario
        try twin.seal()
        try ledgers.shelf.write(twin.log, to: "/twin")
        #expect(try !ledgers.culprits(["/twin"]).isFound)
        let second = scenario.vote(1, .reject, on: request)
        var told = scenario
        try scenario.record(.vote(second))
        try scenario.seal()
        try ledgers.shelf.write(scenario.log, to: "/refused")
        try told.send(told.evidence(1, first, second))
        try told.seal()
        try ledgers.shelf.write(told.log, to: "/told")
        for path in ["/refused", "/told"] {
            let report = try ledgers.culprits([path])
            try check(report)
            #expect(names(report, "contradiction") == [Fixture.name(1)], "\(path)")
        }
    }

    @Test func `an abstention hides no contradiction`() throws {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.next()
        try scenario.cast(1, .approve, on: request)
        // What was refused comes first: an abstention, then the contrary.
        try scenario.record(.vote(scenario.vote(1, .abstain, on: request)))
        try scenario.record(.vote(scenario.vote(1, .reject, on: request)))
        try scenario.seal()
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(scenario.log, to: "/a")
        #expect(names(try ledgers.culprits(["/a"]), "contradiction") == [Fixture.name(1)])
    }

    @Test func `ledgers that part without two certificates are told, and nobody is proved`() throws
    {
        for seed in UInt64(0)..<10 {
            let quarrel = try Quarrel(.missing, seed: seed)
            let ledgers = CulpritLedgers()
            try ledgers.shelf.write(quarrel.first, to: "/a")
            try ledgers.shelf.write(quarrel.second, to: "/b")
            let report = try ledgers.culprits(["/a", "/b"])
            #expect(report.proved.isEmpty, "seed \(seed)")
            #expect(report.unprovable.count == 1, "seed \(seed): \(report.unprovable)")
        }
    }

    // MARK: The mathematics

    @Test func `votes against the proof convict, and others do not`() throws {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let proof = TrueProof.of(nullifier: 5, amount: 5)
        let holding = scenario.request(nullifier: 5) { $0.proof = proof }
        try scenario.send(.request(holding))
        let failing = try scenario.submit(nullifier: 6)
        try scenario.next()
        let id = holding.id(in: scenario.ledger)
        var twin = scenario
        for number in 0..<3 {
            try scenario.cast(number, number == 2 ? .reject : .approve, on: id)
            try scenario.cast(number, number == 1 ? .approve : .reject, on: failing)
            try twin.cast(number, number == 2 ? .abstain : .approve, on: id)
            try twin.cast(number, number == 1 ? .abstain : .reject, on: failing)
        }
        try scenario.seal()
        try twin.seal()
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(scenario.log, to: "/a")
        try ledgers.shelf.write(twin.log, to: "/twin")
        let report = try ledgers.culprits(["/a"], recounts: true)
        try check(report)
        #expect(names(report, "falseVote") == [Fixture.name(1), Fixture.name(2)])
        #expect(try !ledgers.culprits(["/twin"], recounts: true).isFound)
    }

    // MARK: The rules

    @Test func `T who precommitted what the rules refute are named by one file`() throws {
        for seed in UInt64(0)..<24 {
            let quarrel = try Quarrel(.otherDerivation, seed: seed)
            let ledgers = CulpritLedgers()
            let ledger = LedgerID(Digest(hashing: quarrel.first[0].encoded))
            guard case .batchSealed? = quarrel.second.last else { continue }
            try ledgers.write(certified: quarrel.second, to: "/a", ledger: ledger)
            let report = try ledgers.culprits(["/a"], recounts: true)
            let refuted = report.proved.filter { $0.kind == "refutedBatch" }
            #expect(refuted.count == CulpritLedgers.threshold, "seed \(seed): \(report.unprovable)")
            #expect(Set(refuted.map(\.file)).count == 1, "seed \(seed)")
            try check(report)
            // Without the precommits whoever wrote the copy may have changed it.
            try ledgers.shelf.write(quarrel.second, to: "/alone")
            let alone = try ledgers.culprits(["/alone"], recounts: true)
            #expect(names(alone, "refutedBatch").isEmpty, "seed \(seed)")
            #expect(alone.unprovable.count == 1, "seed \(seed): \(alone.unprovable)")
        }
    }

    @Test func `a batch that the rules give convicts nobody`() throws {
        for seed in UInt64(0)..<8 {
            let quarrel = try Quarrel(.longer, seed: seed)
            let ledgers = CulpritLedgers()
            let ledger = LedgerID(Digest(hashing: quarrel.first[0].encoded))
            try ledgers.write(certified: quarrel.first, to: "/a", ledger: ledger)
            let report = try ledgers.culprits(["/a"], recounts: true)
            #expect(names(report, "refutedBatch").isEmpty, "seed \(seed)")
            #expect(report.unprovable.isEmpty, "seed \(seed): \(report.unprovable)")
        }
    }

    // MARK: Who led

    /// A ledger whose last batch was opened by this rank of those who may propose it.
    private func ledger(openedBy rank: Int) throws -> (log: [Event], id: LedgerID, who: UInt16) {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        try scenario.seal()
        let height = Height(scenario.state.height.rawValue + 1)
        let ranking = scenario.state.proposerRanking(height: height)
        let opening = scenario.opening(at: scenario.state.time.adding(milliseconds: 1_000)) {
            $0.proposer = ranking[rank]
        }
        var log = scenario.log
        // What follows is what the rules would give, but for the proposer: nobody looks at it.
        var twin = scenario
        try twin.open()
        try twin.seal()
        log.append(.batchOpened(opening.event))
        log += twin.log.suffix(from: scenario.log.count + 1)
        return (log, scenario.ledger, ranking[rank].rawValue)
    }

    @Test func `a batch opened by another than the leader convicts who signed it`() throws {
        let ledgers = CulpritLedgers()
        let (log, _, who) = try ledger(openedBy: 2)
        try ledgers.shelf.write(log, to: "/a")
        let report = try ledgers.culprits(["/a"])
        try check(report)
        #expect(names(report, "foreignProposal") == [Fixture.name(who)])
        let (twin, _, _) = try ledger(openedBy: 0)
        try ledgers.shelf.write(twin, to: "/twin")
        #expect(try !ledgers.culprits(["/twin"]).isFound)
    }

    @Test(arguments: [0, 1])
    func `a journal shows a proposal out of turn, which the ledger's batch proves`(
        _ rank: Int
    ) throws {
        let ledgers = CulpritLedgers()
        let (log, id, leader) = try ledger(openedBy: 0)
        try ledgers.shelf.write(log, to: "/a")
        let opened = try EventLog.open(
            directory: "/a", disk: ledgers.shelf.disk, access: .readOnly)
        let height = Height(2)
        // In round 0 only the leader proposes; another says the same in its name.
        let who = rank == 0 ? leader : (leader + 1) % UInt16(CulpritLedgers.validators)
        let key = Fixture.key(who)
        var value = ProposedValue(
            height: height, round: 0, value: try opened.root(at: opened.size), validRound: -1,
            signature: .zero)
        let bytes = ConsensusStatement.signedBytes(
            .proposal(height, round: 0), value: value.value, validRound: -1, key: key.publicKey,
            ledger: id)
        value.signature = key.sign(bytes ?? [])
        let vote = ConsensusVote(
            kind: .prevote, height: height, round: 0, value: value.value, ground: -1,
            validator: ValidatorIndex(who), signature: .zero
        ).signed(by: key, in: id)
        let journal = try EventLog.create(directory: "/journal", disk: ledgers.shelf.disk)
        _ = try journal.stage([4] + value.encoded)
        _ = try journal.stage([5] + vote.encoded)
        try journal.commit()
        try journal.close()
        let report = try ledgers.culprits(["/a"], journals: ["/journal"])
        try check(report)
        #expect(names(report, "foreignProposal") == (rank == 0 ? [] : [Fixture.name(who)]))
        #expect(report.isFound == (rank != 0))
    }

    // MARK: Checkpoints

    @Test func `a checkpoint that the ledger contradicts convicts who precommitted the ledger`()
        throws
    {
        var scenario = try CulpritLedgers.scenario()
        for _ in 0..<4 {
            try scenario.open()
            try scenario.seal()
        }
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(scenario.log, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: ledgers.shelf.disk, access: .readOnly)
        let size: UInt64 = 4
        let right = TreeHead(size: size, root: try log.root(at: size))
        let wrong = TreeHead(size: size, root: Digest(hashing: [9]))
        func look(_ heads: [(TreeHead, [UInt16])]) throws -> CulpritReport {
            try ledgers.culprits(
                ["/a"],
                checkpoints: try heads.map {
                    try CulpritLedgers.checkpoint($0.0, of: scenario.ledger, by: $0.1)
                })
        }
        #expect(try !look([(right, [0, 1])]).isFound)
        // 0 and 1 have precommitted batches of this ledger; 5, the sixth, has not.
        let report = try look([(wrong, [0, 1])])
        try check(report)
        #expect(names(report, "twoHistories") == [Fixture.name(0), Fixture.name(1)])
        #expect(try look([(wrong, [5])]).unprovable.count == 1)
        #expect(try look([(wrong, [5])]).proved.isEmpty)
        // Two of one size convict by themselves; so does a later one of the same ledger.
        let doubled = try look([(right, [5]), (wrong, [5])])
        try check(doubled)
        #expect(names(doubled, "contradiction") == [Fixture.name(5)])
        let later = TreeHead(size: log.size, root: log.root)
        #expect(names(try look([(wrong, [5]), (later, [5])]), "twoHistories") == [Fixture.name(5)])
        // A copy that is behind convicts nobody, and it is told.
        let beyond = try look([(TreeHead(size: 99, root: Digest(hashing: [9])), [0])])
        #expect(beyond.proved.isEmpty && beyond.unprovable.count == 1)
    }

    @Test func `a precommit of a batch that was not decided convicts of nothing`() throws {
        // What a checkpoint signs within the batch of a precommit may never have been decided.
        let quarrel = try Quarrel(.fork, seed: 3)
        let ledgers = CulpritLedgers()
        let ledger = LedgerID(Digest(hashing: quarrel.first[0].encoded))
        func parted(_ log: [Event]) -> [Event] {
            let seal = log.indices.first { $0 > Int(quarrel.entry) && log[$0].tag == 76 }
            return Array(log.prefix((seal ?? 0) + 1))
        }
        try ledgers.write(certified: parted(quarrel.first), to: "/a", ledger: ledger)
        try ledgers.shelf.write(parted(quarrel.second), to: "/b")
        let other = try EventLog.open(directory: "/b", disk: ledgers.shelf.disk, access: .readOnly)
        let head = TreeHead(size: other.size, root: other.root)
        let report = try ledgers.culprits(
            ["/a"], checkpoints: [try CulpritLedgers.checkpoint(head, of: ledger, by: [0, 1])])
        #expect(report.proved.isEmpty, "\(report.proved)")
        #expect(report.unprovable.count == 1)
    }

    // MARK: Bad input

    @Test func `two ledgers, none, and what is no journal are told`() throws {
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(try CulpritLedgers.scenario().log, to: "/a")
        try ledgers.shelf.write(try LedgerScenario().log, to: "/b")
        #expect(throws: CulpritError.self) { try ledgers.culprits(["/a", "/b"]) }
        #expect(throws: CulpritError.self) { try ledgers.culprits(["/nothing"]) }
        let odd = try ledgers.culprits(["/a", "/nothing"], journals: ["/a", "/none"])
        #expect(odd.unread.count == 3, "\(odd.unread)")
        #expect(!odd.isFound)
        #expect(!odd.lacking.isEmpty)
    }
}
