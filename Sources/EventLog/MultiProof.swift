// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A leaf of a Merkle tree, by its place and its hash.
package struct IndexedLeaf: Hashable, Sendable {
    /// The place, from 0.
    package let index: UInt64
    /// SHA-256(0x00 || bytes).
    package let hash: Digest

    /// Joins place and hash.
    package init(index: UInt64, hash: Digest) {
        self.index = index
        self.hash = hash
    }

    /// The leaf that `bytes` are at a place.
    package init(index: UInt64, bytes: [UInt8]) {
        self.init(index: index, hash: MerkleFrontier.leafHash(bytes.span))
    }
}

/// One proof that several leaves are in an RFC 6962 tree.
///
/// The tree of `size` leaves is walked from its root, the left half before the right one; the left
/// half has the largest power of two below the number of leaves (RFC 6962 section 2.1). Where a
/// subtree holds no wanted leaf, its root is the next hash of the proof, and the walk does not
/// enter it. So a set of leaves and a size have exactly one proof, and none shorter exists.
package enum MultiProof {
    /// Returns the root that leaves and proof give in a tree of `size`, or nil where they cannot.
    ///
    /// Refused are: no leaves; places that do not rise, or not below `size`; and fewer or more
    /// hashes than the shape asks for. Costs at most 64 hashes for each leaf, and 64 levels.
    package static func root(leaves: [IndexedLeaf], size: UInt64, proof: [Digest]) -> Digest? {
        guard let last = leaves.last, last.index < size, isAscending(leaves) else { return nil }
        var walk = RootWalk(rest: proof[...])
        let root = walk.root(0, size, leaves[...])
        return walk.rest.isEmpty ? root : nil
    }

    /// Returns whether `proof` shows that all leaves are in the tree of `size` and `root`.
    package static func verify(
        leaves: [IndexedLeaf], size: UInt64, proof: [Digest], root: Digest
    ) -> Bool {
        self.root(leaves: leaves, size: size, proof: proof) == root
    }

    private static func isAscending(_ leaves: [IndexedLeaf]) -> Bool {
        zip(leaves, leaves.dropFirst()).allSatisfy { $0.index < $1.index }
    }

    /// Where the elements at `bound` or above begin; they are in order of their places.
    fileprivate static func split<Element>(
        _ wanted: ArraySlice<Element>, at bound: UInt64, by place: (Element) -> UInt64
    ) -> ArraySlice<Element>.Index {
        var low = wanted.startIndex
        var high = wanted.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if place(wanted[middle]) < bound { low = middle + 1 } else { high = middle }
        }
        invariant(
            low == wanted.startIndex || place(wanted[low - 1]) < bound,
            "what is at \(bound) or above is put below it")
        invariant(
            low == wanted.endIndex || place(wanted[low]) >= bound,
            "what is below \(bound) is put above it")
        return low
    }
}

/// The walk of those who check.
///
/// Invariant: what is wanted lies in the subtree at hand, in order.
private struct RootWalk {
    var rest: ArraySlice<Digest>

    /// The root of `count` leaves from `start`, of which `wanted` are known. A level halves `count`
    /// at least to the power of two below, so there are at most 64.
    mutating func root(
        _ start: UInt64, _ count: UInt64, _ wanted: ArraySlice<IndexedLeaf>
    ) -> Digest? {
        guard let first = wanted.first, let last = wanted.last else { return rest.popFirst() }
        invariant(first.index >= start, "leaf \(first.index) left of \(start)")
        invariant(
            last.index - start < count, "leaf \(last.index) right of \(count) from \(start)")
        invariant(
            UInt64(wanted.count) <= count, "\(wanted.count) leaves are wanted of \(count)")
        guard count > 1 else { return first.hash }
        let half = splitPoint(count)
        let middle = MultiProof.split(wanted, at: start + half, by: \.index)
        guard let left = root(start, half, wanted[..<middle]),
            let right = root(start + half, count - half, wanted[middle...])
        else { return nil }
        return MerkleFrontier.nodeHash(left, right)
    }
}

extension EventLog {
    /// The proof that the entries at `indices` are in the tree of the first `size` entries.
    ///
    /// Throws `outOfRange` for an index not below `size`, or where the indices do not rise or there
    /// are none. Costs the reading of one tile for each tile that holds a wanted entry and is not
    /// wanted whole.
    package func multiProof(indices: [UInt64], size: UInt64) throws(LogError) -> [Digest] {
        let reader = try treeReader(of: size)
        var before: UInt64?
        for index in indices {
            guard index < size, before.map({ $0 < index }) ?? true else {
                throw .outOfRange(index: index, size: size)
            }
            before = index
        }
        guard before != nil else { throw .outOfRange(index: size, size: size) }
        var walk = ProofWalk(reader: reader)
        try walk.descend(0, size, indices[...])
        return walk.proof
    }
}

/// The walk of those who have the log.
///
/// Invariant: what is wanted lies in the subtree at hand, in order.
private struct ProofWalk {
    let reader: TreeReader
    var proof: [Digest] = []

    mutating func descend(
        _ start: UInt64, _ count: UInt64, _ wanted: ArraySlice<UInt64>
    ) throws(LogError) {
        if wanted.isEmpty {
            proof.append(try reader.root(start, count))
            return
        }
        invariant(
            UInt64(wanted.count) <= count, "\(wanted.count) entries are wanted of \(count)")
        // What is wanted whole needs no hash, so a run of entries costs no descent to each.
        guard UInt64(wanted.count) < count else { return }
        let half = splitPoint(count)
        let middle = MultiProof.split(wanted, at: start + half) { $0 }
        try descend(start, half, wanted[..<middle])
        try descend(start + half, count - half, wanted[middle...])
    }
}
