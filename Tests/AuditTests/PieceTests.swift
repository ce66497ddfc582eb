// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Ledger
import TestSupport
import Testing

/// An audit reads a log in pieces, ahead of the fold: where they are cut changes nothing.
@Suite struct PieceTests {
    /// Writes entries in commits of some size, and audits the log in pieces of some bytes.
    private func audit(
        _ entries: [[UInt8]], commit: Int, pieceBytes: Int, _ options: AuditOptions
    ) throws -> AuditReport {
        let disk = SimulatedDisk()
        let log = try EventLog.create(
            directory: "/l", disk: disk, options: LogOptions(segmentBytesMax: 4_000))
        for start in stride(from: 0, to: entries.count, by: commit) {
            _ = try log.stage(entries[start..<min(start + commit, entries.count)])
            try log.commit()
        }
        try log.close()
        var options = options
        options.pieceBytes = pieceBytes
        var report = try Auditor.run(directory: "/l", disk: disk, options: options)
        (report.seconds, report.entriesPerSecond) = (0, 0)
        // Of the files, which differ by how they were committed.
        (report.frames, report.segments) = (0, 0)
        return report
    }

    /// Audits in every way, and compares what is found.
    private func check(
        _ entries: [[UInt8]], _ options: AuditOptions = AuditOptions(verifyProofs: false)
    ) throws -> AuditReport {
        let whole = try audit(entries, commit: 10_000, pieceBytes: 1 << 20, options)
        for (commit, pieceBytes) in [(1, 1), (1, 300), (7, 1), (7, 1_000), (50, 1)] {
            let parts = try audit(entries, commit: commit, pieceBytes: pieceBytes, options)
            #expect(parts == whole, "commits of \(commit), pieces of \(pieceBytes)")
        }
        return whole
    }

    @Test func `an honest ledger is found right, wherever it is cut`() throws {
        let entries = try LedgerScenario.small().entries
        #expect(try check(entries).isRight)
        #expect(try check(entries, AuditOptions()).counts.entries == UInt64(entries.count))
        var quick = AuditOptions(verifyProofs: false)
        quick.checkTree = false
        #expect(try check(entries, quick).isRight)
    }

    @Test func `what is wrong is found at the same place, wherever it is cut`() throws {
        let entries = try LedgerScenario.small().entries
        for place in entries.indices {
            var missing = entries
            missing.remove(at: place)
            #expect(try !check(missing).isRight || place == entries.count - 1)
            var garbled = entries
            garbled[place] = [200, 1, 2]
            #expect(try check(garbled).findings.contains { $0.kind == .undecodable })
        }
    }

    @Test func `a seal that states another root is found`() throws {
        let entries = try LedgerScenario.small().entries
        for (place, bytes) in entries.enumerated() {
            guard case .batchSealed(let seal) = try Event(decoding: bytes) else { continue }
            var changed = entries
            changed[place] =
                Event.batchSealed(
                    BatchSealed(
                        height: seal.height, size: seal.size, root: Digest(hashing: [1]),
                        stateRoot: seal.stateRoot, components: seal.components)
                ).encoded
            let report = try check(changed)
            #expect(report.findings.first?.kind == .logRoot)
            #expect(report.findings.first?.entry == UInt64(place))
        }
    }
}
