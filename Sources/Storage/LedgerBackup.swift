// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Ledger

/// Copies a ledger, which may be live, into another directory, and brings such a copy up to date.
///
/// The copy is the ledger at one moment, whole batches only, closed by an end mark: it opens like
/// any ledger. The end mark goes before the first change and comes back last, so an interrupted
/// copy is known by its absence, and the next run completes it.
package struct LedgerBackup {
    private let source: String
    private let copy: String
    private let disk: any Disk
    private let log: EventLog
    private let ledger: LedgerID
    private let size: UInt64
    private var report = BackupReport()

    /// What belongs in a ledger directory.
    private static func belongs(_ name: String) -> Bool {
        // Projections are never copied; a copy may have those that somebody made of it.
        name.hasPrefix("projections")
            || [
                "LOCK", "END", "END.tmp", "EDGE", "EDGE.tmp", "segments", "blobs", "snapshots",
                "checkpoints", "torn",
                // What a backup keeps of the home beside its ledger.
                "home",
            ].contains(name)
    }

    /// Copies the ledger in `source` to `copy`, which is missing, empty, or an older copy.
    ///
    /// Throws, in this order: `.sameDirectory`, `.log` where the ledger cannot be read, `.noBatch`,
    /// `.notALedger`, `.running`, `.otherLedger`, `.newer`, `.forked`; until then the copy is as it
    /// was. Then `.log` and `.disk`, after which it is to be repeated. `progress` is told the bytes
    /// of segments that were written.
    package static func run(
        from source: String, to copy: String, disk: any Disk,
        progress: (UInt64) -> Void = { _ in }
    ) throws(BackupError) -> BackupReport {
        let (source, copy) = (trimmed(source), trimmed(copy))
        guard source != copy, !source.hasPrefix(copy + "/"), !copy.hasPrefix(source + "/") else {
            throw .sameDirectory(path: copy)
        }
        var backup = try LedgerBackup(source, copy, disk)
        try backup.run(progress)
        return backup.report
    }

    private static func trimmed(_ path: String) -> String {
        var trimmed = path
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        return trimmed
    }

    private init(_ source: String, _ copy: String, _ disk: any Disk) throws(BackupError) {
        self.source = source
        self.copy = copy
        self.disk = disk
        do {
            log = try EventLog.open(directory: source, disk: disk, access: .readOnly)
            guard log.size > 0 else { throw BackupError.noBatch }
            ledger = LedgerID(Digest(hashing: try log.entry(at: 0)))
            // A commit is a batch; should one not be, its entries wait for the next backup.
            var end = log.size
            while end > 0, try !Self.isSeal(try log.entry(at: end - 1)) {
                end = log.frameEnd(below: end)
            }
            size = end
        } catch let error as LogError {
            throw .log(error)
        } catch {
            throw .noBatch
        }
        guard size > 0 else { throw .noBatch }
    }

    private static func isSeal(_ entry: [UInt8]) throws(LogError) -> Bool {
        do throws(DecodingError) {
            if case .batchSealed = try Event(decoding: entry) { return true }
        } catch {}
        return false
    }

    private mutating func run(_ progress: (UInt64) -> Void) throws(BackupError) {
        let isThere = try exists(copy)
        if isThere {
            let names = try onDisk { () throws(DiskError) in try disk.list(copy) }
            if let first = names.first(where: { !Self.belongs($0) }) {
                throw .notALedger(path: copy, found: first)
            }
        } else {
            try make(copy)
        }
        let lock = try takeLock()
        defer { lock.release() }
        try checkHistory()
        for folder in ["segments", "blobs"] {
            let isMade = try exists("\(copy)/\(folder)")
            if !isMade { try make("\(copy)/\(folder)") }
        }
        let copier: LogCopier
        do throws(LogError) {
            report.root = try log.root(at: size)
            report.size = size
            copier = try LogCopier(log, upTo: size)
        } catch { throw .log(error) }
        // What lies beside the segments speaks of no more than they hold, so they come first.
        let copied = try copier.copy(
            to: copy, disk: disk, progress: progress, orThrow: BackupError.log
        ) { () throws(BackupError) in
            try copyBlobs()
            try copySnapshot()
            try copyCheckpoints()
        }
        report.log = copied
        report.bytesCopied += report.log.bytesCopied
        report.bytesReused += report.log.bytesReused
    }

    private func takeLock() throws(BackupError) -> any DiskLock {
        do { return try disk.lock("\(copy)/LOCK") } catch {
            if case .locked(_, let holder) = error { throw .running(path: copy, holder: holder) }
            throw .disk(error)
        }
    }

    private func exists(_ path: String) throws(BackupError) -> Bool {
        do {
            _ = try disk.list(path)
            return true
        } catch {
            if case .notFound = error { return false }
            throw .disk(error)
        }
    }

    private func make(_ path: String) throws(BackupError) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        try onDisk { () throws(DiskError) in
            try disk.createDirectory(path)
            try disk.syncDirectory(parent)
        }
    }

    private func onDisk<R>(_ body: () throws(DiskError) -> R) throws(BackupError) -> R {
        do { return try body() } catch { throw .disk(error) }
    }

    private func onLog<R>(_ body: () throws(LogError) -> R) throws(BackupError) -> R {
        do { return try body() } catch { throw .log(error) }
    }
}

