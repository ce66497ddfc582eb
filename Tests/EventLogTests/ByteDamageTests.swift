// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// The three ways in which opening and reading a damaged log may end, and the one it may not.
private enum Ending {
    /// Entries and root are the same.
    case unharmed
    /// An unfinished commit was cut off or a footer written again, and recovery says so.
    case repairedAloud
    /// An error names the file.
    case refused
    /// Anything else.
    case silent(String)
}

/// How many cases ended in which way.
private struct Tally: CustomStringConvertible {
    var unharmed = 0
    var repaired = 0
    var refused = 0

    var description: String { "\(unharmed) unharmed, \(repaired) repaired, \(refused) refused" }

    mutating func count(_ ending: Ending, _ what: @autoclosure () -> String) {
        switch ending {
        case .unharmed: unharmed += 1
        case .repairedAloud: repaired += 1
        case .refused: refused += 1
        case .silent(let why): Issue.record("\(what()): \(why)")
        }
    }
}

/// A log as files, its entries, and where its last commit starts.
private struct KeptLog {
    static let directory = "/log"
    static let options = LogOptions(segmentBytesMax: 350)

    /// After a crash a log alone cannot tell that whole commits were cut off its end. A checkpoint
    /// can, and here there is one of all but the last commit.
    private var options: LogOptions {
        LogOptions(segmentBytesMax: 350, knownSize: isClosed ? 0 : UInt64(lastCommit))
    }

    var files: [String: [UInt8]] = [:]
    var entries: [[UInt8]] = []
    /// What a torn tail may cost at most.
    var lastCommit = 0
    var isClosed = true

    /// Several segments sealed in both ways, a blob, and a tail that a crash tore long ago.
    init(seed: UInt64, closed: Bool) throws {
        let disk = SimulatedDisk()
        var random = SplitMix64(seed: seed)
        var log = try EventLog.create(
            directory: Self.directory, disk: disk, options: Self.options)
        func commit(_ count: Int) throws {
            lastCommit = entries.count
            for _ in 0..<count {
                entries.append(count == 8 ? random.bytes(64) : someEntry(&random, max: 40))
                _ = try log.stage(entries[entries.count - 1])
            }
            try log.commit()
        }
        for count in [1, 2, 9, 3] { try commit(count) }
        _ = try BlobStore(logDirectory: Self.directory, disk: disk).put(random.bytes(50))
        disk.restart(seed: 1)
        let last = try #require(disk.files.last { $0.hasSuffix(".segment") })
        disk.replace(last, with: try #require(disk.bytes(of: last)) + Array("RCFRxy".utf8))
        log = try EventLog.open(directory: Self.directory, disk: disk, options: Self.options)
        #expect(log.recovery.tornBytes == 6)
        for count in [8, 1, 4, 2, 1, 2] { try commit(count) }
        isClosed = closed
        if closed { try log.close() } else { disk.restart(seed: 1) }
        for file in disk.files where file != "\(Self.directory)/LOCK" {
            files[file] = disk.bytes(of: file)
        }
    }

    var names: [String] { files.keys.sorted() }

    func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        for folder in ["", "/segments", "/blobs", "/torn"] {
            try disk.createDirectory(Self.directory + folder)
        }
        for name in names { disk.replace(name, with: files[name]) }
        return disk
    }

    /// Opens and reads everything, as a reader and then as a writer, who must agree.
    func ending() throws -> Ending {
        let disk = try disk()
        let reader = judge(disk, .readOnly)
        let writer = judge(disk, .readWrite)
        switch (reader, writer) {
        case (.unharmed, .unharmed), (.repairedAloud, .repairedAloud): return again(disk, writer)
        case (.refused, .refused):
            for name in names where disk.bytes(of: name) != files[name] {
                // Damage that only a thorough check finds does not stop a tail from being cut.
                guard name.contains("/segments/"), !isClosed else {
                    return .silent("a refusal changed \(name)")
                }
            }
            return .refused
        case (.silent(let why), _), (_, .silent(let why)): return .silent(why)
        default: return .silent("a reader finds \(reader), and a writer \(writer)")
        }
    }

    private func judge(_ disk: SimulatedDisk, _ access: LogAccess) -> Ending {
        do {
            let log = try EventLog.open(
                directory: Self.directory, disk: disk, access: access, options: options)
            let found = try allEntries(log)
            let verified = try log.verifyAll()
            _ = try BlobStore(logDirectory: Self.directory, disk: disk).verifyAll()
            if access == .readWrite { try log.close() }
            return judge(log.recovery, found, log.root, verified.root)
        } catch LogError.damaged(let file, _, _, _), LogError.newerFormat(let file, _, _) {
            return file.hasPrefix(Self.directory) ? .refused : .silent("no file: \(file)")
        } catch LogError.notALog(Self.directory) {
            return .refused
        } catch { return .silent("\(error)") }
    }

    private func judge(
        _ recovery: Recovery, _ found: [[UInt8]], _ root: Digest, _ verified: Digest
    ) -> Ending {
        guard root == naiveRoot(of: found), verified == root else { return .silent("other root") }
        let isLoud = recovery.tornBytes > 0 || recovery.resealed != nil
        if found == entries { return isLoud ? .repairedAloud : .unharmed }
        guard found.count < entries.count, found == Array(entries[..<found.count]) else {
            return .silent("other entries")
        }
        // Cut off whole, the last commit leaves nothing but that the log was not closed.
        guard isLoud || !recovery.wasClosed else { return .silent("\(found.count) entries") }
        guard !isClosed, found.count == lastCommit else {
            return .silent("\(found.count) entries: more than the last commit was cut")
        }
        return .repairedAloud
    }

