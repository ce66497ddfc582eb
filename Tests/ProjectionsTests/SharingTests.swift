// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import GRDB
import Projections
import Synchronization
import TestSupport
import Testing

@Suite struct SharingTests {
    /// Runs work on threads of its own, all at once, and throws what the first of them throws.
    private func atOnce(_ work: [@Sendable () throws -> Void]) throws {
        let failures = Mutex<[String]>([])
        let group = DispatchGroup()
        for (number, job) in work.enumerated() {
            group.enter()
            let thread = Thread {
                do { try job() } catch {
                    failures.withLock { $0.append("\(number): \(error)") }
                }
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        group.wait()
        #expect(failures.withLock { $0 } == [])
    }

    @Test func severalFollowersKeepOneFile() throws {
        let ledger = try ProjectedLedger(seed: 8, writing: 1)
        let (directory, log) = (ledger.directory, ledger.log)
        let isDone = Atomic(false)
        let follow: @Sendable () throws -> Void = {
            let writer = ProjectionsWriter(directory: directory, log: log)
            while !isDone.load(ordering: .acquiring) { _ = try writer.catchUp() }
            _ = try writer.catchUp()
            #expect(writer.notices == [])
            try writer.close()
        }
        let growth = Growth(ledger)
        try atOnce([
            follow, follow, follow,
            {
                defer { isDone.store(true, ordering: .releasing) }
                while try growth.next() { Thread.sleep(forTimeInterval: 0.002) }
            },
        ])
        #expect(try ledger.verdict() == nil)
        #expect(try ledger.reader().position.entries == ledger.log.size)
    }

    @Test func filesAreSwappedWhileReadersReadAndAWriterWrites() throws {
        let ledger = try ProjectedLedger(seed: 9, writing: 1)
        let (directory, log) = (ledger.directory, ledger.log)
        let isDone = Atomic(false)
        let growth = Growth(ledger)
        _ = try ledger.reader()
        try atOnce([
            {
                let writer = ProjectionsWriter(directory: directory, log: log)
                while !isDone.load(ordering: .acquiring) { _ = try writer.catchUp() }
                _ = try writer.catchUp()
                #expect(writer.notices == [])
                try writer.close()
            },
            {
                // A reader sees one position, whatever happens to the file.
                while !isDone.load(ordering: .acquiring) {
                    let reader = try Projections.reader(ledgerDirectory: directory, log: log)
                    #expect(reader.notices == [])
                    try reader.read { db in
                        let sql = "SELECT max(height), max(sealed) + 1 FROM batch"
                        let batch = try Row.fetchOne(db, sql: sql)
                        Thread.sleep(forTimeInterval: 0.003)
                        let position = try Row.fetchOne(
                            db, sql: "SELECT height, entries FROM position")
                        #expect(batch?[0] == position?[0] as Int64?)
                        #expect(batch?[1] == position?[1] as Int64?)
                    }
                }
            },
            {
                for _ in 0..<12 {
                    _ = try Projections.rebuild(ledgerDirectory: directory, log: log)
                }
            },
            {
                defer { isDone.store(true, ordering: .releasing) }
                while try growth.next() { Thread.sleep(forTimeInterval: 0.005) }
            },
        ])
        #expect(try ledger.verdict() == nil)
        #expect(try ledger.reader().position.entries == ledger.log.size)
    }

    @Test func aReaderGoesOnWithTheFileThatItHasOpen() throws {
        let ledger = try ProjectedLedger(seed: 9, batches: 10)
        let reader = try ledger.reader()
        let before = try tables(of: reader)
        for _ in 0..<3 {
            _ = try Projections.rebuild(ledgerDirectory: ledger.directory, log: ledger.log)
        }
        #expect(try tables(of: reader) == before)
        #expect(try ledger.files() == ["projections-4.sqlite", "projections.sqlite"])
    }

    /// SQLite cannot read such a file where it may not make them.
    @Test func theJournalStaysForThoseWhoMayOnlyRead() throws {
        let ledger = try ProjectedLedger(seed: 9, batches: 10)
        _ = try ledger.reader()
        let names = try POSIXDisk().list(ledger.directory)
        #expect(names.contains("projections-1.sqlite-wal"))
        #expect(names.contains("projections-1.sqlite-shm"))
        let journal = try POSIXDisk().open(ledger.directory + "/projections-1.sqlite-wal", .read)
        #expect(try journal.size() == 0)
    }

    @Test func twoDoNotRebuildAtOnce() throws {
        let ledger = try ProjectedLedger(seed: 9, batches: 3)
        let lock = try POSIXDisk().lock(ledger.directory + "/projections.lock")
        defer { lock.release() }
        #expect {
            try Projections.rebuild(ledgerDirectory: ledger.directory, log: ledger.log)
        } throws: { error in
            guard case ProjectionsError.busy = error else { return false }
            return true
        }
    }

    @Test func whatAnInterruptedRebuildLeftIsRemoved() throws {
        let ledger = try ProjectedLedger(seed: 9, batches: 3)
        _ = try ledger.reader()
        for name in ["projections-7.sqlite", "projections-7.sqlite-wal", "projections.sqlite.tmp"] {
            _ = try POSIXDisk().open(ledger.directory + "/" + name, .create)
        }
        _ = try Projections.rebuild(ledgerDirectory: ledger.directory, log: ledger.log)
        let current = try FileManager.default.destinationOfSymbolicLink(atPath: ledger.link)
        #expect(try ledger.files() == [current, "projections.sqlite"].sorted())
    }
}

/// The batches that are still to be written, for one thread.
private final class Growth: @unchecked Sendable {
    private let ledger: ProjectedLedger
    init(_ ledger: ProjectedLedger) { self.ledger = ledger }

    /// Writes a batch; false where there is none left.
    func next() throws -> Bool {
        guard ledger.written < ledger.batches.count else { return false }
        try ledger.write(1)
        return true
    }
}

@Suite struct CrashTests {
    /// The database and its write-ahead log as they are at some moment, the second cut anywhere:
    /// what a crash leaves. What is found is a position of before, with its rows and no others.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func aCrashLeavesAnEarlierPositionThatGoesOn(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let ledger = try ProjectedLedger(seed: 10, writing: 2)
        let writer = ledger.writer()
        var positions = [try writer.catchUp()]
        for _ in 0..<8 {
            try ledger.write(4)
            positions.append(try writer.catchUp())
        }
        let files = FileManager.default
        let database = ledger.directory + "/projections-1.sqlite"
        let wal = try POSIXDisk().contents(of: database + "-wal", max: 1 << 30)
        #expect(wal.count > 10_000)
        let crashed = try ProjectedLedger(seed: 10, writing: ledger.written)
        let copy = crashed.directory + "/projections-1.sqlite"
        try files.copyItem(atPath: database, toPath: copy)
        try writer.close()
        let kept = Int.random(in: 0...wal.count, using: &random)
        try POSIXDisk().open(copy + "-wal", .create).write(Array(wal.prefix(kept)), at: 0)
        try files.createSymbolicLink(
            atPath: crashed.link, withDestinationPath: "projections-1.sqlite")
        guard case .follows(let position, _) = crashed.info().condition else {
            Issue.record("seed \(seed): \(crashed.info().condition)")
            return
        }
        #expect(positions.contains(position), "seed \(seed)")
        #expect(try crashed.verdict() == nil, "seed \(seed)")
        #expect(try crashed.reader().notices == [])
        #expect(try crashed.content() == ledger.content(), "seed \(seed)")
    }
}