extension LedgerBackup {
    /// Makes sure that the copy, whole or interrupted, is an older state of this ledger.
    private func checkHistory() throws(BackupError) {
        let isBegun = try exists("\(copy)/segments")
        guard isBegun else { return }
        let old = try openCopy()
        // Interrupted or damaged: what can be read of it decides.
        let left = old == nil ? try salvageCopy() : nil
        let first = try onLog { () throws(LogError) in
            if let old { return old.size > 0 ? try old.entry(at: 0) : nil }
            return try left?.entry(at: 0, isCertain: true)
        }
        if let first {
            let found = LedgerID(Digest(hashing: first))
            guard found == ledger else {
                throw .otherLedger(path: copy, expected: ledger, found: found)
            }
        }
        let mark = try onLog { () throws(LogError) in
            try EventLog.endMark(in: copy, disk: disk)
        }
        if let mark { try check(mark) }
        for header in try snapshots(in: copy) where header.ledger == ledger {
            try check(TreeHead(size: header.size, root: header.root))
        }
        if let old { return try check(TreeHead(size: old.size, root: old.root)) }
        guard let left, left.endIndex > 0 else { return }
        guard left.endIndex <= size else {
            throw .newer(path: copy, copySize: left.endIndex, size: size)
        }
        let index = left.endIndex - 1
        let (own, other) = try onLog { () throws(LogError) in
            (try log.entry(at: index), try left.entry(at: index, isCertain: true))
        }
        if let other, own != other { throw .forked(path: copy, before: index + 1) }
    }

    private func salvageCopy() throws(BackupError) -> LogSalvage {
        try onLog { () throws(LogError) in try LogSalvage(directory: copy, disk: disk) }
    }

    /// The log of the copy; nil where it is not whole.
    private func openCopy() throws(BackupError) -> EventLog? {
        do { return try EventLog.open(directory: copy, disk: disk, access: .readOnly) } catch {
            switch error {
            case .damaged, .notALog: return nil
            default: throw .log(error)
            }
        }
    }

    private func check(_ head: TreeHead) throws(BackupError) {
        guard head.size <= size else {
            throw .newer(path: copy, copySize: head.size, size: size)
        }
        let root = try onLog { () throws(LogError) in try log.root(at: head.size) }
        guard root == head.root else { throw .forked(path: copy, before: head.size) }
    }

    /// The headers of the snapshots in a directory that can be read, by ascending height.
    private func snapshots(in directory: String) throws(BackupError) -> [SnapshotHeader] {
        let store = SnapshotStore(ledgerDirectory: directory, disk: disk)
        var headers: [SnapshotHeader] = []
        for height in try onDisk({ () throws(DiskError) in try store.heights() }) {
            do throws(SnapshotFlaw) { headers.append(try store.header(of: height)) } catch {}
        }
        return headers
    }
}

extension LedgerBackup {
    private mutating func copyBlobs() throws(BackupError) {
        let folder = "\(copy)/blobs"
        let store = BlobStore(logDirectory: copy, disk: disk)
        let names = try onDisk { () throws(DiskError) in try disk.list(folder) }
        for name in names where name.hasSuffix(".tmp") {
            try onDisk { () throws(DiskError) in try disk.remove("\(folder)/\(name)") }
        }
        for hash in try onDisk({ () throws(DiskError) in try blobHashes(in: source, disk) }) {
            let path = "\(source)/blobs/\(hash.hex)"
            let bytes = try onDisk { () throws(DiskError) in
                let bytes = try disk.open(path, .read).size()
                guard names.contains(hash.hex) else { return (own: bytes, copied: UInt64?.none) }
                return (bytes, try disk.open("\(folder)/\(hash.hex)", .read).size())
            }
            if bytes.own == bytes.copied {
                report.blobsReused += 1
                report.bytesReused += bytes.own
                continue
            }
            let blob = try onLog { () throws(LogError) in try goodBlob(hash, in: source, disk) }
            guard let blob else {
                report.blobsDamaged.append(hash)
                continue
            }
            _ = try onLog { () throws(LogError) in try store.put(blob) }
            report.blobsCopied += 1
            report.bytesCopied += UInt64(blob.count)
        }
    }

