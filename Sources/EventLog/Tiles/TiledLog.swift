// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A log that is read from a folder of tiles, of which only those that are asked for must be there.
///
/// What is read leads to the root that the folder's checkpoint names, whose signatures nobody has
/// checked: whoever reads from here says under which root, and others compare that. `@unchecked`:
/// the folder is read within the monitor.
package final class TiledLog: SweptLog, @unchecked Sendable {
    /// The root of the folder.
    package let directory: String
    /// The size and root that the folder's checkpoint names.
    package let head: TreeHead

    private let monitor = Monitor()
    private let folder: TileFolder

    /// Whether a folder is one of tiles: it holds a file `checkpoint` and a folder `tile`.
    package static func isThere(_ directory: String, disk: any Disk) -> Bool {
        do throws(DiskError) {
            let names = try disk.list(directory)
            return names.contains("checkpoint") && names.contains("tile")
        } catch { return false }
    }

    /// Opens a folder of tiles, and checks the last tile of each level against its checkpoint.
    package init(_ directory: String, disk: any Disk) throws(LogError) {
        self.directory = directory
        do throws(TileError) {
            let checkpoint = try TileFolder.checkpoint(in: directory, disk: disk)
            head = checkpoint.head
            folder = try TileFolder(directory: directory, head: checkpoint.head, disk: disk)
        } catch {
            throw error.ofLog(at: 0, in: directory)
        }
    }

    package var size: UInt64 { head.size }

    package func root(at size: UInt64) throws(LogError) -> Digest {
        try read(at: size) { folder throws(TileError) in try folder.root(of: 0..<size) }
    }

    package func subtrees(at size: UInt64) throws(LogError) -> [Digest] {
        try read(at: size) { folder throws(TileError) in
            var roots: [Digest] = []
            var start: UInt64 = 0
            for level in MerkleRange.levels(from: 0, to: size) {
                roots.append(try folder.root(of: start..<start + 1 << level))
                start += 1 << level
            }
            invariant(start == size, "subtrees of \(start) leaves of \(size)")
            let ones = size.nonzeroBitCount
            invariant(roots.count == ones, "\(roots.count) subtrees of \(ones) at size \(size)")
            return roots
        }
    }

    package func sweep(
        from start: UInt64, tree: Bool, pieceBytes: Int
    ) throws(LogError) -> any PieceSource {
        TileSweep(log: self, first: start / TileSweep.entries, tree: tree)
    }

    /// The entries of some tiles in a row, checked.
    fileprivate func piece(_ tiles: Range<UInt64>) throws(LogError) -> LogPiece {
        let first = tiles.lowerBound * UInt64(TilePath.fullWidth)
        return try read(at: first) { folder throws(TileError) in
            var entries: [[UInt8]] = []
            var leaves: [Digest] = []
            for tile in tiles {
                entries += try folder.entries(inTile: tile)
                leaves += try folder.leafHashes(inTile: tile)
            }
            return LogPiece(LogFrame(firstIndex: first, entries: entries), leaves: leaves)
        }
    }

    private func read<Value>(
        at entry: UInt64, _ body: (TileFolder) throws(TileError) -> Value
    ) throws(LogError) -> Value {
        do throws(TileError) {
            return try monitor.locked { () throws(TileError) in try body(folder) }
        } catch { throw error.ofLog(at: entry, in: directory) }
    }
}

/// The tiles of a log, some at a time.
private struct TileSweep: PieceSource {
    private static let tiles: UInt64 = 8
    /// The entries of a whole piece.
    static let entries = tiles * UInt64(TilePath.fullWidth)

    let log: TiledLog
    /// The number of the first piece, counted from the start of the log.
    let first: UInt64
    /// The leaves are known anyway.
    let tree: Bool

    var count: Int {
        let all = log.size / Self.entries + (log.size.isMultiple(of: Self.entries) ? 0 : 1)
        return Int(clamping: all - min(first, all))
    }

    func firstIndex(of piece: Int) -> UInt64 { (first + UInt64(piece)) * Self.entries }

    func read(_ piece: Int) throws(LogError) -> LogPiece {
        let start = (first + UInt64(piece)) * Self.tiles
        let full = UInt64(TilePath.fullWidth)
        let all = log.size / full + (log.size.isMultiple(of: full) ? 0 : 1)
        invariant(start < all, "a piece from tile \(start) on of \(all)")
        return try log.piece(start..<min(all, start + Self.tiles))
    }
}

extension TileError {
    /// The same as an error of the log that the tiles are.
    fileprivate func ofLog(at entry: UInt64, in directory: String) -> LogError {
        switch self {
        case .disk(let error): .disk(error)
        case .log(let error): error
        case .outOfRange(let index, let size): .outOfRange(index: index, size: size)
        case .damaged(let file, let flaw):
            .damaged(file: file, offset: 0, entry: entry, .tile(flaw))
        case .damagedEdge(let files, let flaw):
            .damaged(file: files.joined(separator: ", "), offset: 0, entry: entry, .tile(flaw))
        case .otherCheckpoint(let head, let root):
            .damaged(
                file: directory, offset: 0, entry: head.size,
                .root(of: "log", stored: head.root, computed: root))
        }
    }
}
