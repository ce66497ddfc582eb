// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

/// A closed ledger in `/ledger` with a copy of it in `/copy`, and what both hold.
struct TwoCopies {
    static let copy = "/copy"
    static let options = LogOptions(segmentBytesMax: 9_000)

    let disk: SimulatedDisk
    let entries: [[UInt8]]
    /// The sizes at which batches end.
    let batchEnds: [UInt64]
    let trust: TrustedHead
    let state: [[UInt8]]
    let height: Height
    let blob: Digest
    /// The files that hold entries, as they were made.
    let segments: [String]

    /// Made once; tests work on copies of the disk.
    static let original = try? TwoCopies(batches: 60, options)
    /// A short one, for what is repeated hundreds of times.
    static let short = try? TwoCopies(batches: 22, LogOptions(segmentBytesMax: 4_000))

    /// A disk of its own with the same contents.
    static func fresh(short isShort: Bool = false) throws -> TwoCopies {
        TwoCopies(copying: try #require(isShort ? short : original))
    }

    private init(batches count: Int, _ options: LogOptions) throws {
        let stored = try StoredLedger(seed: 33, batches: count)
        disk = SimulatedDisk()
        let log = try EventLog.create(
            directory: StoredLedger.directory, disk: disk, options: options)
        var made = LedgerState()
        for batch in stored.batches { try StoredLedger.append(batch, to: log, &made) }
        try log.close()
        entries = stored.batches.joined().map(\.encoded)
        var end: UInt64 = 0
        batchEnds = stored.batches.map { batch in
            end += UInt64(batch.count)
            return end
        }
        let opened = try LedgerStore.open(
            directory: StoredLedger.directory, disk: disk, options: Self.options)
        height = opened.state.height
        trust = TrustedHead(
            ledger: opened.state.ledger, size: opened.log.size, root: opened.log.root)
        state = bytes(of: opened.state)
        blob = try BlobStore(logDirectory: StoredLedger.directory, disk: disk).put([1, 2, 3])
        _ = try BlobStore(logDirectory: StoredLedger.directory, disk: disk).put([4, 5])
        try StoredLedger.snapshot(opened.log, opened.state, on: disk)
        try disk.createDirectory("\(StoredLedger.directory)/checkpoints")
        try PrecommitStore(ledgerDirectory: StoredLedger.directory, disk: disk).save(
            opened.state.precommits(root: opened.log.root, key: Fixture.key))
        let key = Fixture.key(0)
        for size in [batchEnds[2], trust.size] {
            let head = TreeHead(size: size, root: try opened.log.root(at: size))
            let checkpoint = try SignedCheckpoint(
                signing: Checkpoint(ledger: trust.ledger.digest, head: head), with: key)
            try disk.place(
                checkpoint.bytes, in: "\(StoredLedger.directory)/checkpoints",
                as: Self.checkpointName(size))
        }
        try opened.log.close()
        segments = disk.files.filter { $0.hasSuffix(".segment") }
        try Self.duplicate(StoredLedger.directory, as: Self.copy, disk)
    }

    init(copying other: TwoCopies) {
        disk = SimulatedDisk(copying: other.disk)
        entries = other.entries
        batchEnds = other.batchEnds
        trust = other.trust
        state = other.state
        segments = other.segments
        height = other.height
        blob = other.blob
    }

    static func checkpointName(_ size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".checkpoint"
    }

    /// Copies a directory, durably.
    static func duplicate(_ from: String, as to: String, _ disk: SimulatedDisk) throws {
        try disk.createDirectory(to)
        for name in try disk.list(from) {
            if let bytes = disk.bytes(of: "\(from)/\(name)") {
                disk.replace("\(to)/\(name)", with: bytes)
            } else {
                try duplicate("\(from)/\(name)", as: "\(to)/\(name)", disk)
            }
        }
        try disk.syncDirectory(to)
        try disk.syncDirectory("/")
    }

    /// The files below a directory, by their path in it, with their bytes.
    func files(in directory: String) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for path in disk.files where path.hasPrefix(directory + "/") {
            found[String(path.dropFirst(directory.count))] = disk.bytes(of: path)
        }
        return found
    }

