// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Synchronization
import TestSupport
import Testing

/// A disk that fills up at a write, before which something else has happened.
private final class FillingDisk: ForwardingDisk {
    let disk = SimulatedDisk()
    var base: any Disk { disk }
    private let meanwhile = Mutex<(@Sendable () -> Void)?>(nil)

    /// Does `body` once the next write to a file has begun, which then finds no room.
    func fillUp(after body: @escaping @Sendable () -> Void) { meanwhile.withLock { $0 = body } }

    fileprivate func beginWrite() {
        let body = meanwhile.withLock { meanwhile in
            defer { meanwhile = nil }
            return meanwhile
        }
        guard let body else { return }
        body()
        disk.fail(operation: 0, with: .noSpace)
    }

    func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> any DiskFile {
        FillingFile(try disk.open(path, access), self)
    }
}

private final class FillingFile: DiskFile {
    private let file: any DiskFile
    private let disk: FillingDisk

    init(_ file: any DiskFile, _ disk: FillingDisk) {
        self.file = file
        self.disk = disk
    }

    var path: String { file.path }
    func size() throws(DiskError) -> UInt64 { try file.size() }
    func read(at offset: UInt64, count: Int) throws(DiskError) -> [UInt8] {
        try file.read(at: offset, count: count)
    }
    func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskError) {
        disk.beginWrite()
        try file.write(bytes, at: offset)
    }
    func truncate(to size: UInt64) throws(DiskError) { try file.truncate(to: size) }
    func sync() throws(DiskError) { try file.sync() }
}

/// Entries that were staged while a commit met a full disk.
@Suite struct FullDiskTests {
    private let disk = FillingDisk()

    /// A log of one entry, in which a commit of `first` met a full disk while `second` was staged.
    private func log(_ first: [[UInt8]], _ second: [[UInt8]]) throws -> EventLog {
        let log = try EventLog.create(directory: "/log", disk: disk)
        _ = try log.stage([1])
        try log.commit()
        _ = try log.stage(first[...])
        disk.fillUp {
            do {
                #expect(try log.stage(second[...]) == UInt64(1 + first.count))
            } catch { Issue.record(error) }
        }
        #expect {
            try log.commit()
        } throws: {
            if case LogError.disk(.noSpace) = $0 { true } else { false }
        }
        disk.disk.healFaults()
        #expect(log.size == 1)
        return log
    }

    @Test func whatWasStagedMeanwhileIsCommittedBehindIt() throws {
        let (first, second): ([[UInt8]], [[UInt8]]) = ([[2], [3]], [[4], [5], [6]])
        let log = try log(first, second)
        try log.commit()
        #expect(try allEntries(log) == [[1]] + first + second)
        #expect(log.root == naiveRoot(of: [[1]] + first + second))
        _ = try log.verifyAll()
        try log.close()
    }

    @Test func aLogOfWhichOneFrameCannotHoldAllThatIsStagedStops() throws {
        // Each fits a frame, and both together do not.
        let half = Array(repeating: [UInt8](repeating: 7, count: 65_535), count: 520)
        let log = try log(half, half)
        for attempt: () throws -> Void in [
            { try log.commit() }, { _ = try log.stage([8]) }, { _ = try log.entry(at: 0) },
            { try log.close() },
        ] {
            #expect {
                try attempt()
            } throws: {
                if case LogError.unusable(.noSpace) = $0 { true } else { false }
            }
        }
        let again = try EventLog.open(directory: "/log", disk: disk)
        #expect(!again.recovery.wasClosed)
        #expect(again.recovery.tornBytes == 0)
        #expect(try allEntries(again) == [[1]])
        _ = try again.stage(half[...])
        try again.commit()
        #expect(again.size == 521)
        try again.close()
    }
}
