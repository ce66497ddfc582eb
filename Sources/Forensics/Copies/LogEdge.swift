// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Replication

/// A log of which the right edge before a batch is known, and the entries after it: one side of a
/// case.
struct LogEdge {
    /// The number of entries before those that are known.
    let start: UInt64
    /// The known entries.
    let entries: [[UInt8]]
    private let hashes: [Digest]
    /// The roots of the complete subtrees before them.
    private let subtrees: [Range<UInt64>: Digest]
    private let tree: MerkleFrontier

    init(after frontier: MerkleFrontier, _ batch: [EntryBytes]) {
        start = frontier.count
        entries = batch.map(\.bytes)
        hashes = entries.map { MerkleFrontier.leafHash($0.span) }
        var subtrees: [Range<UInt64>: Digest] = [:]
        var first: UInt64 = 0
        for root in frontier.subtrees {
            let count: UInt64 = 1 << UInt64(63 - (frontier.count - first).leadingZeroBitCount)
            subtrees[first..<first + count] = root
            first += count
        }
        self.subtrees = subtrees
        var tree = frontier
        for hash in hashes { tree.append(leafHash: hash) }
        self.tree = tree
    }

    /// The number of entries, and the root.
    var head: (size: UInt64, root: Digest) { (tree.count, tree.root) }

    /// The root of the entries in a range, one side of a node of the tree of some size; nil where
    /// it lies before the edge.
    func root(of range: Range<UInt64>) -> Digest? {
        if let known = subtrees[range] { return known }
        guard !range.isEmpty, range.upperBound <= tree.count else { return nil }
        guard range.count > 1 else {
            return range.lowerBound >= start ? hashes[Int(range.lowerBound - start)] : nil
        }
        let middle = range.lowerBound + Parting.splitPoint(UInt64(range.count))
        guard let left = root(of: range.lowerBound..<middle),
            let right = root(of: middle..<range.upperBound)
        else { return nil }
        return MerkleFrontier.nodeHash(left, right)
    }

    /// The leaf hashes of the entries in a range; nil where one of them lies before the edge.
    func leafHashes(in range: Range<UInt64>) -> [Digest]? {
        guard range.lowerBound >= start, range.upperBound <= tree.count else { return nil }
        return Array(hashes[Int(range.lowerBound - start)..<Int(range.upperBound - start)])
    }
}