    static func firstIndex(of segment: String) -> UInt64 {
        UInt64(segment.split(separator: "/").last?.prefix(20) ?? "") ?? 0
    }

    /// The indexes of the entries of a segment.
    func range(of number: Int) -> Range<UInt64> {
        let start = Self.firstIndex(of: segments[number])
        let next = number + 1 < segments.count ? segments[number + 1] : nil
        return start..<(next.map { Self.firstIndex(of: $0) } ?? trust.size)
    }

    /// The tiles that hold entries of a range, the last one perhaps incomplete.
    static func tiles(of range: Range<UInt64>) -> UInt64 {
        range.isEmpty ? 0 : (range.upperBound - 1) / 256 - range.lowerBound / 256 + 1
    }

    /// Removes a directory and all that is in it, durably.
    func remove(_ directory: String) throws {
        for name in try disk.list(directory) {
            let path = "\(directory)/\(name)"
            if disk.bytes(of: path) == nil { try remove(path) } else { try disk.remove(path) }
        }
        try disk.removeDirectory(directory)
        try disk.syncDirectory("/")
    }

    @discardableResult
    func recover(
        from source: (any EntrySource)? = nil, trust: TrustedHead? = nil
    ) throws -> RecoveryReport {
        try LedgerRecovery.run(
            directory: StoredLedger.directory,
            from: source ?? LedgerSource(directory: Self.copy, disk: disk),
            trust: trust ?? self.trust, disk: disk, options: Self.options)
    }

    /// The ledger is whole and holds these entries, and opens from a snapshot.
    func check(
        size: UInt64? = nil, in directory: String = StoredLedger.directory, _ what: String
    ) throws {
        let size = size ?? trust.size
        let opened = try LedgerStore.open(
            directory: directory, disk: disk, options: Self.options)
        defer { do { try opened.log.close() } catch { Issue.record("\(what): \(error)") } }
        #expect(opened.log.size == size, "\(what)")
        #expect(opened.notices.isEmpty, "\(what)")
        #expect(opened.log.recovery.wasClosed, "\(what)")
        var found: [[UInt8]] = []
        try opened.log.forEach(from: 0, to: opened.log.size) { _, bytes in
            found.append((0..<bytes.count).map { bytes[$0] })
        }
        #expect(found == Array(entries[..<Int(size)]), "\(what)")
        #expect(try opened.log.verifyAll().root == opened.log.root, "\(what)")
        if size == trust.size {
            #expect(opened.log.root == trust.root, "\(what)")
            #expect(bytes(of: opened.state) == state, "\(what)")
        }
        _ = try BlobStore(logDirectory: directory, disk: disk).verifyAll()
    }
}

/// A source that tells what the test wants.
final class Liar: EntrySource {
    let honest: LedgerSource
    var size: UInt64
    var place: String { "the liar" }
    var changeEntries: (Range<UInt64>, inout [[UInt8]]) -> Void = { _, _ in }
    var changeRoots: (inout [Digest]) -> Void = { _ in }
    var changeLeaves: (inout [Digest]) -> Void = { _ in }
    var blobBytes: [UInt8]?
    private(set) var asked: [Range<UInt64>] = []

    init(_ honest: LedgerSource) {
        self.honest = honest
        size = honest.size
    }

    func tileRoots(_ count: UInt64) throws(SourceError) -> [Digest] {
        var roots = try honest.tileRoots(count)
        changeRoots(&roots)
        return roots
    }

    func entries(_ range: Range<UInt64>) throws(SourceError) -> [[UInt8]] {
        asked.append(range)
        var entries = try honest.entries(range)
        changeEntries(range, &entries)
        return entries
    }

    func leafHashes(_ range: Range<UInt64>) throws(SourceError) -> [Digest] {
        var leaves = try honest.leafHashes(range)
        changeLeaves(&leaves)
        return leaves
    }

    func file(holding index: UInt64) -> String { "the file of \(index)" }
    func blobs() throws(SourceError) -> [Digest] { try honest.blobs() }
    func blob(_ hash: Digest) throws(SourceError) -> [UInt8]? {
        if let blobBytes { return blobBytes }
        return try honest.blob(hash)
    }
}
