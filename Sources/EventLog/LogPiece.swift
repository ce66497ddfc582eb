// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Frames in a row of one segment, read and checked by themselves.
///
/// Invariants: each frame begins where the one before it ends; `leaves.count` is the number of
/// their entries, or 0.
package struct LogPiece: Sendable {
    /// The frames, at least one.
    package let frames: [LogFrame]
    /// The hash of each entry as a leaf of the tree; none where they were not asked for.
    package let leaves: [Digest]
    /// The roots of the whole tiles of 256 leaves in it, from `firstTile` on.
    let tiles: [Digest]
    /// The number of its segment, and where its frames lie in the file.
    let segment: Int
    let locations: [FrameLocation]
    let end: UInt64
    /// The checksum that the first frame states of what is before it, and that of the last frame.
    let previous: UInt64
    let lastChecksum: UInt64

    /// The index of its first entry.
    package var firstIndex: UInt64 { frames[0].firstIndex }

    /// The index after its last entry.
    package var endIndex: UInt64 { frames[frames.count - 1].endIndex }

    /// The first index at which a tile begins, which may lie behind the piece.
    var firstTile: UInt64 { LeafHashing.firstTile(from: firstIndex) }

    /// Reads and checks frames of a segment, and how they follow one another.
    ///
    /// - Parameters:
    ///   - frames: Their numbers in the segment; at least one.
    ///   - tree: Whether leaves are hashed.
    init(
        _ segment: Segment, _ number: Int, _ frames: Range<Int>, tree: Bool
    ) throws(LogError) {
        invariant(!frames.isEmpty, "a piece of no frames of segment \(number)")
        let start = segment.frames[frames.lowerBound].offset
        end = segment.end(ofFrame: frames.upperBound - 1)
        let length = end - start
        let bytes = try onDisk { () throws(DiskError) in
            try segment.file.read(at: start, count: Int(length))
        }
        var read: [LogFrame] = []
        var previous: UInt64?
        var last: UInt64 = 0
        for number in frames {
            let from = min(bytes.count, Int(segment.frames[number].offset - start))
            let to = min(bytes.count, Int(segment.end(ofFrame: number) - start))
            let (header, frame) = try segment.decode(number, bytes.span.extracting(from..<to))
            let wanted = read.last?.endIndex ?? header.firstIndex
            guard previous == nil || header.previous == last, header.firstIndex == wanted else {
                throw .damaged(
                    file: segment.file.path, offset: segment.frames[number].offset, entry: wanted,
                    .chain(expected: last, found: header.previous))
            }
            previous = previous ?? header.previous
            last = header.checksum
            read.append(frame)
        }
        let leaves = tree ? read.flatMap { $0.leafHashes() } : []
        self.frames = read
        self.leaves = leaves
        tiles = LeafHashing.tiles(of: leaves, from: read[0].firstIndex)
        self.segment = number
        locations = Array(segment.frames[frames])
        self.previous = previous ?? 0
        lastChecksum = last
        invariant(
            !tree || UInt64(leaves.count) == endIndex - firstIndex,
            "\(leaves.count) leaves of entries \(firstIndex) to \(endIndex)")
    }

    /// Takes entries that were read from elsewhere than a segment, and checked there.
    ///
    /// - Parameters:
    ///   - frame: The entries, at least one.
    ///   - leaves: The hash of each as a leaf of the tree.
    init(_ frame: LogFrame, leaves: [Digest]) {
        invariant(
            leaves.count == frame.count, "\(leaves.count) leaves of \(frame.count) entries")
        frames = [frame]
        self.leaves = leaves
        tiles = LeafHashing.tiles(of: leaves, from: frame.firstIndex)
        segment = 0
        locations = []
        end = 0
        previous = 0
        lastChecksum = 0
    }
}

/// The tree of a log as its pieces are taken in, one entry after the other.
///
/// Invariant: `edge.count == range.end`.
package struct PieceTree: Sendable {
    private var edge: TreeEdge
    /// What of it the pieces alone give.
    package private(set) var range: MerkleRange

    /// The tree of the entries before the pieces.
    package init(_ frontier: MerkleFrontier = MerkleFrontier()) {
        edge = TreeEdge(frontier)
        range = MerkleRange(start: frontier.count)
    }

    /// The number of leaves.
    package var count: UInt64 { edge.count }

    /// The RFC 6962 root.
    package var root: Digest { edge.root }

    /// Takes in the entries of a piece up to an index, exclusive, or to its end.
    ///
    /// Costs a hash or two for each tile, and for each entry that is in no whole tile.
    /// - Precondition: The next entry is in the piece, or behind it.
    package mutating func advance(to index: UInt64, in piece: LogPiece) {
        let width = UInt64(LogLimits.tileLeaves)
        let end = min(index, piece.endIndex)
        let due = max(edge.count, end)
        while edge.count < end {
            let next = edge.count
            invariant(next >= piece.firstIndex, "a piece that does not follow")
            if next.isMultiple(of: width), end - next >= width {
                let tile = piece.tiles[Int((next - piece.firstTile) / width)]
                edge.append(tile: tile)
                range.append(tile, level: LogLimits.tileLevel)
            } else {
                let leaf = piece.leaves[Int(next - piece.firstIndex)]
                _ = edge.append(leafHash: leaf)
                range.append(leaf, level: 0)
            }
        }
        invariant(edge.count == due, "a tree of \(edge.count) leaves, and \(due) were due")
        invariant(range.end == edge.count, "pieces up to \(range.end) of a tree of \(edge.count)")
    }
}
