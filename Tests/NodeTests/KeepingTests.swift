// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Storage
import TestSupport
import Testing

/// Snapshots, checkpoints and journals, as a node keeps and misses them.
@Suite struct KeepingTests {
    private static func store(_ home: Home) -> CheckpointStore {
        CheckpointStore(
            logDirectory: home.ledgerDirectory,
            origin: Checkpoint.origin(ofLedger: home.ledger.digest), disk: POSIXDisk())
    }

    @Test func runLeavesACheckpointThatEveryValidatorCosigned() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let lines = Array(try Samples.lines().prefix(6))
        try await run(
            home, lines, behaviours: try Behaviour.list(count: 10, offline: 2),
            clock: VirtualClock(Samples.start))
        let signed = try #require(try Self.store(home).newest().checkpoint)
        let log = try EventLog.open(
            directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        #expect(signed.head == TreeHead(size: log.size, root: log.root))
        let policy = try CheckpointPolicy(
            quorum: try Quorum("7-of-10"), validators: home.validators.map(\.key.publicKey))
        let verdict = try policy.require(signed, origin: signed.checkpoint.origin)
        // The two that were offline signed nothing.
        #expect(verdict.cosignatures.count == 8)
        // A later run continues it; an idle one adds nothing.
        try await run(home, [], clock: VirtualClock(Samples.start))
        #expect(try Self.store(home).list().sizes.last == log.size)
    }

