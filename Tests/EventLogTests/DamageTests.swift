// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

private let options = LogOptions(segmentBytesMax: 500)

/// A small closed log with segments sealed in both ways, and its entries.
private func smallLog(closed: Bool = true) throws -> (SimulatedDisk, [[UInt8]]) {
    let disk = SimulatedDisk()
    var random = SplitMix64(seed: 5)
    var entries: [[UInt8]] = []
    let log = try EventLog.create(directory: "/log", disk: disk, options: options)
    for size in [1, 2, 9, 3, 8, 1, 4, 2, 1] {
        for _ in 0..<size {
            entries.append(size == 8 ? random.bytes(64) : someEntry(&random, max: 40))
            _ = try log.stage(entries[entries.count - 1])
        }
        try log.commit()
    }
    if closed { try log.close() } else { disk.restart(seed: 1) }
    return (disk, entries)
}

/// What a reader who checks everything says of a log.
private enum Reading { case equal, prefix(Int), damaged(LogError), wrong(String) }

private func judge(_ disk: SimulatedDisk, _ entries: [[UInt8]]) -> Reading {
    do {
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        let verified = try log.verifyAll()
        let found = try allEntries(log)
        guard verified.root == naiveRoot(of: found) else { return .wrong("another root") }
        if found == entries { return .equal }
        if found.count < entries.count, found == Array(entries[..<found.count]) {
            return .prefix(found.count)
        }
        return .wrong("other entries")
    } catch let error as LogError {
        switch error {
        case .damaged(let file, _, _, _), .newerFormat(let file, _, _):
            return file.hasPrefix("/log/") ? .damaged(error) : .wrong("no file in \(error)")
        case .notALog: return .damaged(error)
        default: return .wrong("\(error)")
        }
    } catch { return .wrong("\(error)") }
}

private func isDamage(_ reading: Reading) -> Bool {
    if case .damaged = reading { true } else { false }
}

@Suite struct DamageTests {
    @Test(arguments: [UInt8](arrayLiteral: 1, 0x80, 0xFF, 0x10))
    func anyChangedByteOfAClosedLogIsFound(mask: UInt8) throws {
        let (disk, entries) = try smallLog()
        for file in disk.files {
            let original = try #require(disk.bytes(of: file))
            for position in original.indices {
                var bytes = original
                bytes[position] ^= mask
                disk.replace(file, with: bytes)
                let reading = judge(disk, entries)
                #expect(isDamage(reading), "\(file) byte \(position) ^ \(mask): \(reading)")
            }
            disk.replace(file, with: original)
        }
        guard case .equal = judge(disk, entries) else {
            Issue.record("the test did not restore the log")
            return
        }
    }

    @Test func anyByteChangedWhileALogIsOpenIsFound() throws {
        let (disk, entries) = try smallLog()
        let log = try EventLog.open(directory: "/log", disk: disk, access: .readOnly)
        for file in disk.files {
            let original = try #require(disk.bytes(of: file))
            for position in original.indices {
                var bytes = original
                bytes[position] ^= 2
                disk.replace(file, with: bytes)
                #expect(throws: LogError.self, "\(file) byte \(position)") { try log.verifyAll() }
            }
            disk.replace(file, with: original)
        }
        #expect(try log.verifyAll().entries == UInt64(entries.count))
    }

    @Test func zeroedRunsAndTruncationsOfAClosedLogAreFound() throws {
        let (disk, entries) = try smallLog()
        for file in disk.files where file != "/log/LOCK" {
            let original = try #require(disk.bytes(of: file))
            for length in original.indices {
                disk.replace(file, with: Array(original[..<length]))
                #expect(isDamage(judge(disk, entries)), "\(file) cut to \(length)")
                var zeroed = original
                for position in length..<min(length + 16, zeroed.count) { zeroed[position] = 0 }
                guard zeroed != original else { continue }
                disk.replace(file, with: zeroed)
                #expect(isDamage(judge(disk, entries)), "\(file) zeroed at \(length)")
            }
            for extra in [[0], [1, 2, 3], [UInt8](repeating: 0, count: 4096), original] {
                disk.replace(file, with: original + extra)
                #expect(isDamage(judge(disk, entries)), "\(file) with \(extra.count) more")
            }
            disk.replace(file, with: original)
        }
    }

