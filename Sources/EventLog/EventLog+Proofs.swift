// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension EventLog {
    /// The RFC 6962 root of the first `size` entries, which are committed.
    package func root(at size: UInt64) throws(LogError) -> Digest {
        try checkSize(size)
        return try TreeReader(self).root(0, size)
    }

    /// The proof that entry `index` is in the tree of the first `size` entries, leaf's side first.
    ///
    /// Source: RFC 6962 section 2.1.1. Costs the reading of at most two tiles.
    package func inclusionProof(index: UInt64, size: UInt64) throws(LogError) -> [Digest] {
        try checkSize(size)
        guard index < size else { throw .outOfRange(index: index, size: size) }
        let reader = TreeReader(self)
        var proof: [Digest] = []
        var start: UInt64 = 0
        var count = size
        while count > 1 {
            let split = splitPoint(count)
            if index - start < split {
                proof.append(try reader.root(start + split, count - split))
                count = split
            } else {
                proof.append(try reader.root(start, split))
                start += split
                count -= split
            }
        }
        invariant(start == index, "a proof of entry \(start) for entry \(index)")
        let due = Self.pathLength(index, size)
        invariant(
            proof.count == due, "\(proof.count) hashes of \(due) for entry \(index) of \(size)")
        return proof.reversed()
    }

    /// The proof that the tree of `oldSize` entries is a prefix of that of `newSize`.
    ///
    /// Source: RFC 6962 section 2.1.2. Empty where the sizes are equal or the old one is zero, of
    /// which nothing can be proved. Costs the reading of at most two tiles.
    package func consistencyProof(
        from oldSize: UInt64, to newSize: UInt64
    ) throws(LogError) -> [Digest] {
        try checkSize(newSize)
        guard oldSize <= newSize else { throw .outOfRange(index: oldSize, size: newSize) }
        guard oldSize > 0 else { return [] }
        let reader = TreeReader(self)
        var proof: [Digest] = []
        var start: UInt64 = 0
        var count = newSize
        // Whether the old tree is a complete subtree here that the verifier knows by its root.
        var isWhole = true
        while oldSize - start < count {
            let split = splitPoint(count)
            if oldSize - start <= split {
                proof.append(try reader.root(start + split, count - split))
                count = split
            } else {
                proof.append(try reader.root(start, split))
                start += split
                count -= split
                isWhole = false
            }
        }
        invariant(start + count == oldSize, "a proof from \(start + count) for \(oldSize)")
        if !isWhole { proof.append(try reader.root(start, count)) }
        let isComplete = oldSize.nonzeroBitCount == 1
        let due =
            Self.pathLength(oldSize - 1, newSize) - oldSize.trailingZeroBitCount
            + (isComplete ? 0 : 1)
        invariant(
            oldSize == newSize || proof.count == due,
            "\(proof.count) hashes of \(due) from size \(oldSize) to \(newSize)")
        return proof.reversed()
    }

    /// The nodes beside the way from a leaf to the root: one for each bit in which it differs from
    /// the last leaf or that is below such a bit, and one for each of its ones above them.
    private static func pathLength(_ index: UInt64, _ size: UInt64) -> Int {
        let inner = UInt64.bitWidth - (index ^ (size - 1)).leadingZeroBitCount
        return inner + (index >> UInt64(inner)).nonzeroBitCount
    }

    /// The roots of the complete subtrees that make up the tree of `size` entries, largest first.
    ///
    /// As many as `size` has one bits: a `MerkleFrontier`. Costs the reading of at most a tile.
    package func subtrees(at size: UInt64) throws(LogError) -> [Digest] {
        try checkSize(size)
        let reader = TreeReader(self)
        var roots: [Digest] = []
        var start: UInt64 = 0
        while start < size {
            let count: UInt64 = 1 << UInt64(63 - (size - start).leadingZeroBitCount)
            roots.append(try reader.root(start, count))
            start += count
        }
        invariant(start == size, "subtrees of \(start) leaves of \(size)")
        invariant(roots.count == size.nonzeroBitCount, "\(roots.count) subtrees of \(size) leaves")
        return roots
    }

    /// A reader of the tree of the first `size` entries, which are committed.
    func treeReader(of size: UInt64) throws(LogError) -> TreeReader {
        try checkSize(size)
        return TreeReader(self)
    }

    private func checkSize(_ size: UInt64) throws(LogError) {
        try monitor.locked { () throws(LogError) in
            try checkUsable()
            guard size <= contents.edge.count else {
                throw .outOfRange(index: size, size: contents.edge.count)
            }
        }
    }
}

