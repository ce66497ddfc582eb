// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

/// Files that are not the same twice, and disks that fill up, while an audit reads or a series of
/// snapshots is written.
struct ChangingFilesTests {
    private static let directory = "/l"

    /// A ledger of some batches on a disk, without snapshots.
    private func ledger(
        batches: UInt64
    ) throws -> (disk: SimulatedDisk, scenario: LedgerScenario) {
        var scenario = try LedgerScenario(.small)
        for second in 1...batches { try scenario.batch(seconds: second) }
        let disk = SimulatedDisk()
        try disk.createDirectory(Self.directory)
        try disk.syncDirectory("/")
        try EventLog.write(scenario.entries, to: Self.directory, disk: disk)
        return (disk, scenario)
    }

    /// A store that shows one thing first and another later, or the other way round.
    @Test func `tiles that change between two readings are found out or change nothing`() throws {
        let (disk, scenario) = try ledger(batches: 150)
        let log = try EventLog.open(
            directory: Self.directory, disk: disk, access: .readOnly)
        #expect(log.size > 256)
        let checkpoint = try SignedCheckpoint(
            signing: Checkpoint(
                origin: Checkpoint.origin(ofLedger: scenario.ledger.digest),
                head: TreeHead(size: log.size, root: log.root)), with: scenario.keys[1])
        _ = try TileExport.run(log, upTo: checkpoint, to: "/t", disk: disk)
        func audit(_ disk: any Disk) throws -> AuditReport {
            var report = try RangeAuditor.run(
                directory: "/t", AuditRangeRequest(from: 100), disk: disk)
            (report.seconds, report.entriesPerSecond) = (0, 0)
            return report
        }
        let watching = ChangingDisk(disk) { _, _ in nil }
        let honest = try audit(watching)
        #expect(honest.isRight && watching.opened.contains { $0.times > 1 })
        var found = 0
        for (path, times) in watching.opened {
            let bytes = try #require(disk.bytes(of: path))
            for opening in 0..<times {
                for place in [0, bytes.count / 2, bytes.count - 1] {
                    var lie = bytes
                    lie[place] ^= 1
                    let altered = lie
                    for isLater in [false, true] {
                        let lying = ChangingDisk(disk) { name, number in
                            name == path && (isLater ? number >= opening : number == opening)
                                ? altered : nil
                        }
                        do {
                            let report = try audit(lying)
                            let isDamaged = report.findings.contains { $0.kind == .damage }
                            if isDamaged { found += 1 }
                            #expect(isDamaged || report == honest, "\(path) \(opening) \(place)")
                        } catch { found += 1 }
                    }
                }
            }
        }
        #expect(found > 0)
    }

    @Test func `a full disk leaves no part of a snapshot, and the next run adds the rest`() throws {
        let (plain, _) = try ledger(batches: 3)
        let folder = "/marks"
        var wanted = 0
        var operation = 0
        while true {
            let disk = SimulatedDisk(copying: plain)
            disk.fail(operation: operation, with: .noSpace)
            operation += 1
            do throws(RangeError) {
                let report = try SnapshotSeries.run(
                    of: Self.directory, every: 1, to: folder, disk: disk)
                wanted = report.written.count
                break
            } catch {
                guard case .log(.disk(.noSpace)) = error else {
                    Issue.record("operation \(operation): \(error)")
                    break
                }
            }
            let names = disk.files.filter { $0.hasPrefix(folder + "/") }
            #expect(names.allSatisfy { $0.hasSuffix(".snapshot") }, "\(names)")
            disk.healFaults()
            let store = SnapshotStore(folder: folder, disk: disk)
            let kept = try store.heights().count
            let rest = try SnapshotSeries.run(
                of: Self.directory, every: 1, to: folder, disk: disk)
            #expect(rest.kept == kept && kept + rest.written.count == 3)
        }
        #expect(wanted == 3 && operation > 10)
    }
}
