// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

/// What a case shows of those who signed its batch, and what it does not.
struct CaseCulpritTests {
    /// Looks in the ledger of the node, and in its cases.
    private func culprits(
        _ dispute: Dispute, _ cases: [DivergenceCase], ledgers: [String] = [Dispute.directory]
    ) throws -> CulpritReport {
        var inputs = CulpritInputs(ledgers: ledgers.map { ($0, $0) })
        inputs.disk = dispute.disk
        inputs.recounts = false
        inputs.cases = cases.enumerated().map {
            (CaseFile.encoded($0.element), "\($0.offset).case")
        }
        return try CulpritSearch.run(inputs)
    }

    private func write(_ events: [Event], to path: String, _ dispute: Dispute) throws {
        let log = try EventLog.create(directory: path, disk: dispute.disk)
        for event in events { _ = try log.stage(event.encoded) }
        try log.commit()
        try log.close()
    }

    private var voters: [String] { (0..<UInt16(Dispute.threshold)).map { Fixture.name($0) } }

    @Test(arguments: Dispute.Wrong.allCases)
    func `T who signed what the rules refute are proved by the case alone`(
        _ wrong: Dispute.Wrong
    ) throws {
        for seed in UInt64(60)..<64 {
            var dispute = try Dispute(seed: seed)
            let batch = try dispute.makeBatch()
            let found = try #require(try dispute.found(in: try dispute.broken(batch, wrong)))
            // The ledger that is named ends before the batch, even before the case's state.
            try write(Array(dispute.scenario.log.prefix(2)), to: "/start", dispute)
            let report = try culprits(dispute, [found], ledgers: ["/start"])
            #expect(report.proved.map(\.name).sorted() == voters, "\(wrong): \(report)")
            #expect(Set(report.proved.map(\.file)).count == 1)
            #expect(report.proved.allSatisfy { $0.kind == "refutedBatch" })
            #expect(report.unread.isEmpty, "\(report.unread)")
            let file = try EvidenceFile(try #require(report.evidence.first).bytes)
            #expect(file.verdict().effect == .convicts)
        }
    }

    @Test func `nobody is proved where the node was wrong`() throws {
        for seed in UInt64(70)..<74 {
            var random = SplitMix64(seed: seed)
            var dispute = try Dispute(seed: seed)
            let batch = try dispute.makeBatch()
            let found = try dispute.foundAfterFailedMemory(batch, &random)
            let report = try culprits(dispute, [found])
            #expect(!report.isFound, "\(report.proved), \(report.unprovable)")
            #expect(report.unread.isEmpty, "\(report.unread)")
        }
    }

    /// A nullifier that is spent: the case does not show all of them, a ledger does.
    @Test func `what rests on records takes a ledger that has them`() throws {
        let signed = try SignedBatch.takingWhatIsRefused(.nullifierSpent)
        let height = Height(signed.state.height.rawValue + 1)
        var before = MerkleFrontier()
        for event in signed.log.dropLast() { before.append(leaf: event.encoded) }
        let found = DivergenceCase(
            .input(
                height, EntryIndex(signed.state.size + 1), kind: "requestSubmitted",
                .nullifierSpent), signed.batch, on: signed.state, signed.frontier,
            seal: DivergenceCase.LastSeal(
                before: before, entry: EntryBytes(signed.log.last.map(\.encoded) ?? [])),
            validator: Fixture.key(5).publicKey, versions: Dispute.versions, time: Time(1))
        #expect(!found.excerpt.isWhole(.nullifiers))
        let shelf = Shelf()
        try shelf.write(signed.log, to: "/a")
        try shelf.write(Array(signed.log.prefix(2)), to: "/start")
        func look(_ ledger: String) throws -> CulpritReport {
            var inputs = CulpritInputs(ledgers: [(ledger, ledger)])
            inputs.disk = shelf.disk
            inputs.recounts = false
            inputs.cases = [(CaseFile.encoded(found), "x.case")]
            return try CulpritSearch.run(inputs)
        }
        let alone = try look("/start")
        #expect(alone.proved.isEmpty)
        let reason = try #require(alone.unprovable.first).reason
        #expect(reason.contains("nullifiers"), "\(reason)")
        let report = try look("/a")
        #expect(report.proved.map(\.name).sorted() == voters, "\(report.unprovable)")
        #expect(report.unprovable.isEmpty)
    }

    @Test func `a vote in a case convicts by the contrary in a ledger`() throws {
        var dispute = try Dispute(seed: 6)
        var other = dispute.scenario
        let batch = try dispute.makeBatch()
        // The same request, of which one voter says the contrary there.
        try other.open(after: 2_000)
        let request = try other.submit()
        try other.cast(2, .reject, on: request)
        try other.seal()
        try write(other.log, to: "/other", dispute)
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        let report = try culprits(dispute, [found], ledgers: ["/other"])
        let contradicted = report.proved.filter { $0.kind == "contradiction" }
        #expect(contradicted.map(\.name) == [Fixture.name(2)], "\(report)")
        // Without the case there is nothing.
        #expect(try !culprits(dispute, [], ledgers: ["/other"]).isFound)
    }

    @Test func `a case of another history convicts who signed both`() throws {
        var dispute = try Dispute(seed: 5)
        let copy = dispute
        let batch = try dispute.makeBatch()
        let other = try dispute.broken(batch, .reputation)
        let host = try copy.open()
        try copy.hand(batch, to: host)
        try host.close()
        var state = dispute.before.state
        for event in other.events { try state.apply(Entry(event)) }
        let opened = BatchOpened(
            height: Height(state.height.rawValue + 1), time: state.time.adding(milliseconds: 1),
            proposer: ValidatorIndex(0), round: 0, previousRoot: other.precommits.root,
            precommitRound: 0, precommits: other.precommits.signatures, signature: .zero)
        let found = try #require(
            try dispute.found(
                in: Dispute.decided(
                    [.batchOpened(opened)], height: opened.height, root: Digest(hashing: [1]),
                    in: state.ledger)))
        let report = try culprits(dispute, [found])
        let contradicted = report.proved.filter { $0.kind == "contradiction" }
        #expect(contradicted.map(\.name).sorted() == voters, "\(report)")
        #expect(report.proved.count == contradicted.count)
    }

    @Test func `cases that are forged, cut or of another ledger are told, and prove nothing`()
        throws
    {
        var dispute = try Dispute(seed: 8)
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        var forged = found
        forged.batch.precommits.signatures[0].signature = .zero
        var moved = found
        moved.components[2] = .zero
        var elsewhere = found
        elsewhere.ledger = LedgerID(Digest(hashing: [3]))
        let report = try culprits(dispute, [forged, moved, elsewhere])
        #expect(!report.isFound, "\(report.proved)")
        #expect(report.unread.count == 3, "\(report.unread)")
        var inputs = CulpritInputs(ledgers: [(Dispute.directory, "node")])
        inputs.disk = dispute.disk
        inputs.recounts = false
        inputs.cases = [(Array(CaseFile.encoded(found).dropLast(7)), "cut.case"), ([], "empty")]
        let cut = try CulpritSearch.run(inputs)
        #expect(!cut.isFound && cut.unread.count == 2, "\(cut.unread)")
    }

    @Test func `a case whose history nobody binds proves nothing`() throws {
        var dispute = try Dispute(seed: 9)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        found.seal = nil
        found.components = found.held
        let report = try culprits(dispute, [found])
        #expect(report.proved.isEmpty)
        #expect(report.unprovable.count == 1, "\(report)")
    }
}
