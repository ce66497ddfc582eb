// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What closing a long log leaves in the file `EDGE`: the part of the tree that its last segment,
/// which has no footer, makes; so that opening it again checks the frames and hashes no entry.
///
/// Layout, integers little-endian: magic "RCED" (0, 4), version 1 (4, u16), zero (6, u16), size (8,
/// u64) and root (16, 32) of the log, checksum of its last frame (48, u64), number of tiles t that
/// the last segment completes (56, u32), number of leaves l after them (60, u32), the roots of the
/// tiles and the hashes of the leaves (32 each), checksum of the bytes so far (u64).
///
/// It counts only beside an end mark of the same size, root and checksum, and where it gives that
/// root; without it everything is read. It repeats what the frames say, as footers do.
///
/// Invariants, of one that is written: `leaves.count == size % 256`, and `tiles.count` is what the
/// last segment adds to the whole tiles of the log.
struct ClosedEdge {
    static let name = "EDGE"
    static let version: UInt16 = 1
    static let magic: UInt32 = 0x4445_4352  // "RCED"
    static let fixedBytes = 64
    /// Segments of fewer entries are read as quickly.
    static let entriesMin: UInt64 = 1 << 14

    let size: UInt64
    let root: Digest
    let lastChecksum: UInt64
    let tiles: [Digest]
    let leaves: [Digest]

    /// Whether an end mark speaks of the same log.
    func belongs(to mark: EndMark) -> Bool {
        size == mark.size && root == mark.root && lastChecksum == mark.lastChecksum
    }

    /// The edge of what a log holds; nil where its last segment is short.
    init?(_ contents: LogContents) {
        guard let last = contents.segments.last,
            last.endIndex - last.header.firstIndex >= Self.entriesMin
        else { return nil }
        size = contents.edge.count
        root = contents.edge.root
        lastChecksum = last.lastChecksum
        let first = Int(last.header.firstIndex / UInt64(LogLimits.tileLeaves))
        tiles = contents.tiles.tiles(first..<contents.tiles.count)
        leaves = contents.tailLeaves
        let width = UInt64(LogLimits.tileLeaves)
        invariant(
            UInt64(first + tiles.count) == size / width,
            "\(tiles.count) tiles from \(first) on of \(size) entries")
        invariant(
            UInt64(leaves.count) == size % width, "\(leaves.count) leaves at \(size) entries")
    }

    /// The bytes of the file.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.fixedBytes + 32 * (tiles.count + leaves.count) + 8)
        bytes.append(littleEndian: Self.magic)
        bytes.append(littleEndian: Self.version)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: size)
        root.value.append(to: &bytes)
        bytes.append(littleEndian: lastChecksum)
        bytes.append(littleEndian: UInt32(tiles.count))
        bytes.append(littleEndian: UInt32(leaves.count))
        for digest in tiles + leaves { digest.value.append(to: &bytes) }
        bytes.append(littleEndian: sha64(bytes.span))
        let due = Self.fixedBytes + 32 * (tiles.count + leaves.count) + 8
        invariant(bytes.count == due, "an edge of \(due) bytes in \(bytes.count)")
        return bytes
    }

    /// Reads a file; nil where it is damaged, or of another version: then it is not used.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= Self.fixedBytes + 8,
            bytes.integer(at: 0, as: UInt32.self) == Self.magic,
            bytes.integer(at: 4, as: UInt16.self) == Self.version,
            bytes.integer(at: 6, as: UInt16.self) == 0,
            bytes.integer(at: bytes.count - 8, as: UInt64.self)
                == sha64(bytes.extracting(0..<bytes.count - 8))
        else { return nil }
        size = bytes.integer(at: 8)
        root = bytes.digest(at: 16)
        lastChecksum = bytes.integer(at: 48)
        let tileCount = Int(bytes.integer(at: 56, as: UInt32.self))
        let leafCount = Int(bytes.integer(at: 60, as: UInt32.self))
        guard bytes.count == Self.fixedBytes + 32 * (tileCount + leafCount) + 8 else { return nil }
        var digests: [Digest] = []
        digests.reserveCapacity(tileCount + leafCount)
        for number in 0..<tileCount + leafCount {
            digests.append(bytes.digest(at: Self.fixedBytes + 32 * number))
        }
        tiles = Array(digests[..<tileCount])
        leaves = Array(digests[tileCount...])
    }
}

extension LogContents {
    /// Takes over the part of the tree that the last segment makes; false where it does not give
    /// its own root, and then nothing has changed.
    mutating func adopt(_ closed: ClosedEdge) -> Bool {
        let width = UInt64(LogLimits.tileLeaves)
        guard UInt64(tiles.count + closed.tiles.count) == closed.size / width,
            UInt64(closed.leaves.count) == closed.size % width
        else { return false }
        var edge = TreeEdge()
        for tile in tiles.tiles(0..<tiles.count) + closed.tiles { edge.append(tile: tile) }
        for leaf in closed.leaves { _ = edge.append(leafHash: leaf) }
        invariant(edge.count == closed.size, "a tree of \(edge.count) for \(closed.size) entries")
        guard edge.root == closed.root else { return false }
        for tile in closed.tiles { tiles.append(tile) }
        self.edge = edge
        tailLeaves = closed.leaves
        checkTree()
        return true
    }
}
