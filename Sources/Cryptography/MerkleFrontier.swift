// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The right edge of an RFC 6962 Merkle tree: enough to append leaves and give the root.
///
/// Holds one digest for each complete subtree of the binary form of `count`, largest first; an
/// append costs two hashes on average. Source: RFC 6962 section 2.1.
package struct MerkleFrontier: Equatable, Sendable {
    /// The number of leaves.
    package private(set) var count: UInt64

    /// The roots of the complete subtrees, largest first: as many as `count` has one bits.
    package private(set) var subtrees: [Digest]

    /// A tree of no leaves.
    package init() {
        count = 0
        subtrees = []
    }

    /// A tree of `count` leaves with these subtree roots; nil where their number does not fit.
    package init?(count: UInt64, subtrees: [Digest]) {
        guard subtrees.count == count.nonzeroBitCount else { return nil }
        self.count = count
        self.subtrees = subtrees
    }

    /// The hash of a leaf: SHA-256(0x00 || bytes).
    package static func leafHash(_ bytes: Span<UInt8>) -> Digest {
        Digest(prefix: 0, hashing: bytes)
    }

    /// The hashes of two leaves, which cost less together.
    package static func leafHashes(
        _ left: Span<UInt8>, _ right: Span<UInt8>
    ) -> (Digest, Digest) {
        let (one, other) = Hashing.digests(prefix: 0, left, right)
        return (Digest(one), Digest(other))
    }

    /// The hash of an inner node: SHA-256(0x01 || left || right).
    package static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        Digest(prefix: 1, hashing: left, right)
    }

    /// Appends a leaf by its hash.
    package mutating func append(leafHash: Digest) { append(leafHash, level: 0) }

    /// Appends a complete subtree of 2^level leaves.
    package mutating func append(_ subtree: Digest, level: UInt64) {
        invariant(
            count & (1 << level - 1) == 0, "a subtree of 2^\(level) leaves behind \(count)")
        var node = subtree
        var position = count >> level
        while position & 1 == 1 {
            node = Self.nodeHash(subtrees.removeLast(), node)
            position >>= 1
        }
        subtrees.append(node)
        count += 1 << level
    }

    /// Appends leaves that were hashed by themselves.
    ///
    /// - Precondition: They begin where the tree ends.
    package mutating func append(_ run: MerkleRun) {
        invariant(run.first == count, "leaves from \(run.first) on behind \(count)")
        for (level, node) in run.left { append(node, level: level) }
        for (level, node) in run.right.reversed() { append(node, level: level) }
    }

    /// Appends a leaf by its bytes.
    package mutating func append(leaf bytes: [UInt8]) {
        append(leafHash: Self.leafHash(bytes.span))
    }

    /// The root: SHA-256 of nothing for no leaves.
    package var root: Digest {
        guard var node = subtrees.last else { return .ofNothing }
        for subtree in subtrees.dropLast().reversed() {
            node = Self.nodeHash(subtree, node)
        }
        return node
    }
}
