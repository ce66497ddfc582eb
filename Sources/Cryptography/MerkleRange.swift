// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The largest complete subtrees of an RFC 6962 tree that lie within consecutive leaves, from left
/// to right: what is known of a part of a tree without the rest of it.
///
/// Of leaves from `a` up to `b` there are at most 126, and `a` and `b` alone say how large each is.
/// Parts that meet are joined by appending their subtrees to a `MerkleFrontier` in order.
package struct MerkleRange: Equatable, Sendable {
    /// One of the subtrees: of 2^level leaves.
    package struct Node: Equatable, Sendable {
        /// The binary logarithm of the number of its leaves.
        package let level: UInt64
        /// Its root.
        package let hash: Digest
    }

    /// The index of the first leaf.
    package let start: UInt64
    /// The index after the last leaf.
    package private(set) var end: UInt64
    /// The subtrees, from left to right.
    package private(set) var nodes: [Node] = []

    /// Of no leaves yet, before the leaf with this index.
    package init(start: UInt64) {
        self.start = start
        end = start
    }

    /// Of the leaves from `start` up to `end`, exclusive, with these roots; nil where there are
    /// more or fewer than such leaves have.
    package init?(start: UInt64, end: UInt64, roots: [Digest]) {
        guard start <= end else { return nil }
        let levels = Self.levels(from: start, to: end)
        guard levels.count == roots.count else { return nil }
        self.start = start
        self.end = end
        nodes = zip(levels, roots).map { Node(level: $0, hash: $1) }
    }

    /// How large the subtrees are, as binary logarithms, from left to right.
    package static func levels(from start: UInt64, to end: UInt64) -> [UInt64] {
        var levels: [UInt64] = []
        var place = start
        while place < end {
            let fitting = UInt64(63 - (end - place).leadingZeroBitCount)
            let aligned = place == 0 ? 63 : UInt64(place.trailingZeroBitCount)
            let level = min(fitting, aligned)
            levels.append(level)
            place += 1 << level
        }
        return levels
    }

    /// Appends a complete subtree of 2^level leaves. Costs a hash or two on average.
    ///
    /// - Precondition: It begins where the leaves end, at a multiple of its size.
    package mutating func append(_ subtree: Digest, level: UInt64) {
        invariant(
            end & (1 << level - 1) == 0, "a subtree of 2^\(level) leaves behind \(end)")
        nodes.append(Node(level: level, hash: subtree))
        end += 1 << level
        while nodes.count > 1 {
            let (left, right) = (nodes[nodes.count - 2], nodes[nodes.count - 1])
            guard left.level == right.level,
                (end - 2 << left.level).isMultiple(of: 2 << left.level)
            else { return }
            nodes.removeLast(2)
            nodes.append(
                Node(
                    level: left.level + 1, hash: MerkleFrontier.nodeHash(left.hash, right.hash)))
        }
    }

    /// Appends the leaves that follow.
    ///
    /// - Precondition: They begin where these end.
    package mutating func append(_ other: MerkleRange) {
        invariant(other.start == end, "leaves from \(other.start) on behind \(end)")
        for node in other.nodes { append(node.hash, level: node.level) }
    }
}

extension MerkleFrontier {
    /// Appends the leaves that follow; false, and nothing is appended, where they do not.
    package mutating func append(_ range: MerkleRange) -> Bool {
        guard range.start == count else { return false }
        for node in range.nodes { append(node.hash, level: node.level) }
        return true
    }
}
