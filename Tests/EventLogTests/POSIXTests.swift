// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Synchronization
import TestSupport
import Testing

/// Runs `body` with a new directory, and removes it after.
private func withDirectory(_ body: (String) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("recount-log-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
}

@Suite struct POSIXTests {
    @Test func aLogOnARealDiskIsReadBack() throws {
        try withDirectory { directory in
            let path = directory + "/log"
            let disk = POSIXDisk()
            var entries: [[UInt8]] = []
            var random = SplitMix64(seed: 8)
            let log = try EventLog.create(
                directory: path, disk: disk, options: LogOptions(segmentBytesMax: 30_000))
            for _ in 0..<60 {
                for _ in 0..<30 {
                    entries.append(someEntry(&random))
                    _ = try log.stage(entries[entries.count - 1])
                }
                try log.commit()
            }
            let reader = try EventLog.open(directory: path, disk: disk, access: .readOnly)
            #expect(reader.root == log.root)
            try log.close()
            let again = try EventLog.open(directory: path, disk: disk, access: .readOnly)
            #expect(again.recovery.wasClosed)
            #expect(try allEntries(again) == entries)
            #expect(try again.verifyAll().root == naiveRoot(of: entries))
            #expect(throws: LogError.notALog(path: directory)) {
                try EventLog.open(directory: directory, disk: disk)
            }
        }
    }

    @Test func syncsAreCountedWithTheirTimes() throws {
        try withDirectory { directory in
            let meter = SyncMeter()
            let disk = POSIXDisk(meter: meter)
            let file = try disk.open(directory + "/file", .create)
            #expect(meter.value == Durations())
            for count in 1...5 {
                try file.write([UInt8](repeating: 7, count: 1000), at: 0)
                try file.sync()
                try disk.syncDirectory(directory)
                #expect(meter.value.counts.reduce(0, +) == UInt64(2 * count))
            }
            #expect(meter.value.sumNanoseconds > 0)
        }
    }

    @Test func durationsFallBetweenTheirBounds() {
        for (place, bound) in Durations.boundsMicroseconds.enumerated() {
            for (nanoseconds, wanted) in [(bound * 1000, place), (bound * 1000 + 1, place + 1)] {
                var durations = Durations()
                durations.add(nanoseconds: nanoseconds, count: 3)
                var counts = [UInt64](
                    repeating: 0, count: Durations.boundsMicroseconds.count + 1)
                counts[wanted] = 3
                #expect(durations.counts == counts)
                #expect(durations.sumNanoseconds == 3 * nanoseconds)
            }
        }
    }

    @Test func aSecondWriterIsToldWhoHoldsTheLock() throws {
        try withDirectory { directory in
            let disk = POSIXDisk()
            do {
                let log = try EventLog.create(directory: directory, disk: disk)
                #expect(
                    throws: LogError.locked(
                        path: directory + "/LOCK", holder: ProcessInfo.processInfo.processIdentifier
                    )
                ) { try EventLog.open(directory: directory, disk: disk) }
                try log.close()
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: directory + "/LOCK")).isEmpty)
            _ = try EventLog.open(directory: directory, disk: disk)
        }
    }

    @Test func missingFilesAndDirectoriesAreNamed() throws {
        let disk = POSIXDisk()
        #expect(throws: DiskError.notFound(path: "/nonexistent/x")) {
            try disk.open("/nonexistent/x", .read)
        }
        #expect(throws: DiskError.notFound(path: "/nonexistent")) { try disk.list("/nonexistent") }
        #expect(throws: DiskError.failed(.list, path: "/etc/passwd", code: ENOTDIR)) {
            try disk.list("/etc/passwd")
        }
        #expect(throws: LogError.disk(.notFound(path: "/nonexistent/log"))) {
            try EventLog.create(directory: "/nonexistent/log", disk: disk)
        }
    }

    @Test func threadsThatCommitTogetherShareSyncs() throws {
        try withDirectory { directory in
            let log = try EventLog.create(directory: directory + "/log", disk: POSIXDisk())
            let failures = Mutex<[String]>([])
            let threads = 8
            let each = 150
            let done = DispatchSemaphore(value: 0)
            for thread in 0..<threads {
                Thread.detachNewThread {
                    do {
                        for number in 0..<each {
                            let entry = Array("thread \(thread) entry \(number)".utf8)
                            let index = try log.stage(entry)
                            try log.commit(through: index + 1)
                            guard log.size > index, try log.entry(at: index) == entry else {
                                throw LogError.closed
                            }
                        }
                    } catch { failures.withLock { $0.append("\(error)") } }
                    done.signal()
                }
            }
            for _ in 0..<threads { done.wait() }
            #expect(failures.withLock { $0 } == [])
            #expect(log.size == UInt64(threads * each))
            let entries = try allEntries(log)
            #expect(Set(entries).count == threads * each)
            #expect(log.root == naiveRoot(of: entries))
            // One frame is one sync.
            #expect(try log.verifyAll().frames < log.size / 2)
        }
    }
}

