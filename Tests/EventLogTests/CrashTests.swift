// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// What a workload staged, and how much of it was acknowledged, up to where it failed.
private struct Progress {
    var isCreated = false
    var staged: [[UInt8]] = []
    var acknowledged = 0
    var error: LogError?
}

private let options = LogOptions(segmentBytesMax: 700)

/// Creates a log, commits, rolls, seals in both ways, closes, reopens, commits more.
private func runWorkload(on disk: SimulatedDisk) -> Progress {
    var progress = Progress()
    var random = SplitMix64(seed: 99)
    func commit(_ log: EventLog, _ entries: [[UInt8]]) throws(LogError) {
        for entry in entries {
            _ = try log.stage(entry)
            progress.staged.append(entry)
        }
        try log.commit()
        progress.acknowledged = progress.staged.count
    }
    func commitSome(_ log: EventLog) throws(LogError) {
        for size in [1, 3, 1, 7, 1, 2, 12, 1] {
            try commit(log, (0..<size).map { _ in someEntry(&random, max: 60) })
        }
        // One frame that fills a segment alone: sealed in place, a rewrite would gain nothing.
        try commit(log, [random.bytes(900)])
        try commit(log, [random.bytes(900)])
        try commit(log, [[1], [2]])
    }
    do throws(LogError) {
        let log = try EventLog.create(directory: "/log", disk: disk, options: options)
        progress.isCreated = true
        try commitSome(log)
        try log.close()
        let again = try EventLog.open(directory: "/log", disk: disk, options: options)
        try commitSome(again)
        try again.close()
    } catch { progress.error = error }
    return progress
}

/// The log holds what was acknowledged, and of the rest a beginning; it can be written to.
private func check(_ disk: SimulatedDisk, _ progress: Progress, _ what: String) {
    do {
        if !progress.isCreated {
            let log: EventLog
            do {
                log = try EventLog.open(directory: "/log", disk: disk, options: options)
            } catch LogError.notALog {
                log = try EventLog.create(directory: "/log", disk: disk, options: options)
            }
            #expect(log.size == 0, "\(what)")
            return
        }
        let size: UInt64
        do {
            let reader = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
            _ = try reader.verifyAll()
            size = reader.size
        }
        let log = try EventLog.open(directory: "/log", disk: disk, options: options)
        #expect(log.size == size, "\(what)")
        #expect(Int(log.size) >= progress.acknowledged, "\(what)")
        #expect(Int(log.size) <= progress.staged.count, "\(what)")
        var entries = Array(progress.staged[..<Int(log.size)])
        #expect(try allEntries(log) == entries, "\(what)")
        #expect(log.root == naiveRoot(of: entries), "\(what)")
        for entry in [[1, 2], [3], [4, 5, 6]] as [[UInt8]] {
            _ = try log.stage(entry)
            entries.append(entry)
            try log.commit()
        }
        #expect(try log.verifyAll().root == naiveRoot(of: entries), "\(what)")
        try log.close()
        let again = try EventLog.open(directory: "/log", disk: disk, options: options)
        #expect(again.recovery.wasClosed, "\(what)")
        #expect(try allEntries(again) == entries, "\(what)")
    } catch { Issue.record("\(what): \(error)") }
}

@Suite struct CrashTests {
    /// The number of operations of the workload when nothing fails.
    private static let operations: Int = {
        let disk = SimulatedDisk()
        let progress = runWorkload(on: disk)
        precondition(progress.error == nil, "\(String(describing: progress.error))")
        return disk.operations
    }()

    @Test func aWorkloadWithoutFaultsRollsAndSealsInBothWays() throws {
        let disk = SimulatedDisk()
        let progress = runWorkload(on: disk)
        #expect(progress.error == nil)
        #expect(progress.acknowledged == progress.staged.count)
        #expect(disk.files.filter { $0.hasSuffix(".segment") }.count >= 5)
        // Header, one frame, footer.
        let single = 64 + (52 + 2 + 900) + (72 + 16 + 24)
        #expect(disk.files.contains { disk.bytes(of: $0)?.count == single })
        check(disk, progress, "no fault")
    }