    /// Copies the newest good snapshot of what the copy holds, and removes older ones there.
    private mutating func copySnapshot() throws(BackupError) {
        let folder = "\(copy)/snapshots"
        let store = SnapshotStore(ledgerDirectory: copy, disk: disk)
        let old = try snapshots(in: copy)
        for header in try snapshots(in: source).reversed()
        where header.ledger == ledger && header.size <= size {
            let root = try onLog { () throws(LogError) in try log.root(at: header.size) }
            guard root == header.root else { continue }
            if old.contains(header) {
                report.snapshot = header.height
                break
            }
            let isMade = try exists(folder)
            if !isMade { try make(folder) }
            let path = store.path(header.height)
            let from = SnapshotStore(ledgerDirectory: source, disk: disk).path(header.height)
            do throws(DiskError) {
                report.bytesCopied += try copyFile(from, to: path, in: folder)
            } catch {
                // The node removes old ones.
                if case .notFound = error { continue }
                throw .disk(error)
            }
            do throws(SnapshotFlaw) {
                _ = try store.load(header.height)
                report.snapshot = header.height
                report.snapshotCopied = true
                break
            } catch {
                report.notices.append("the snapshot \(from) was not copied: \(error)")
                try onDisk { () throws(DiskError) in try disk.remove(path) }
            }
        }
        guard let kept = report.snapshot else { return }
        let name = store.path(kept).split(separator: "/").last.map(String.init)
        try onDisk { () throws(DiskError) in
            for other in try disk.list(folder) where other != name {
                try disk.remove("\(folder)/\(other)")
            }
        }
    }

    private func copyFile(
        _ from: String, to path: String, in folder: String
    ) throws(DiskError) -> UInt64 {
        let input = try disk.open(from, .read)
        let size = try input.size()
        let output = try disk.open(path + ".tmp", .create)
        var offset: UInt64 = 0
        while offset < size {
            let bytes = try input.read(at: offset, count: LogLimits.readBytes)
            if bytes.isEmpty { break }
            try output.write(bytes, at: offset)
            offset += UInt64(bytes.count)
        }
        try output.sync()
        try disk.rename(path + ".tmp", to: path)
        try disk.syncDirectory(folder)
        return offset
    }

    /// Makes the checkpoints of the copy those of the ledger that speak of what it holds.
    private mutating func copyCheckpoints() throws(BackupError) {
        let folder = "\(copy)/checkpoints"
        let isMade = try exists(folder)
        var kept: [String] = []
        if try exists("\(source)/checkpoints") {
            if !isMade { try make(folder) }
            let names = try onDisk { () throws(DiskError) in
                try disk.list("\(source)/checkpoints")
            }
            for name in names {
                if CheckpointFile.isPrecommits(name) {
                    // As it is: whoever reads it verifies it, and passes over later heights.
                    let found = try onDisk { () throws(DiskError) in
                        try CheckpointFile.readPrecommits(name: name, in: source, disk: disk)
                    }
                    guard let bytes = found else { continue }
                    kept.append(name)
                    try place(bytes, in: folder, as: name)
                    continue
                }
                let found = try onDisk { () throws(DiskError) in
                    try CheckpointFile.read(name: name, in: source, ledger: ledger, disk: disk)
                }
                guard let (bytes, head) = found, head.size <= size else { continue }
                let root = try onLog { () throws(LogError) in try log.root(at: head.size) }
                guard root == head.root else {
                    report.notices.append("the checkpoint \(name) is of another history")
                    continue
                }
                kept.append(name)
                try place(bytes, in: folder, as: name)
            }
        }
        guard try exists(folder) else { return }
        try onDisk { () throws(DiskError) in
            for name in try disk.list(folder) where !kept.contains(name) {
                try disk.remove("\(folder)/\(name)")
            }
        }
    }

    private mutating func place(
        _ bytes: [UInt8], in folder: String, as name: String
    ) throws(BackupError) {
        let present: [UInt8]?
        do { present = try disk.contents(of: "\(folder)/\(name)", max: bytes.count) } catch {
            switch error {
            case .notFound, .failed: present = nil
            default: throw .disk(error)
            }
        }
        if present == bytes {
            report.checkpointsReused += 1
            report.bytesReused += UInt64(bytes.count)
        } else {
            try onDisk { () throws(DiskError) in try disk.place(bytes, in: folder, as: name) }
            report.checkpointsCopied += 1
            report.bytesCopied += UInt64(bytes.count)
        }
    }
}