/// Computes roots of subtrees from the tiles that are kept and the leaves of at most a few.
///
/// Invariant: `leaves` are those of tile `number`, as many as there were when they were asked for.
final class TreeReader {
    private let log: EventLog
    private var number: UInt64?
    private var leaves: [Digest] = []

    init(_ log: EventLog) { self.log = log }

    /// The root of `count` leaves from `start`, a subtree of the tree of some size.
    func root(_ start: UInt64, _ count: UInt64) throws(LogError) -> Digest {
        let tile = UInt64(LogLimits.tileLeaves)
        if count == 0 { return .ofNothing }
        if count >= tile, count.nonzeroBitCount == 1, start.isMultiple(of: count) {
            let level = count.trailingZeroBitCount - tile.trailingZeroBitCount
            return log.monitor.locked {
                log.contents.tiles.node(level: level, number: Int(start / count))
            }
        }
        if count <= tile {
            try load(start / tile)
            let first = Int(start % tile)
            invariant(
                first + Int(count) <= leaves.count,
                "\(count) leaves from \(start) on in a tile of \(leaves.count)")
            return merkleRoot(leaves[first..<first + Int(count)])
        }
        let split = splitPoint(count)
        return MerkleFrontier.nodeHash(
            try root(start, split), try root(start + split, count - split))
    }

    /// The leaves of a tile, as many as the log has.
    func leaves(ofTile wanted: UInt64) throws(LogError) -> [Digest] {
        try load(wanted)
        return leaves
    }

    private func load(_ wanted: UInt64) throws(LogError) {
        if number == wanted { return }
        let size = UInt64(LogLimits.tileLeaves)
        if let known = log.monitor.locked({ log.keptLeaves(ofTile: wanted) }) {
            leaves = known
        } else {
            var read: [Digest] = []
            let start = wanted * size
            try log.forEachFrame(from: start, to: start + size) { frame in
                let low = max(start, frame.firstIndex) - frame.firstIndex
                let high = min(start + size, frame.endIndex) - frame.firstIndex
                for entry in Int(low)..<Int(high) { read.append(frame.leafHash(of: entry)) }
                return true
            }
            invariant(read.count == LogLimits.tileLeaves, "a tile of \(read.count) leaves")
            leaves = read
            log.monitor.locked { log.keep(read, ofTile: wanted) }
        }
        number = wanted
    }
}

extension EventLog {
    /// The leaves of the tile at the end, or of a whole one that is kept; called within `locked`.
    fileprivate func keptLeaves(ofTile number: UInt64) -> [Digest]? {
        if number == UInt64(contents.tiles.count) { return contents.tailLeaves }
        guard let place = keptTiles.firstIndex(where: { $0.number == number }) else { return nil }
        let tile = keptTiles.remove(at: place)
        keptTiles.insert(tile, at: 0)
        return tile.leaves
    }

    /// Keeps the leaves of a whole tile in place of those not asked for longest; called within
    /// `locked`.
    fileprivate func keep(_ leaves: [Digest], ofTile number: UInt64) {
        guard leaves.count == LogLimits.tileLeaves,
            !keptTiles.contains(where: { $0.number == number })
        else { return }
        if keptTiles.count == LogLimits.tilesKept { keptTiles.removeLast() }
        keptTiles.insert((number, leaves), at: 0)
        invariant(
            keptTiles.count <= LogLimits.tilesKept, "\(keptTiles.count) tiles are kept")
    }
}