    @Test(arguments: [UInt64](0..<12))
    func afterAPowerCutAtAnyOperationNothingAcknowledgedIsLost(seed: UInt64) {
        for operation in 0..<Self.operations {
            let disk = SimulatedDisk()
            disk.fail(operation: operation, with: .powerCut)
            let progress = runWorkload(on: disk)
            #expect(progress.error != nil)
            disk.restart(seed: seed &+ UInt64(operation) &* 1024)
            check(disk, progress, "seed \(seed), operation \(operation)")
        }
    }

    @Test(arguments: [UInt64](0..<8))
    func afterAPowerCutDuringRecoveryNothingAcknowledgedIsLost(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for operation in 0..<Self.operations {
            let disk = SimulatedDisk()
            disk.fail(operation: operation, with: .powerCut)
            let progress = runWorkload(on: disk)
            for _ in 0..<3 {
                disk.restart(seed: random.next())
                disk.fail(operation: Int(random.next() % 24), with: .powerCut)
                _ = try? EventLog.open(directory: "/log", disk: disk, options: options)
            }
            disk.restart(seed: random.next())
            check(disk, progress, "seed \(seed), operation \(operation)")
        }
    }

    @Test(arguments: [UInt64](0..<4))
    func afterAFailureOfAnyOperationNothingAcknowledgedIsLost(seed: UInt64) {
        for fault in [SimulatedFault.noSpace, .inputOutputError] {
            for operation in 0..<Self.operations {
                let disk = SimulatedDisk()
                disk.fail(operation: operation, with: fault)
                let progress = runWorkload(on: disk)
                disk.healFaults()
                let what = "\(fault), seed \(seed), operation \(operation)"
                // Without a power cut the next process sees what the failed one wrote; a power
                // cut soon after takes away what only seemed to be on disk.
                if seed > 1, progress.isCreated {
                    do {
                        check(disk, try carryOn(disk, progress, seed), what)
                    } catch { Issue.record("\(what): \(error)") }
                    continue
                }
                if seed == 1 { disk.restart(seed: 0) }
                check(disk, progress, what)
            }
        }
    }

    /// Opens the log, and where the seed says so commits more, before the power goes.
    private func carryOn(
        _ disk: SimulatedDisk, _ progress: Progress, _ seed: UInt64
    ) throws -> Progress {
        let log = try EventLog.open(directory: "/log", disk: disk, options: options)
        var more = progress
        more.staged = Array(more.staged[..<Int(log.size)])
        if seed == 3 {
            for number in 0..<40 as Range<UInt8> {
                let entry = [UInt8](repeating: number, count: 70) + [UInt8](0...number)
                _ = try log.stage(entry)
                more.staged.append(entry)
                try log.commit()
            }
        }
        more.acknowledged = more.staged.count
        disk.restart(seed: 0)
        return more
    }

    @Test func aDiskThatFillsUpAtAnyOperationCanBeTriedAgain() throws {
        for operation in 0..<400 {
            let disk = SimulatedDisk()
            let log = try EventLog.create(directory: "/log", disk: disk, options: options)
            var random = SplitMix64(seed: 12)
            var entries: [[UInt8]] = []
            disk.fail(operation: operation, with: .noSpace)
            var failures = 0
            for _ in 0..<40 {
                let entry = random.bytes(50)
                entries.append(entry)
                _ = try log.stage(entry)
                do { try log.commit() } catch {
                    failures += 1
                    guard case .disk(.noSpace) = error else {
                        Issue.record("operation \(operation): \(error)")
                        return
                    }
                    #expect(try allEntries(log) == Array(entries.dropLast()))
                    disk.healFaults()
                    try log.commit()
                }
            }
            #expect(failures <= 1)
            #expect(try allEntries(log) == entries, "operation \(operation)")
            disk.healFaults()
            _ = try log.verifyAll()
            try log.close()
            let again = try EventLog.open(directory: "/log", disk: disk, options: options)
            #expect(again.recovery.wasClosed)
            #expect(try allEntries(again) == entries, "operation \(operation)")
            if operation > disk.operations { break }
        }
    }