    @Test func filesThatAreSwappedCopiedRenamedOrMissingAreFound() throws {
        let (disk, entries) = try smallLog()
        let files = disk.files.filter { $0 != "/log/LOCK" }
        let segments = files.filter { $0.hasSuffix(".segment") }
        #expect(segments.count >= 3)
        for file in files {
            let original = try #require(disk.bytes(of: file))
            disk.replace(file, with: nil)
            let reading = judge(disk, entries)
            if file == "/log/END" {
                // Nothing but a crash would tell.
                guard case .equal = reading else {
                    Issue.record("without an end mark: \(reading)")
                    continue
                }
            } else {
                #expect(isDamage(reading), "\(file) missing: \(reading)")
            }
            for name in ["00000000000000000999.segment", "00000000000000000001.segment", "x"] {
                disk.replace("/log/segments/\(name)", with: original)
                #expect(isDamage(judge(disk, entries)) || file == "/log/END", "\(file) as \(name)")
                disk.replace(file, with: original)
                #expect(isDamage(judge(disk, entries)), "\(file) also as \(name)")
                disk.replace(file, with: nil)
                disk.replace("/log/segments/\(name)", with: nil)
            }
            disk.replace(file, with: original)
            for other in files where other != file {
                let second = try #require(disk.bytes(of: other))
                disk.replace(file, with: second)
                #expect(isDamage(judge(disk, entries)), "\(other) in place of \(file)")
                disk.replace(other, with: original)
                #expect(isDamage(judge(disk, entries)), "\(file) and \(other) swapped")
                disk.replace(other, with: second)
                disk.replace(file, with: original)
            }
        }
    }

    @Test func theLastSegmentMissingAfterACrashIsFound() throws {
        let (disk, entries) = try smallLog(closed: false)
        let last = try #require(disk.files.last { $0.hasSuffix(".segment") })
        disk.replace(last, with: nil)
        #expect(isDamage(judge(disk, entries)))
    }

    @Test func aChangedByteAfterACrashCostsAtMostTheLastFrame() throws {
        let (disk, entries) = try smallLog(closed: false)
        let lastFrame = 1
        for file in disk.files {
            let original = try #require(disk.bytes(of: file))
            for position in original.indices {
                var bytes = original
                bytes[position] ^= 0x21
                disk.replace(file, with: bytes)
                switch judge(disk, entries) {
                case .damaged: break
                case .prefix(let count):
                    #expect(count == entries.count - lastFrame, "\(file) byte \(position)")
                case .equal:
                    // The footer of the segment before the last is written again.
                    break
                case .wrong(let why): Issue.record("\(file) byte \(position): \(why)")
                }
            }
            disk.replace(file, with: original)
        }
    }

    @Test func aBadFrameBeforeAGoodOneIsDamageNotATornTail() throws {
        let disk = SimulatedDisk()
        do {
            let log = try EventLog.create(directory: "/log", disk: disk)
            for entry in 0..<3 as Range<UInt8> {
                _ = try log.stage([entry, 1, 2])
                try log.commit()
            }
            disk.restart(seed: 0)
        }
        let path = "/log/segments/00000000000000000000.segment"
        let original = try #require(disk.bytes(of: path))
        let frame = (original.count - 64) / 3
        for position in 64 + frame..<64 + 2 * frame {
            var bytes = original
            bytes[position] ^= 4
            disk.replace(path, with: bytes)
            #expect {
                try EventLog.open(directory: "/log", disk: disk)
            } throws: {
                if case LogError.newerFormat = $0 { return true }
                guard case LogError.damaged(path, let offset, 1, .frameFollows(let next)) = $0
                else { return false }
                return offset == UInt64(64 + frame) && next == UInt64(64 + 2 * frame)
            }
            #expect(disk.bytes(of: path) == bytes)
        }
    }

    @Test func garbageInPlaceOfAnyFileNeverTraps() throws {
        let (disk, entries) = try smallLog()
        var random = SplitMix64(seed: 17)
        for file in disk.files where file != "/log/LOCK" {
            let original = try #require(disk.bytes(of: file))
            for _ in 0..<300 {
                var bytes = original
                switch random.next() % 3 {
                case 0: bytes = random.bytes(Int(random.next() % 400))
                case 1:
                    let start = Int(random.next() % UInt64(bytes.count))
                    bytes = Array(bytes[..<start]) + random.bytes(Int(random.next() % 200))
                default:
                    for _ in 0...random.next() % 8 {
                        bytes[Int(random.next() % UInt64(bytes.count))] = random.bytes(1)[0]
                    }
                }
                guard bytes != original else { continue }
                disk.replace(file, with: bytes)
                let reading = judge(disk, entries)
                #expect(isDamage(reading), "\(file): \(reading), \(bytes.hex)")
            }
            disk.replace(file, with: original)
        }
    }

    @Test func aNewerFormatIsSaidToBeNewer() throws {
        let (disk, _) = try smallLog()
        for (file, offset) in [
            ("/log/END", 4), ("/log/segments/00000000000000000000.segment", 4),
        ] {
            let original = try #require(disk.bytes(of: file))
            var bytes = original
            bytes[offset] = 2
            disk.replace(file, with: bytes)
            #expect(throws: LogError.newerFormat(file: file, version: 2, known: 1)) {
                try EventLog.open(directory: "/log", disk: disk)
            }
            disk.replace(file, with: original)
        }
    }
}
