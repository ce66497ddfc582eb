// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Consecutive leaves of an RFC 6962 tree, hashed without those before them: so that the parts of
/// a tree are hashed side by side, two nodes at a time, and joined by `MerkleFrontier.append`.
///
/// Holds the roots of the largest complete subtrees of the tree that lie within the leaves: from
/// left to right first those of rising, then those of falling levels.
package struct MerkleRun: Sendable {
    /// The index of the first leaf.
    package let first: UInt64
    /// By level, rising: the subtrees at the left end.
    private(set) var left: [(level: UInt64, node: Digest)] = []
    /// By level, rising: the subtrees at the right end.
    private(set) var right: [(level: UInt64, node: Digest)] = []

    /// Joins leaves; costs a hash for each but a few.
    package init(first: UInt64, leafHashes: [Digest]) {
        self.first = first
        var nodes = leafHashes
        // The nodes of a level are `nodes[low..<high]`, the first of them the `place`th there.
        var (low, high) = (0, nodes.count)
        var (place, level) = (first, UInt64(0))
        while low < high {
            if !place.isMultiple(of: 2) {
                left.append((level, nodes[low]))
                low += 1
                place += 1
            }
            if !(high - low).isMultiple(of: 2) {
                high -= 1
                right.append((level, nodes[high]))
            }
            MerkleFrontier.joinPairs(&nodes, low..<high)
            high = (high - low) / 2
            low = 0
            place /= 2
            level += 1
        }
    }
}

extension MerkleFrontier {
    /// The root of leaves of which the number is a power of two; hashes two nodes at a time.
    package static func root(ofComplete leaves: ArraySlice<Digest>) -> Digest {
        invariant(leaves.count.nonzeroBitCount == 1, "\(leaves.count) leaves of a complete tree")
        var nodes = Array(leaves)
        var count = nodes.count
        while count > 1 {
            joinPairs(&nodes, 0..<count)
            count /= 2
        }
        return nodes[0]
    }

    /// Puts the nodes above `nodes[range]`, of which the number is even, at the start of `nodes`.
    static func joinPairs(_ nodes: inout [Digest], _ range: Range<Int>) {
        var (from, to) = (range.lowerBound, 0)
        while from + 3 < range.upperBound {
            let both = Hashing.nodes(
                nodes[from].value, nodes[from + 1].value, nodes[from + 2].value,
                nodes[from + 3].value)
            nodes[to] = Digest(both.0)
            nodes[to + 1] = Digest(both.1)
            from += 4
            to += 2
        }
        if from < range.upperBound { nodes[to] = nodeHash(nodes[from], nodes[from + 1]) }
    }
}