    @Test func aFullDiskKeepsEntriesStagedUntilThereIsRoom() throws {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        _ = try log.stage([1])
        try log.commit()
        _ = try log.stage([2])
        disk.fail(operation: 0, with: .noSpace)
        #expect {
            try log.commit()
        } throws: {
            if case LogError.disk(.noSpace) = $0 { true } else { false }
        }
        #expect(log.size == 1)
        #expect(try log.stage([3]) == 2)
        disk.healFaults()
        try log.commit()
        #expect(log.size == 3)
        #expect(log.root == naiveRoot(of: [[1], [2], [3]]))
        #expect(try allEntries(log) == [[1], [2], [3]])
        _ = try log.verifyAll()
    }

    @Test func aFailedSyncLeavesTheLogUnusable() throws {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        _ = try log.stage([1])
        disk.fail(operation: 1, with: .inputOutputError)
        let path = "/log/segments/00000000000000000000.segment"
        let cause = DiskError.failed(.sync, path: path, code: 5)
        #expect(throws: LogError.syncFailed(cause)) { try log.commit() }
        #expect(log.size == 0)
        #expect(throws: LogError.unusable(cause)) { try log.stage([2]) }
        #expect(throws: LogError.unusable(cause)) { try log.commit(through: 1) }
        #expect(throws: LogError.unusable(cause)) { try log.entry(at: 0) }
        #expect(throws: LogError.unusable(cause)) { try log.verifyAll() }
        #expect(throws: LogError.unusable(cause)) { try log.close() }
        #expect(try EventLog.open(directory: "/log", disk: disk).size <= 1)
    }

    @Test func aTornTailIsKeptAsideAndReported() throws {
        let disk = SimulatedDisk()
        do {
            let log = try EventLog.create(directory: "/log", disk: disk)
            _ = try log.stage([1, 2, 3])
            try log.commit()
            disk.restart(seed: 0)
        }
        let path = "/log/segments/00000000000000000000.segment"
        let whole = try #require(disk.bytes(of: path))
        let torn: [UInt8] = Array("RCFR\u{1}\u{0} the rest never came".utf8)
        disk.replace(path, with: whole + torn)
        do {
            let reader = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
            #expect(reader.recovery.tornBytes == UInt64(torn.count))
            #expect(reader.recovery.keptIn == nil)
            #expect(disk.bytes(of: path) == whole + torn)
        }
        let log = try EventLog.open(directory: "/log", disk: disk)
        #expect(!log.recovery.wasClosed)
        #expect(log.recovery.tornBytes == UInt64(torn.count))
        #expect(log.recovery.tornFile == path)
        #expect(log.recovery.tornOffset == UInt64(whole.count))
        let kept = try #require(log.recovery.keptIn)
        #expect(disk.bytes(of: kept) == torn)
        #expect(disk.bytes(of: path) == whole)
        _ = try log.verifyAll()
        try log.close()
        disk.replace(kept, with: [1])
        #expect(
            throws: LogError.damaged(file: kept, offset: 0, entry: 0, .nameIsNotHash)
        ) { try EventLog.open(directory: "/log", disk: disk).verifyAll() }
    }

    @Test func whatIsKnownToBeCommittedIsNeverCut() throws {
        let disk = SimulatedDisk()
        do {
            let log = try EventLog.create(directory: "/log", disk: disk)
            _ = try log.stage([1, 2, 3])
            try log.commit()
            _ = try log.stage([4])
            try log.commit()
            disk.restart(seed: 0)
        }
        let path = "/log/segments/00000000000000000000.segment"
        var bytes = try #require(disk.bytes(of: path))
        bytes[bytes.count - 1] ^= 1
        disk.replace(path, with: bytes)
        #expect {
            try EventLog.open(directory: "/log", disk: disk, options: LogOptions(knownSize: 2))
        } throws: {
            if case LogError.damaged(path, _, 1, .shorterThanKnown(known: 2, found: 1)) = $0 {
                true
            } else {
                false
            }
        }
        #expect(disk.bytes(of: path) == bytes)
        let log = try EventLog.open(
            directory: "/log", disk: disk, options: LogOptions(knownSize: 1))
        #expect(log.size == 1)
    }
}