@Suite struct BlobStoreTests {
    private func store() throws -> (BlobStore, SimulatedDisk) {
        let disk = SimulatedDisk()
        try EventLog.create(directory: "/log", disk: disk).close()
        return (BlobStore(logDirectory: "/log", disk: disk), disk)
    }

    @Test func blobsAreReadBackByTheirHash() throws {
        let (store, disk) = try store()
        for bytes in [[], [1], [UInt8](repeating: 7, count: 100_000)] {
            let hash = try store.put(bytes)
            #expect(hash == Digest(hashing: bytes))
            #expect(try store.put(bytes) == hash)
            disk.restart(seed: 0)
            #expect(try store.get(hash) == bytes)
        }
        #expect(try store.verifyAll() == 3)
        let missing = Digest(hashing: [9])
        #expect(throws: LogError.blobMissing(missing)) { try store.get(missing) }
    }

    @Test func changedAndOversizedBlobsAreRefused() throws {
        let (store, disk) = try store()
        let hash = try store.put([1, 2, 3])
        let path = "/log/blobs/\(hash.hex)"
        let error = LogError.damaged(file: path, offset: 0, entry: 0, .nameIsNotHash)
        for bytes: [UInt8] in [[], [1, 2], [1, 2, 4], [1, 2, 3, 0]] {
            disk.replace(path, with: bytes)
            #expect(throws: error) { try store.get(hash) }
            #expect(throws: error) { try store.verifyAll() }
        }
        #expect(try store.put([1, 2, 3]) == hash)
        #expect(try store.get(hash) == [1, 2, 3])
        let large = [UInt8](repeating: 0, count: LogLimits.blobBytesMax + 1)
        #expect(
            throws: LogError.blobTooLarge(
                bytes: UInt64(large.count), max: LogLimits.blobBytesMax)
        ) { try store.put(large) }
        disk.replace("/log/blobs/note", with: [])
        #expect(
            throws: LogError.damaged(
                file: "/log/blobs/note", offset: 0, entry: 0, .unexpectedFile)
        ) { try store.verifyAll() }
    }

    @Test(arguments: [UInt64](0..<6)) func anAcknowledgedBlobSurvivesAnyPowerCut(seed: UInt64) {
        for operation in 0..<24 {
            let disk = SimulatedDisk()
            var stored: [Digest] = []
            do {
                try EventLog.create(directory: "/log", disk: disk).close()
                disk.fail(operation: operation, with: .powerCut)
                let store = BlobStore(logDirectory: "/log", disk: disk)
                for number in 0..<3 as Range<UInt8> { stored.append(try store.put([number])) }
            } catch {}
            disk.restart(seed: seed &+ UInt64(operation) &* 64)
            let store = BlobStore(logDirectory: "/log", disk: disk)
            for (number, hash) in stored.enumerated() {
                #expect((try? store.get(hash)) == [UInt8(number)], "seed \(seed), \(operation)")
            }
            #expect(throws: Never.self) { _ = try store.put([2]) }
            #expect(throws: Never.self) { _ = try store.get(Digest(hashing: [2])) }
        }
    }
}
