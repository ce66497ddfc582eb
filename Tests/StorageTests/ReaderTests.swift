// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

/// What the reader in `Tools`, which shares nothing with this code, makes of our ledgers.
@Suite(.enabled(if: Reader.isThere, "no Python with lz4 and pynacl: see Tools/test"))
struct ReaderTests {
    private static func line(_ seal: BatchSealed, size: UInt64) -> [String: String] {
        ["height": "\(seal.height.rawValue)", "size": "\(size)", "state_root": seal.stateRoot.hex]
    }

    /// Writes a run to a folder, with a snapshot and a checkpoint of every tenth batch.
    private static func write(_ scenario: LedgerScenario, to directory: String) throws {
        let disk = POSIXDisk()
        let log = try EventLog.create(
            directory: directory, disk: disk, options: LogOptions(segmentBytesMax: 20_000))
        let checkpoints = CheckpointStore(
            logDirectory: directory,
            origin: Checkpoint.origin(ofLedger: scenario.ledger.digest), disk: disk)
        var state = LedgerState()
        var batch: [Event] = []
        var proposer = 0
        for event in scenario.log {
            batch.append(event)
            if case .batchOpened(let opened) = event { proposer = Int(opened.proposer.rawValue) }
            guard case .batchSealed(let seal) = event else { continue }
            try StoredLedger.append(batch, to: log, &state)
            batch = []
            guard seal.height.rawValue.isMultiple(of: 10) else { continue }
            _ = try SnapshotStore(ledgerDirectory: directory, disk: disk).write(
                state.snapshot(), height: state.height, ledger: state.ledger,
                components: state.componentRoots(), size: state.size, log: log)
            var signed = try SignedCheckpoint(
                signing: Checkpoint(
                    ledger: scenario.ledger.digest, head: TreeHead(size: log.size, root: log.root)),
                with: Fixture.key(UInt16(proposer)))
            for key in scenario.keys.prefix(5) { _ = try signed.cosign(with: key, seconds: 1) }
            _ = try checkpoints.save(signed)
            // Another node made one of the same size: both signed as the log.
            _ = try checkpoints.save(
                SignedCheckpoint(
                    signing: signed.checkpoint, with: Fixture.key(UInt16(proposer == 0 ? 1 : 0))))
        }
        try PrecommitStore(ledgerDirectory: directory, disk: disk).save(
            state.precommits(root: log.root, key: Fixture.key))
        try log.close()
    }

    @Test("agrees on every batch of ledgers in which everything happens", arguments: 1...3)
    func agrees(seed: Int) throws {
        let scenario = try GoldenRun.play(seed: UInt64(seed))
        let folder = NSTemporaryDirectory() + "recount-reader-\(UUID().uuidString)"
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { print(error) }
        }
        try Self.write(scenario, to: folder)
        let result = try Reader.read(folder)
        #expect(result.status == 0, "\(result.lines.last ?? "")")
        let seals = scenario.log.enumerated().compactMap { place, event -> [String: String]? in
            guard case .batchSealed(let seal) = event else { return nil }
            return Self.line(seal, size: UInt64(place) + 1)
        }
        let read = try result.lines.dropLast().map { line -> [String: String] in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let fields = try #require(object as? [String: Any])
            return [
                "height": "\(fields["height"] ?? "")", "size": "\(fields["size"] ?? "")",
                "state_root": "\(fields["state_root"] ?? "")",
            ]
        }
        #expect(read == seals)
        let summary = try #require(result.lines.last)
        #expect(summary.contains("\"agrees\": true"))
        #expect(summary.contains("\"snapshots\": 7") && summary.contains("\"checkpoints\": 7"))
    }

    @Test("and finds a component root that is wrong in a seal")
    func differs() throws {
        var log = try GoldenRun.play(seed: 4, batches: 5).log
        guard case .batchSealed(var seal)? = log.last else { fatalError("no seal") }
        seal.components[3] = .zero
        seal.stateRoot = StateRoot.combined(seal.components)
        log[log.count - 1] = .batchSealed(seal)
        let folder = NSTemporaryDirectory() + "recount-reader-\(UUID().uuidString)"
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { print(error) }
        }
        let written = try EventLog.create(directory: folder, disk: POSIXDisk())
        for event in log { _ = try written.stage(event.encoded) }
        try written.commit()
        try written.close()
        let result = try Reader.read(folder)
        #expect(result.status == 1)
        #expect(result.lines.last?.contains("\"entry\": \(log.count - 1)") == true)
    }

    @Test("and asks who agreed to the last batch")
    func quorum() throws {
        let scenario = try GoldenRun.play(seed: 5, batches: 4)
        let folder = NSTemporaryDirectory() + "recount-reader-\(UUID().uuidString)"
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch { print(error) }
        }
        try Self.write(scenario, to: folder)
        let store = PrecommitStore(ledgerDirectory: folder, disk: POSIXDisk())
        let height = try #require(try store.heights().last)
        let good = try store.load(height)
        #expect(try Reader.read(folder).status == 0)
        func read(_ change: (inout Precommits) -> Void) throws -> (status: Int32, last: String) {
            var changed = good
            change(&changed)
            try store.save(changed)
            let result = try Reader.read(folder)
            return (result.status, result.lines.last ?? "")
        }
        let words = "no quorum shown for batch \(height.rawValue)"
        // One signature fewer; one of another; one twice; another root, which nobody signed.
        for change: (inout Precommits) -> Void in [
            { $0.signatures.removeLast() },
            { $0.signatures[1].signature = $0.signatures[0].signature },
            { $0.signatures[1] = $0.signatures[0] },
            { $0.root = .zero },
        ] {
            let result = try read(change)
            #expect(result.status == 2 && result.last.contains(words), "\(result.last)")
        }
        #expect(try read { _ in }.status == 0)
        let state = try LedgerStore.open(
            directory: folder, disk: POSIXDisk(), access: .readOnly
        ).state
        let other = state.precommits(root: .zero, key: Fixture.key)
        let forked = try read { $0 = other }
        #expect(forked.status == 1 && forked.last.contains("root after the batch"))
        try FileManager.default.removeItem(atPath: store.path(height))
        let none = try Reader.read(folder)
        #expect(none.status == 2 && none.lines.last?.contains(words) == true)
    }
}
