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

/// Snapshots, checkpoints, projections and journals, as a node keeps and misses them.
@Suite("What nodes keep", .serialized)
struct KeepingTests {
    private static func store(_ home: NodeHome) -> CheckpointStore {
        CheckpointStore(
            logDirectory: home.ledgerDirectory,
            origin: Checkpoint.origin(ofLedger: home.ledger.digest), disk: POSIXDisk())
    }

    private static func lines(_ count: Int) throws -> [String] {
        try Array(
            Samples.lines().filter { try Samples.expectation($0).outcome == "approved" }
                .prefix(count))
    }

    @Test("every node is left with a checkpoint that all who run have cosigned")
    func checkpoints() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.parameters.verificationMilliseconds = 3_000
        let network = try Networks.make(folder, configuration)
        var options = LocalRunOptions()
        options.behaviours = ["validator-9": .offline, "validator-10": .offline]
        let clock = ShiftedClock(Samples.start)
        try await runLocal(network, Self.lines(3), options: options, clock: clock)
        let policy = try CheckpointPolicy(
            quorum: try Quorum("7-of-10"), validators: network.nodes.map(\.key.publicKey))
        for home in network.nodes.prefix(8) {
            let signed = try #require(try Self.store(home).newest().checkpoint)
            let log = try EventLog.open(
                directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
            #expect(signed.head == TreeHead(size: log.size, root: log.root))
            let verdict = try policy.require(signed, origin: signed.checkpoint.origin)
            #expect(verdict.cosignatures.count == 8)
        }
    }

    @Test("a node opens from its snapshot, and goes on as if it had none")
    func snapshots() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.keeping.snapshotEntries = 20
        let network = try Networks.make(folder, configuration)
        let clock = ShiftedClock(Samples.start)
        try await runLocal(network, Self.lines(3), clock: clock)
        let opened = try LedgerStore.open(
            directory: network.nodes[0].ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        #expect(opened.snapshot != nil && opened.notices.isEmpty)
        let (summary, _) = try await runLocal(network, Self.lines(5), clock: clock)
        #expect(summary.approved == 2 && summary.answered == 3)
        #expect(Set(try Networks.heads(network)).count == 1)
    }

    @Test("a run leaves projections that are up to date")
    func projections() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        let (summary, _) = try await runLocal(network, Self.lines(2))
        #expect(summary.projections?.entries == summary.entries)
        #expect(summary.projections?.behind == 0)
        #expect(summary.projections?.failure == nil)
    }

    @Test("projections that fail are told of, and the ledger goes on without them")
    func failingProjections() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        try POSIXDisk().createDirectory(
            network.nodes[0].ledgerDirectory + "/projections.sqlite")
        let (summary, recorder) = try await runLocal(network, Self.lines(1))
        #expect(summary.approved == 1)
        let told = recorder.events.filter {
            if case .projectionsStopped = $0 { true } else { false }
        }
        #expect(told.count == 1)
    }

    @Test("a node whose journal is lost, or older than its ledger, does not start")
    func journals() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        let clock = ShiftedClock(Samples.start)
        let files = FileManager.default
        let journal = network.nodes[2].journalDirectory
        try files.copyItem(atPath: journal, toPath: folder.file("old"))
        try await runLocal(network, Self.lines(1), clock: clock)
        try files.removeItem(atPath: journal)
        #expect(throws: NodeError.self) { _ = try LocalRun(network, clock: clock) }
        try files.copyItem(atPath: folder.file("old"), toPath: journal)
        do {
            _ = try LocalRun(network, clock: clock)
            Issue.record("an old journal was taken")
        } catch NodeError.journalBehind(let validator, _, _) {
            #expect(validator == "validator-3")
        }
    }

    @Test("a second process is turned away")
    func secondWriter() throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        let clock = ShiftedClock(Samples.start)
        let first = try LocalRun(network, clock: clock)
        #expect(throws: NodeError.self) { _ = try LocalRun(network, clock: clock) }
        try first.close()
        try LocalRun(network, clock: clock).close()
    }
}