    /// What was taken once is taken again, closed now.
    private func again(_ disk: SimulatedDisk, _ before: Ending) -> Ending {
        do {
            let log = try EventLog.open(
                directory: Self.directory, disk: disk, access: .readOnly, options: options)
            guard log.recovery.wasClosed else { return .silent("not closed after a close") }
            guard log.size == UInt64(entries.count) || log.size == UInt64(lastCommit) else {
                return .silent("\(log.size) entries the second time")
            }
            return before
        } catch { return .silent("refused the second time: \(error)") }
    }

    /// The ending after a change of one file.
    func ending(changing name: String, to bytes: [UInt8]?) throws -> Ending {
        var copy = self
        copy.files[name] = bytes
        return try copy.ending()
    }
}

@Suite("damage to every byte of a log ends in one of three ways")
struct ByteDamageTests {
    @Test("a log without damage is unharmed", arguments: [true, false])
    func whole(closed: Bool) throws {
        let log = try KeptLog(seed: 3, closed: closed)
        #expect(log.names.filter { $0.hasSuffix(".segment") }.count >= 3)
        #expect(log.names.contains { $0.contains("/torn/") })
        #expect(log.names.contains { $0.contains("/blobs/") })
        guard case .unharmed = try log.ending() else {
            Issue.record("\(try log.ending())")
            return
        }
    }

    @Test(
        "any byte changed or zeroed", arguments: [true, false],
        [1, 0x40, 0xFF, 0] as [UInt8])
    func changed(closed: Bool, mask: UInt8) throws {
        let log = try KeptLog(seed: 3, closed: closed)
        var tally = Tally()
        for name in log.names {
            let original = try #require(log.files[name])
            for position in original.indices {
                var bytes = original
                bytes[position] = mask == 0 ? 0 : bytes[position] ^ mask
                guard bytes != original else { continue }
                tally.count(
                    try log.ending(changing: name, to: bytes),
                    "\(name) byte \(position), \(original[position]) now \(bytes[position])")
            }
        }
        // After a close nothing is torn; after a crash the last frame may be.
        #expect(tally.unharmed == 0 && tally.refused > 1000, "\(tally)")
        #expect(closed ? tally.repaired == 0 : tally.repaired > 0, "\(tally)")
    }

    @Test("any file cut at any length, and lengthened", arguments: [true, false])
    func cut(closed: Bool) throws {
        let log = try KeptLog(seed: 3, closed: closed)
        var tally = Tally()
        for name in log.names {
            let original = try #require(log.files[name])
            for length in original.indices {
                tally.count(
                    try log.ending(changing: name, to: Array(original[..<length])),
                    "\(name) cut to \(length)")
            }
            for extra in [[0], [1, 2, 3], [UInt8](repeating: 0, count: 4096), original] {
                tally.count(
                    try log.ending(changing: name, to: original + extra),
                    "\(name) with \(extra.count) more")
            }
        }
        #expect(tally.refused > 1000, "\(tally)")
        #expect(closed ? tally.repaired == 0 : tally.repaired > 0, "\(tally)")
    }

    @Test("any range there twice, behind itself or in place of another", arguments: [true, false])
    func duplicated(closed: Bool) throws {
        let log = try KeptLog(seed: 3, closed: closed)
        var tally = Tally()
        var random = SplitMix64(seed: 8)
        for name in log.names {
            let original = try #require(log.files[name])
            for start in stride(from: 0, to: original.count, by: 3) {
                let count = [1, 8, 16, 52, 64, 200][Int(random.next() % 6)]
                let range = start..<min(start + count, original.count)
                var bytes = original
                bytes.insert(contentsOf: original[range], at: range.upperBound)
                tally.count(
                    try log.ending(changing: name, to: bytes), "\(name) \(range) twice")
                bytes = original
                let place = Int(random.next() % UInt64(original.count - range.count + 1))
                bytes.replaceSubrange(place..<place + range.count, with: original[range])
                guard bytes != original else { continue }
                tally.count(
                    try log.ending(changing: name, to: bytes), "\(name) \(range) also at \(place)")
            }
        }
        #expect(tally.refused > 500, "\(tally)")
        #expect(!closed || tally.repaired == 0, "\(tally)")
    }

    @Test("files missing, swapped, or of another log", arguments: [true, false])
    func misplaced(closed: Bool) throws {
        let log = try KeptLog(seed: 3, closed: closed)
        let other = try KeptLog(seed: 4, closed: closed)
        var tally = Tally()
        for name in log.names {
            let ending = try log.ending(changing: name, to: nil)
            tally.count(ending, "\(name) missing")
            for second in log.names where second > name {
                var copy = log
                copy.files[name] = log.files[second]
                copy.files[second] = log.files[name]
                tally.count(try copy.ending(), "\(name) and \(second) swapped")
            }
            for second in other.names where other.files[second] != log.files[name] {
                tally.count(
                    try log.ending(changing: name, to: other.files[second]),
                    "\(name) in place of \(second) of another log")
            }
        }
        // An end mark, a blob and old torn bytes are not missed by the log itself.
        #expect(tally.unharmed == (closed ? 3 : 2), "\(tally)")
        #expect(tally.repaired == 0, "\(tally)")
    }
}
