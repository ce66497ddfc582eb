// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
package import Cryptography
package import EventLog
internal import Hosting
internal import Ledger
internal import Replication
internal import Storage

/// A copy of a ledger's history, as far as its form lets it be asked.
///
/// Opened without folding: a ledger costs the reading of its footers and of its last segment, a
/// folder of tiles that of a tile for each level.
package final class HistoryCopy {
    /// What a copy is.
    package enum Form: String, Codable, Sendable {
        /// The directory of a ledger, or a home.
        case ledger
        /// A folder of tiles, held against its own checkpoint.
        case tiles
        /// A checkpoint: a size and a root.
        case checkpoint
        /// A snapshot: a size and the roots of the complete subtrees below it.
        case snapshot
        /// One side of a case: a batch, and the tree of the log before it.
        case `case`
    }

    enum Contents {
        case log(EventLog)
        case tiles(TileFolder)
        case edge(LogEdge)
        case roots([Digest])
    }

    /// What the caller calls it.
    package let name: String
    /// What it is.
    package let form: Form
    /// Its size and root.
    package let head: TreeHead
    /// The directory in which snapshots and precommits may lie; nil where there is none.
    package let ledgerDirectory: String?
    /// The checkpoint that it is, or is held against.
    package let checkpoint: SignedCheckpoint?
    /// The roots of the components after the last entry, where it is a snapshot.
    package let components: [Digest]?
    /// The file, where it is a snapshot.
    let snapshotPath: String?
    /// Who was who before the batch of a case; nil of other copies.
    let parties: PartyRoll?
    /// T precommits of the batch of a case; nil of other copies.
    let certificate: Precommits?
    let disk: any Disk
    private let contents: Contents
    /// The entries of the tile that was read last.
    private var tile: (number: UInt64, entries: [[UInt8]]) = (.max, [])

    init(
        _ name: String, _ form: Form, _ head: TreeHead, _ contents: Contents, disk: any Disk,
        directory: String? = nil, checkpoint: SignedCheckpoint? = nil,
        components: [Digest]? = nil, snapshotPath: String? = nil, parties: PartyRoll? = nil,
        certificate: Precommits? = nil
    ) {
        self.name = name
        self.form = form
        self.head = head
        self.contents = contents
        self.disk = disk
        ledgerDirectory = directory
        self.checkpoint = checkpoint
        self.components = components
        self.snapshotPath = snapshotPath
        self.parties = parties
        self.certificate = certificate
    }

    /// Opens what lies at a path, for reading.
    package static func open(
        _ path: String, name: String? = nil, disk: any Disk = POSIXDisk()
    ) throws(CopyError) -> HistoryCopy {
        let name = name ?? path
        let directory = LedgerDirectory.locate(path, disk: disk)
        if isDirectory("\(directory)/segments", disk) {
            return try openLog(directory, name, disk)
        }
        guard isDirectory(path, disk) else { return try openFile(path, name, disk) }
        return try openTiles(path, name, disk)
    }

    private static func isDirectory(_ path: String, _ disk: any Disk) -> Bool {
        do throws(DiskError) {
            _ = try disk.list(path)
            return true
        } catch {
            return false
        }
    }

    private static func openLog(
        _ directory: String, _ name: String, _ disk: any Disk
    ) throws(CopyError) -> HistoryCopy {
        do throws(LogError) {
            let log = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
            let size = log.size
            let head = TreeHead(size: size, root: try log.root(at: size))
            return HistoryCopy(
                name, .ledger, head, .log(log), disk: disk, directory: directory)
        } catch {
            throw .log(error)
        }
    }

    private static func openTiles(
        _ path: String, _ name: String, _ disk: any Disk
    ) throws(CopyError) -> HistoryCopy {
        do throws(TileError) {
            let signed = try TileFolder.checkpoint(in: path, disk: disk)
            let folder = try TileFolder(directory: path, head: signed.head, disk: disk)
            return HistoryCopy(
                name, .tiles, signed.head, .tiles(folder), disk: disk, checkpoint: signed)
        } catch {
            if case .damaged(_, .missing) = error, !isDirectory("\(path)/tile", disk) {
                throw .notACopy(path: path)
            }
            throw .tiles(error)
        }
    }

    private static func openFile(
        _ path: String, _ name: String, _ disk: any Disk
    ) throws(CopyError) -> HistoryCopy {
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.contents(of: path, max: SnapshotFacts.startBytesMax)
        } catch {
            if case .notFound = error { throw .notACopy(path: path) }
            throw .disk(error)
        }
        if bytes.starts(with: CaseFile.magic) {
            return try decided(inCase: path, name: name, disk: disk)
        }
        if bytes.starts(with: SnapshotFacts.magic) {
            do throws(SnapshotFlaw) {
                let facts = try SnapshotFacts(start: bytes)
                return HistoryCopy(
                    name, .snapshot, TreeHead(size: facts.size, root: facts.root),
                    .roots(facts.subtrees), disk: disk, components: facts.components,
                    snapshotPath: path)
            } catch {
                throw .snapshot(path: path, error)
            }
        }
        do throws(NoteError) {
            let signed = try SignedCheckpoint(bytes)
            return HistoryCopy(
                name, .checkpoint, signed.head, .roots([]), disk: disk, checkpoint: signed)
        } catch {
            throw .note(path: path, error)
        }
    }

    /// The first entry that can be read; nil where none can.
    var firstEntry: UInt64? {
        switch contents {
        case .log, .tiles: 0
        case .edge(let edge): edge.start
        case .roots: nil
        }
    }

    /// The log, where it is the directory of a ledger.
    var log: EventLog? {
        if case .log(let log) = contents { log } else { nil }
    }

    /// The root of the entries in a range, one side of a node of the tree of some size; nil where
    /// the copy does not tell.
    package func root(of range: Range<UInt64>) throws(CopyError) -> Digest? {
        guard range.upperBound <= head.size else { return nil }
        if range == 0..<head.size { return head.root }
        switch contents {
        case .log(let log):
            do throws(LogError) { return try log.root(of: range) } catch { throw .log(error) }
        case .tiles(let folder):
            do throws(TileError) { return try folder.root(of: range) } catch {
                throw .tiles(error)
            }
        case .edge(let edge): return edge.root(of: range)
        case .roots(let subtrees): return Self.kept(range, subtrees, size: head.size)
        }
    }

    /// The root of a range among those of the complete subtrees of a size, largest first.
    private static func kept(_ range: Range<UInt64>, _ subtrees: [Digest], size: UInt64) -> Digest?
    {
        var start: UInt64 = 0
        for root in subtrees {
            let count: UInt64 = 1 << UInt64(63 - (size - start).leadingZeroBitCount)
            if range == start..<start + count { return root }
            start += count
        }
        return nil
    }

    /// The leaf hashes of the entries in a range within one tile of 256; nil where the copy does
    /// not tell.
    package func leafHashes(in range: Range<UInt64>) throws(CopyError) -> [Digest]? {
        switch contents {
        case .log(let log):
            do throws(LogError) { return try log.leafHashes(in: range) } catch {
                throw .log(error)
            }
        case .tiles(let folder):
            do throws(TileError) {
                let number = range.lowerBound / UInt64(TilePath.fullWidth)
                let start = folder.range(ofTile: number).lowerBound
                let leaves = try folder.leafHashes(inTile: number)
                return Array(
                    leaves[Int(range.lowerBound - start)..<Int(range.upperBound - start)])
            } catch {
                throw .tiles(error)
            }
        case .edge(let edge): return edge.leafHashes(in: range)
        case .roots: return nil
        }
    }

    /// The entry with this index; nil where the copy has none or does not tell.
    package func entry(at index: UInt64) throws(CopyError) -> LoggedEntry? {
        guard index < head.size else { return nil }
        let bytes: [UInt8]
        switch contents {
        case .log(let log):
            do throws(LogError) { bytes = try log.entry(at: index) } catch { throw .log(error) }
        case .tiles(let folder):
            do throws(TileError) {
                let number = index / UInt64(TilePath.fullWidth)
                if tile.number != number {
                    tile = (number, try folder.entries(inTile: number))
                }
                bytes = tile.entries[Int(index % UInt64(TilePath.fullWidth))]
            } catch {
                throw .tiles(error)
            }
        case .edge(let edge):
            guard index >= edge.start else { return nil }
            bytes = edge.entries[Int(index - edge.start)]
        case .roots: return nil
        }
        do throws(DecodingError) {
            return LoggedEntry(index: index, entry: try Entry(decoding: bytes))
        } catch {
            throw .undecodable(entry: index, error)
        }
    }

    /// Hands the events from `start` up to `end`, exclusive, whose tag is wanted to `body`.
    func forEach(
        from start: UInt64, to end: UInt64, where isWanted: (UInt8) -> Bool,
        _ body: (Event) throws -> Void
    ) throws {
        switch contents {
        case .log(let log):
            try log.forEach(from: start, to: end) { index, span in
                guard isWanted(span[0]) else { return }
                var bytes: [UInt8] = []
                for place in span.indices { bytes.append(span[place]) }
                try body(try Event(decoding: bytes))
            }
        case .tiles(let folder):
            try folder.forEach(from: start, to: end) { _, bytes in
                guard isWanted(bytes[0]) else { return }
                try body(try Event(decoding: bytes))
            }
        case .edge, .roots: return
        }
    }
}
