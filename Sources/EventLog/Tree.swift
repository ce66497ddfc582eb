// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// The right edge of the log's tree: enough to append leaves, give the root, and tell the root of
/// each tile as it becomes complete.
///
/// A tile is a complete subtree of 256 leaves, so the tree above is one whose leaves are tiles.
///
/// Invariant: `tail.count < 256` between two calls.
struct TreeEdge {
    private(set) var tiles = MerkleFrontier()
    private(set) var tail = MerkleFrontier()

    /// The edge of no leaves.
    init() {}

    /// That of a tree of which the complete subtrees are known.
    init(_ frontier: MerkleFrontier) {
        let width = UInt64(LogLimits.tileLeaves)
        let whole = frontier.count / width
        let subtrees = frontier.subtrees
        let above = whole.nonzeroBitCount
        let known = MerkleFrontier(count: whole, subtrees: Array(subtrees[..<above]))
        let rest = MerkleFrontier(
            count: frontier.count % width, subtrees: Array(subtrees[above...]))
        invariant(known != nil && rest != nil, "subtrees that are not those of a tree")
        tiles = known ?? MerkleFrontier()
        tail = rest ?? MerkleFrontier()
        invariant(count == frontier.count, "\(count) leaves of \(frontier.count)")
    }

    /// The number of leaves.
    var count: UInt64 { tiles.count * UInt64(LogLimits.tileLeaves) + tail.count }

    /// Appends a leaf; returns the root of the tile that it completes, if it does.
    mutating func append(leafHash: Digest) -> Digest? {
        invariant(
            tail.count < UInt64(LogLimits.tileLeaves), "\(tail.count) leaves in an open tile")
        tail.append(leafHash: leafHash)
        guard tail.count == UInt64(LogLimits.tileLeaves) else { return nil }
        let tile = tail.root
        append(tile: tile)
        tail = MerkleFrontier()
        return tile
    }

    /// Appends a whole tile.
    mutating func append(tile: Digest) {
        invariant(
            tail.count == 0 || tail.count == UInt64(LogLimits.tileLeaves), "a tile is incomplete")
        tiles.append(leafHash: tile)
    }

    /// The RFC 6962 root.
    var root: Digest {
        guard tail.count > 0 else { return tiles.root }
        var node = tail.root
        for subtree in tiles.subtrees.reversed() {
            node = MerkleFrontier.nodeHash(subtree, node)
        }
        return node
    }
}

/// The roots of all complete tiles and of the complete subtrees above them.
///
/// Costs 64 bytes for 256 entries.
///
/// Invariant: `levels[k].count == count >> k`, and no level is empty but the first.
struct TileTree {
    private var levels: [[Digest]] = [[]]

    /// The number of complete tiles.
    var count: Int { levels[0].count }

    /// Appends the root of the next tile.
    mutating func append(_ tile: Digest) {
        var node = tile
        var level = 0
        while true {
            if level == levels.count { levels.append([]) }
            levels[level].append(node)
            let count = levels[level].count
            invariant(
                count == levels[0].count >> level,
                "\(count) nodes of level \(level) above \(levels[0].count) tiles")
            guard count.isMultiple(of: 2) else { return }
            node = MerkleFrontier.nodeHash(levels[level][count - 2], node)
            level += 1
        }
    }

    /// The root of the complete subtree of 2^level tiles with this number among its like.
    func node(level: Int, number: Int) -> Digest { levels[level][number] }

    /// The roots of the tiles with these numbers.
    func tiles(_ range: Range<Int>) -> [Digest] { Array(levels[0][range]) }
}

/// The RFC 6962 root of a list of leaf hashes: by halves at the largest power of two below.
func merkleRoot(_ leaves: ArraySlice<Digest>) -> Digest {
    guard !leaves.isEmpty else { return .ofNothing }
    if leaves.count.nonzeroBitCount == 1 {
        return MerkleFrontier.root(ofComplete: leaves)
    }
    let middle = leaves.startIndex + splitPoint(leaves.count)
    return MerkleFrontier.nodeHash(
        merkleRoot(leaves[..<middle]), merkleRoot(leaves[middle...]))
}

/// The largest power of two below `count`, which is at least two.
func splitPoint<T: FixedWidthInteger>(_ count: T) -> T {
    invariant(count > 1, "\(count) leaves cannot be split")
    let split: T = 1 << T(T.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    invariant(split < count, "\(count) leaves are split at \(split)")
    invariant(count - split <= split, "\(count) leaves are split at \(split)")
    return split
}
