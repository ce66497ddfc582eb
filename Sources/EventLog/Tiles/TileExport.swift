// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What an export of tiles did.
package struct TileExportReport: Equatable, Sendable {
    /// The size of the checkpoint that was there before; nil where there was none.
    package var oldSize: UInt64?
    /// The size that the folder has now.
    package var size: UInt64
    /// How many files were written, the checkpoint included; 0 where nothing is new.
    package var files: Int
    /// The bytes in them.
    package var bytes: UInt64
}

/// Writes a log as a folder that any static file server can serve.
///
/// Files: `checkpoint`, tiles of hashes and bundles of entries (see `TilePath`). A tile of level L
/// is the roots of up to 256 complete subtrees of 256^L leaves, 32 bytes each; a bundle is up to
/// 256 entries, each after its length as a big-endian `u16`. Source: C2SP tlog-tiles.
///
/// Invariants: a file is in its folder under its own name only when its bytes are durable; a folder
/// whose names are not yet durable is in `unsynced`, once.
package struct TileExport {
    private let log: EventLog
    private let disk: any Disk
    private let directory: String

    private var report: TileExportReport
    /// The directories that are there, and those of them whose names are not yet durable.
    private var directories: Set<String> = []
    private var unsynced: [String] = []
    private var unsyncedNames: Set<String> = []

    private init(_ log: EventLog, to directory: String, disk: any Disk, size: UInt64) {
        self.log = log
        self.disk = disk
        self.directory = directory
        report = TileExportReport(oldSize: nil, size: size, files: 0, bytes: 0)
    }

    /// Writes the log up to `checkpoint` to `directory`, which is made where absent.
    ///
    /// A folder that was written before gets what is new and nothing else, at a cost linear in
    /// that; partial tiles of its older sizes stay. Every file is whole or not there, and the
    /// checkpoint comes last, when all that it speaks of is durable: a crash at any point leaves a
    /// folder for its old checkpoint. Throws, in this order: `.log` (the checkpoint is beyond the
    /// log), `.otherCheckpoint`, `.damaged` of the folder's checkpoint (unreadable, of another log,
    /// newer), then `.disk` and `.log` as they come.
    package static func run(
        _ log: EventLog, upTo checkpoint: SignedCheckpoint, to directory: String, disk: any Disk
    ) throws(TileError) -> TileExportReport {
        let head = checkpoint.head
        let root = try onLog { () throws(LogError) in try log.root(at: head.size) }
        guard root == head.root else { throw .otherCheckpoint(head, logRoot: root) }
        var export = TileExport(log, to: directory, disk: disk, size: head.size)
        let old = try disk.tileCheckpoint(in: directory)
        if let old {
            try export.check(old, before: checkpoint)
            export.report.oldSize = old.checkpoint.size
        }
        if old == checkpoint { return export.report }
        let oldSize = old?.checkpoint.size ?? 0
        invariant(oldSize <= head.size, "a folder of \(oldSize) entries shrinks to \(head.size)")
        try export.ensure(directory)
        try export.writeEntries(from: oldSize, to: head.size)
        var level = 1
        while TilePath.count(level: level, size: head.size) > 0 {
            try export.writeHashes(level: level, from: oldSize, to: head.size)
            level += 1
        }
        try export.syncDirectories()
        invariant(
            export.unsynced.isEmpty,
            "a checkpoint before \(export.unsynced.count) folders are durable")
        checkpoint.checkAgain()
        let bytes = checkpoint.bytes
        try onTiles { () throws(DiskError) in
            try disk.place(bytes, in: directory, as: "checkpoint")
        }
        export.count(bytes)
        return export.report
    }

    private func check(
        _ old: SignedCheckpoint, before new: SignedCheckpoint
    ) throws(TileError) {
        let file = "\(directory)/checkpoint"
        guard old.checkpoint.originUTF8 == new.checkpoint.originUTF8 else {
            throw .damaged(
                file: file,
                .note(
                    .otherOrigin(
                        expected: new.checkpoint.origin, found: old.checkpoint.origin)))
        }
        let logSize = log.size
        guard old.checkpoint.size <= logSize else {
            throw .damaged(file: file, .notOfThisLog(old.head, logSize: logSize, logRoot: nil))
        }
        let root = try onLog { () throws(LogError) in try log.root(at: old.checkpoint.size) }
        guard root == old.checkpoint.root else {
            throw .damaged(file: file, .notOfThisLog(old.head, logSize: logSize, logRoot: root))
        }
        guard old.checkpoint.size <= new.checkpoint.size else {
            throw .damaged(
                file: file, .newer(size: old.checkpoint.size, asked: new.checkpoint.size))
        }
    }

    /// Writes bundles and the tiles of leaf hashes, from the tile that `oldSize` ends in.
    private mutating func writeEntries(from oldSize: UInt64, to size: UInt64) throws(TileError) {
        guard oldSize < size else { return }
        let start = oldSize / UInt64(TilePath.fullWidth) * UInt64(TilePath.fullWidth)
        var tile = LeafTile(firstIndex: start)
        var failure: TileError?
        let log = log
        try onLog { () throws(LogError) in
            try log.forEachFrame(from: start, to: size) { frame in
                let low = max(start, frame.firstIndex) - frame.firstIndex
                let high = min(size, frame.endIndex) - frame.firstIndex
                for entry in Int(low)..<Int(high) {
                    tile.append(frame, entry)
                    let isLast = frame.firstIndex + UInt64(entry) + 1 == size
                    guard tile.width == TilePath.fullWidth || isLast else { continue }
                    do throws(TileError) { try write(tile) } catch {
                        failure = error
                        return false
                    }
                    tile = LeafTile(firstIndex: tile.firstIndex + UInt64(tile.width))
                }
                return true
            }
        }
        if let failure { throw failure }
        invariant(tile.firstIndex == size, "bundles up to \(tile.firstIndex) of \(size) entries")
        invariant(tile.width == 0, "the last bundle, of \(tile.width) entries, is not written")
    }

    private mutating func write(_ tile: LeafTile) throws(TileError) {
        let full = UInt64(TilePath.fullWidth)
        let number = tile.firstIndex / full
        invariant(tile.firstIndex == number * full, "a bundle from entry \(tile.firstIndex) on")
        invariant(
            tile.hashes.count == 32 * tile.width,
            "\(tile.width) entries with \(tile.hashes.count) bytes of hashes")
        try write(tile.bundle, .entries(number: number, width: tile.width))
        try write(tile.hashes, .hashes(level: 0, number: number, width: tile.width))
    }

    /// Writes the new tiles of one level above the leaves, from the roots that the log keeps.
    private mutating func writeHashes(
        level: Int, from oldSize: UInt64, to size: UInt64
    ) throws(TileError) {
        let oldCount = TilePath.count(level: level, size: oldSize)
        let count = TilePath.count(level: level, size: size)
        guard oldCount < count else { return }
        let full = UInt64(TilePath.fullWidth)
        for number in oldCount / full...(count - 1) / full {
            let start = number * full
            let end = min(start + full, count)
            try write(
                log.hashes(level: level, start..<end),
                .hashes(level: level, number: number, width: Int(end - start)))
        }
    }

    private mutating func write(_ bytes: [UInt8], _ path: TilePath) throws(TileError) {
        let parts = path.description.split(separator: "/").map(String.init)
        var folder = directory
        for part in parts.dropLast() {
            folder += "/" + part
            try ensure(folder)
        }
        let file = "\(folder)/\(parts[parts.count - 1])"
        try onTiles { () throws(DiskError) in
            let temporary = try disk.open("\(file).tmp", .create)
            try temporary.write(bytes, at: 0)
            try temporary.sync()
            try disk.rename("\(file).tmp", to: file)
        }
        isChanged(folder)
        count(bytes)
    }

    private mutating func count(_ bytes: [UInt8]) {
        report.files += 1
        report.bytes += UInt64(bytes.count)
    }

    /// Makes a directory unless it is there; its parent is.
    private mutating func ensure(_ path: String) throws(TileError) {
        guard directories.insert(path).inserted else { return }
        try onTiles { () throws(DiskError) in _ = try disk.makeDirectory(path) }
        // Also where it was there: a crash may have come before the sync of its parent.
        if path != directory {
            isChanged(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]))
        }
    }

    private mutating func isChanged(_ folder: String) {
        if unsyncedNames.insert(folder).inserted { unsynced.append(folder) }
        invariant(
            unsynced.count == unsyncedNames.count,
            "\(unsynced.count) folders are to be synced, \(unsyncedNames.count) are known")
    }

    /// Makes the names of all files and directories durable, the deepest first.
    private mutating func syncDirectories() throws(TileError) {
        for folder in unsynced.reversed() {
            try onTiles { () throws(DiskError) in try disk.syncDirectory(folder) }
        }
        unsynced = []
        unsyncedNames = []
    }
}

/// Turns a failure of the log into one of tiles.
private func onLog<R>(_ body: () throws(LogError) -> R) throws(TileError) -> R {
    do { return try body() } catch { throw .log(error) }
}