    @Test func everySealedBatchHasACheckpointWhereThatIsAskedFor() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.keeping.checkpointSeconds = 0
        configuration.keeping.checkpointsKept = 3
        let home = try Samples.home(folder, configuration)
        try await run(
            home, Array(try Samples.lines().prefix(12)), clock: VirtualClock(Samples.start),
            openRoundsMax: 1)
        #expect(try Self.store(home).list().sizes.count == 3)
    }

    @Test func nodeOpensFromItsSnapshotAndGoesOnAsIfItHadNone() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.keeping.snapshotEntries = 20
        let home = try Samples.home(folder, configuration)
        let lines = try Samples.lines()
        try await run(home, Array(lines.prefix(8)), clock: VirtualClock(Samples.start))
        let opened = try LedgerStore.open(
            directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        let snapshot = try #require(opened.snapshot)
        #expect(opened.folded == opened.log.size - snapshot.size && opened.notices.isEmpty)
        let (summary, _) = try await run(
            home, Array(lines.prefix(16)), clock: VirtualClock(Samples.start))
        #expect(summary.openRounds == 0 && summary.openSettlements == 0)
        try checkLedger(home)
    }

    @Test func validatorWithoutItsJournalIsSilentUntilNothingItMayHaveSignedCounts() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let approved = try Samples.lines().filter {
            try Samples.expectation($0).outcome == "approved"
        }
        let clock = VirtualClock(Samples.start)
        try await run(home, [approved[0]], clock: clock)
        let name = home.validators[2].name
        try FileManager.default.removeItem(atPath: home.journalDirectory(of: name))
        #expect(throws: NodeError.self) { try Coordinator.open(home: home, clock: clock) }

        let begun = try HomeJournals.beginAnew(at: home.path, named: [], clock: clock)
        #expect(begun.map(\.name) == [name])
        let until = begun[0].silentUntil
        #expect(until >= clock.now().adding(milliseconds: 120_000))
        // The round waits for its deadline, since one of ten says nothing.
        try await run(home, [approved[1]], clock: clock)
        #expect(try Self.votes(of: ValidatorIndex(2), home).count == 1)
        // Nor does it cosign.
        let signed = try #require(try Self.store(home).newest().checkpoint)
        #expect(!signed.note.text.isEmpty)
        let own = try Checkpoint.cosignerKey(
            origin: signed.checkpoint.origin, publicKey: home.validators[2].key.publicKey)
        #expect(signed.note.signature(of: own) == nil)

        let later = VirtualClock(until.adding(milliseconds: 1))
        try await run(home, [approved[2]], clock: later)
        let votes = try Self.votes(of: ValidatorIndex(2), home)
        #expect(votes.count == 2)
        #expect(votes.allSatisfy { $0 < Samples.start.adding(milliseconds: 10_000) || $0 > until })
        try checkLedger(home)
    }

    @Test func allJournalsLostMeansSilenceAndThenWorkAgain() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let approved = try Samples.lines().filter {
            try Samples.expectation($0).outcome == "approved"
        }
        let clock = VirtualClock(Samples.start)
        try await run(home, [approved[0]], clock: clock)
        try FileManager.default.removeItem(atPath: home.path + "/journals")
        #expect(try HomeJournals.beginAnew(at: home.path, named: [], clock: clock).count == 10)
        let (summary, _) = try await run(home, [approved[1], approved[2]], clock: clock)
        #expect(summary.openRounds == 0)
        let outcomes = try entries(home).compactMap { event -> Outcome? in
            if case .outcomeDecided(let outcome) = event { outcome.outcome } else { nil }
        }
        #expect(outcomes == [.approved, .timedOut, .timedOut])
        let (next, _) = try await run(
            home, [approved[3]], clock: VirtualClock(Samples.start.adding(milliseconds: 600_000)))
        #expect(next.approved == 1)
    }

    @Test func checkpointsAreSignedAndCosignedByHandAndNoForkIs() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let clock = VirtualClock(Samples.start)
        let genesis = try HomeCheckpoints.sign(home, clock: clock)
        #expect(genesis.signed.note.signatures.count == 11)
        try await run(home, Array(try Samples.lines().prefix(3)), clock: clock)
        // Each has cosigned a longer log since.
        #expect(throws: NodeError.self) {
            try HomeCheckpoints.cosign(genesis.signed, home, names: [], clock: clock)
        }
        let newest = try #require(try Self.store(home).newest().checkpoint)
        let fork = Checkpoint(
            ledger: home.ledger.digest,
            head: TreeHead(size: newest.head.size, root: Digest(hashing: [1])))
        let key = home.validators[0].key
        let forged = try SignedCheckpoint(signing: fork, with: key)
        #expect {
            _ = try HomeCheckpoints.cosign(forged, home, names: [], clock: clock)
        } throws: { error in
            guard case NodeError.notOfThisLedger = error else { return false }
            return true
        }
        let bare = try SignedCheckpoint(signing: newest.checkpoint, with: key)
        let cosigned = try HomeCheckpoints.cosign(
            bare, home, names: [home.validators[4].name], clock: clock)
        let own = try Checkpoint.cosignerKey(
            origin: newest.checkpoint.origin, publicKey: home.validators[4].key.publicKey)
        let line = try #require(cosigned.note.signature(of: own))
        #expect(own.verifies(line, of: cosigned.note.text))
    }

    @Test func ledgerWithoutWhatItsCheckpointSawIsNotOpened() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let clock = VirtualClock(Samples.start)
        let copy = folder.file("copy")
        try FileManager.default.copyItem(atPath: home.ledgerDirectory, toPath: copy)
        try await run(home, Array(try Samples.lines().prefix(3)), clock: clock)
        // An older copy of the log under newer checkpoints.
        let segments = home.ledgerDirectory + "/segments"
        try FileManager.default.removeItem(atPath: segments)
        try FileManager.default.copyItem(atPath: copy + "/segments", toPath: segments)
        try FileManager.default.removeItem(atPath: home.ledgerDirectory + "/END")
        #expect {
            _ = try Coordinator.open(home: home, clock: clock)
        } throws: { error in
            guard case NodeError.storage(_, .shorterThan(let witness, _, _)) = error else {
                return false
            }
            return witness.hasSuffix(".checkpoint")
        }
    }

    /// The timestamps of a validator's votes.
    private static func votes(of validator: ValidatorIndex, _ home: Home) throws -> [Time] {
        try entries(home).compactMap { event in
            if case .voteCast(let vote) = event, vote.validator == validator {
                vote.timestamp
            } else {
                nil
            }
        }
    }
}
