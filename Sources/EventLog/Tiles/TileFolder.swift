// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A log read from a folder of tiles, every byte checked against a size and a root.
///
/// Nothing of the folder is trusted: a bundle is checked against its tile of leaf hashes, a tile
/// against the tile above, and the last tiles of all levels together against the root. Where a
/// partial tile is missing, a wider one of the same number serves. Source: C2SP tlog-tiles.
///
/// Keeps one tile for each level; reading in order costs each tile once. Not for several threads
/// at once.
///
/// Invariants: `edge.count == kept.count`, the number of levels; `edge[level].count` is that of the
/// nodes of the level behind its full tiles; a tile in `kept` has 256 hashes.
package final class TileFolder {
    /// The root of the folder.
    package let directory: String
    /// What the folder is held against.
    package let head: TreeHead

    private let disk: any Disk
    /// The hashes of the last, partial tile of each level, checked; empty where there is none.
    private var edge: [[Digest]] = []
    /// The full tile of each level that was checked last.
    private var kept: [(number: UInt64, hashes: [Digest])?]

    /// The longest bundle.
    private static let bundleBytesMax = TilePath.fullWidth * (LogLimits.entryBytesMax + 2)

    /// Opens the folder up to `head`, which the caller trusts, and checks the last tile of each
    /// level.
    ///
    /// Throws `.damaged` or `.damagedEdge` naming the files, or `.disk`. Of the last tiles, which
    /// only together lead to the root, those are named that what is below them contradicts, or all.
    package init(directory: String, head: TreeHead, disk: any Disk) throws(TileError) {
        self.directory = directory
        self.head = head
        self.disk = disk
        var levels = 0
        while TilePath.count(level: levels, size: head.size) > 0 { levels += 1 }
        kept = Array(repeating: nil, count: levels)
        try checkEdge(levels: levels)
    }

    /// Reads the checkpoint of a folder; checks no signature.
    ///
    /// Throws `.damaged` where it is missing or no checkpoint, or `.disk`.
    package static func checkpoint(
        in directory: String, disk: any Disk
    ) throws(TileError) -> SignedCheckpoint {
        guard let signed = try disk.tileCheckpoint(in: directory) else {
            throw .damaged(file: "\(directory)/checkpoint", .missing)
        }
        return signed
    }

    /// The number of tiles of 256 entries, a last partial one included.
    package var tileCount: UInt64 {
        let full = UInt64(TilePath.fullWidth)
        return head.size / full + (head.size % full == 0 ? 0 : 1)
    }

    /// The indexes of the entries in a tile.
    package func range(ofTile number: UInt64) -> Range<UInt64> {
        let full = UInt64(TilePath.fullWidth)
        let start = min(number, head.size / full) * full
        return start..<start + UInt64(TilePath.width(of: number, in: head.size))
    }

    /// The leaf hashes of a tile, checked. Throws `.outOfRange`, `.damaged` or `.disk`.
    package func leafHashes(inTile number: UInt64) throws(TileError) -> [Digest] {
        try checked(level: 0, number: number)
    }

    /// The entries of a tile, checked. Throws `.outOfRange`, `.damaged` or `.disk`.
    package func entries(inTile number: UInt64) throws(TileError) -> [[UInt8]] {
        let hashes = try leafHashes(inTile: number)
        let (entries, file) = try bundle(number, width: hashes.count)
        invariant(
            entries.count == hashes.count, "\(entries.count) entries of \(hashes.count) hashes")
        for (position, entry) in entries.enumerated() {
            guard MerkleFrontier.leafHash(entry.span) == hashes[position] else {
                throw .damaged(file: file, .entryHash(position))
            }
        }
        return entries
    }

    /// The entries of a bundle as they stand, and the file that they are from.
    private func bundle(
        _ number: UInt64, width: Int
    ) throws(TileError) -> (entries: [[UInt8]], file: String) {
        let path = TilePath.entries(number: number, width: width)
        let (bytes, file) = try read(path, max: Self.bundleBytesMax)
        var entries: [[UInt8]] = []
        entries.reserveCapacity(width)
        var position = 0
        for entry in 0..<width {
            guard bytes.count - position >= 2 else {
                throw .damaged(file: file, .endsEarly(entry: entry))
            }
            let count = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            guard count > 0 else { throw .damaged(file: file, .emptyEntry(entry)) }
            guard bytes.count - position - 2 >= count else {
                throw .damaged(file: file, .endsEarly(entry: entry))
            }
            entries.append(Array(bytes[position + 2..<position + 2 + count]))
            position += 2 + count
        }
        invariant(
            position <= bytes.count, "a bundle is read up to \(position) of \(bytes.count) bytes")
        // A wider bundle in place of the one that was asked for goes on.
        guard file != self.file(path) || position == bytes.count else {
            throw .damaged(file: file, .bytesAfterEnd(count: bytes.count - position))
        }
        return (entries, file)
    }

    /// Hands each entry from `from` up to `to`, exclusive, with its index to `body`, checked.
    ///
    /// Throws a `TileError`, or what `body` throws, which ends it.
    package func forEach(
        from: UInt64, to: UInt64, _ body: (UInt64, [UInt8]) throws -> Void
    ) throws {
        guard to <= head.size else { throw TileError.outOfRange(index: to, size: head.size) }
        var next = from
        while next < to {
            let number = next / UInt64(TilePath.fullWidth)
            let range = range(ofTile: number)
            let entries = try entries(inTile: number)
            invariant(
                entries.count == range.count,
                "\(entries.count) entries from \(range.lowerBound) to \(range.upperBound)")
            while next < min(to, range.upperBound) {
                try body(next, entries[Int(next - range.lowerBound)])
                next += 1
            }
        }
    }

    /// The roots of all complete tiles of 256 entries, in order, checked.
    ///
    /// Costs the reading of 32 bytes for each. Throws `.damaged` or `.disk`.
    package func tileRoots() throws(TileError) -> [Digest] {
        let full = UInt64(TilePath.fullWidth)
        let count = TilePath.count(level: 1, size: head.size)
        var roots: [Digest] = []
        var number: UInt64 = 0
        while number * full < count {
            roots += try checked(level: 1, number: number)
            number += 1
        }
        invariant(UInt64(roots.count) == count, "\(roots.count) roots of \(count) tiles")
        return roots
    }

    /// The root of one complete tile of 256 entries, checked.
    ///
    /// Throws `.outOfRange`, `.damaged` or `.disk`.
    package func tileRoot(_ number: UInt64) throws(TileError) -> Digest {
        guard number < TilePath.count(level: 1, size: head.size) else {
            throw .outOfRange(index: number, size: head.size)
        }
        let full = UInt64(TilePath.fullWidth)
        return try checked(level: 1, number: number / full)[Int(number % full)]
    }

    /// The hashes of a tile that lead to the root.
    func checked(level: Int, number: UInt64) throws(TileError) -> [Digest] {
        let count = TilePath.count(level: level, size: head.size)
        let width = TilePath.width(of: number, in: count)
        guard width > 0 else { throw .outOfRange(index: number, size: head.size) }
        invariant(
            level < kept.count, "a tile of level \(level), and there are \(kept.count) levels")
        if width < TilePath.fullWidth {
            invariant(
                edge[level].count == width,
                "\(edge[level].count) hashes of \(width) in the last tile of level \(level)")
            return edge[level]
        }
        if let tile = kept[level], tile.number == number { return tile.hashes }
        let full = UInt64(TilePath.fullWidth)
        let above = try checked(level: level + 1, number: number / full)[Int(number % full)]
        let path = TilePath.hashes(level: level, number: number)
        let hashes = try readHashes(path)
        let root = merkleRoot(hashes[...])
        guard root == above else {
            throw .damaged(file: file(path), .root(stored: above, computed: root))
        }
        kept[level] = (number, hashes)
        return hashes
    }

    /// Reads the last tile of every level and checks them together against the root.
    ///
    /// They hold the roots of the complete subtrees that the tree consists of, largest first.
    private func checkEdge(levels: Int) throws(TileError) {
        var paths: [TilePath] = []
        edge = Array(repeating: [], count: levels)
        var subtrees: [Digest] = []
        for level in (0..<levels).reversed() {
            let count = TilePath.count(level: level, size: head.size)
            let full = UInt64(TilePath.fullWidth)
            let width = Int(count % full)
            guard width > 0 else { continue }
            let path = TilePath.hashes(level: level, number: count / full, width: width)
            let hashes = try readHashes(path)
            edge[level] = hashes
            paths.append(path)
            var start = 0
            for bit in stride(from: 7, through: 0, by: -1) where width & 1 << bit != 0 {
                subtrees.append(merkleRoot(hashes[start..<start + 1 << bit]))
                start += 1 << bit
            }
            invariant(start == width, "subtrees of \(start) hashes of \(width)")
        }
        guard
            let root = MerkleFrontier(count: head.size, subtrees: subtrees)?.root
        else { fatalError("a tree of \(head.size) leaves has other subtrees") }
        guard root == head.root else {
            // Where some differ from what is below them, those are it.
            let suspects = paths.filter { contradictsWhatIsBelow($0) }
            throw .damagedEdge(
                files: (suspects.isEmpty ? paths : suspects).map { file($0) },
                .root(stored: head.root, computed: root))
        }
    }

    /// Whether the tile or bundle below the last tile of a level can be read and says otherwise.
    private func contradictsWhatIsBelow(_ path: TilePath) -> Bool {
        guard let level = path.level else { return false }
        do throws(TileError) {
            if level == 0 {
                let entries = try bundle(path.number, width: path.width).entries
                return entries.map { MerkleFrontier.leafHash($0.span) } != edge[level]
            }
            for (position, hash) in edge[level].enumerated() {
                let number = path.number * UInt64(TilePath.fullWidth) + UInt64(position)
                let below = try readHashes(.hashes(level: level - 1, number: number))
                if merkleRoot(below[...]) != hash { return true }
            }
        } catch { return false }
        return false
    }

    private func file(_ path: TilePath) -> String { "\(directory)/\(path)" }

    private func readHashes(_ path: TilePath) throws(TileError) -> [Digest] {
        let (bytes, file) = try read(path, max: TilePath.fullWidth * 32)
        let isWhole = file == self.file(path)
        guard isWhole ? bytes.count == path.width * 32 : bytes.count >= path.width * 32 else {
            throw .damaged(file: file, .length(bytes: bytes.count, expected: path.width * 32))
        }
        return (0..<path.width).map { bytes.span.digest(at: 32 * $0) }
    }

    /// Reads a tile, or where it is missing a wider one of the same number; returns which.
    private func read(
        _ path: TilePath, max: Int
    ) throws(TileError) -> (bytes: [UInt8], file: String) {
        if let bytes = try contents(of: file(path), max: max) { return (bytes, file(path)) }
        if path.width < TilePath.fullWidth {
            for width in [TilePath.fullWidth] + (try partialWidths(of: path)) {
                let wider = file(path.withWidth(width))
                if let bytes = try contents(of: wider, max: max) { return (bytes, wider) }
            }
        }
        throw .damaged(file: file(path), .missing)
    }

    private func contents(of file: String, max: Int) throws(TileError) -> [UInt8]? {
        do { return try disk.contents(of: file, max: max) } catch {
            if case .notFound = error { return nil }
            throw .disk(error)
        }
    }

    /// The widths of the partial tiles of a number that are wider than `path`, ascending.
    private func partialWidths(of path: TilePath) throws(TileError) -> [Int] {
        let names: [String]
        do { names = try disk.list("\(file(path.withWidth(TilePath.fullWidth))).p") } catch {
            if case .notFound = error { return [] }
            throw .disk(error)
        }
        return names.compactMap { UInt16(plainDecimal: Array($0.utf8)).map(Int.init) }
            .filter { $0 > path.width && $0 < TilePath.fullWidth }.sorted()
    }
}
