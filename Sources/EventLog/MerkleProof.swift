// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The checks of RFC 6962 proofs, for those who hold only roots.
package enum MerkleProof {
    /// Returns whether `proof` shows that the leaf at `index` is in the tree of `size` and `root`.
    ///
    /// Source: RFC 9162 section 2.1.3.2. Another length than the tree's shape asks for is refused.
    package static func verifyInclusion(
        leafHash: Digest, index: UInt64, size: UInt64, proof: [Digest], root: Digest
    ) -> Bool {
        guard index < size else { return false }
        var position = index
        var last = size - 1
        var node = leafHash
        for sibling in proof {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                node = MerkleFrontier.nodeHash(sibling, node)
                while position & 1 == 0 && position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                node = MerkleFrontier.nodeHash(node, sibling)
            }
            position >>= 1
            last >>= 1
            invariant(position <= last, "node \(position) of a level that ends at \(last)")
        }
        return last == 0 && node == root
    }

    /// Returns whether `proof` shows that the tree of `oldSize` is a prefix of that of `newSize`.
    ///
    /// Source: RFC 9162 section 2.1.4.2. A proof from size 0 is refused: it would show nothing.
    package static func verifyConsistency(
        oldSize: UInt64, oldRoot: Digest, newSize: UInt64, newRoot: Digest, proof: [Digest]
    ) -> Bool {
        guard oldSize > 0, oldSize <= newSize else { return false }
        guard oldSize < newSize else { return proof.isEmpty && oldRoot == newRoot }
        var rest = proof[...]
        if oldSize & (oldSize - 1) == 0 { rest = [oldRoot] + proof }
        guard let start = rest.popFirst() else { return false }
        var position = oldSize - 1
        var last = newSize - 1
        while position & 1 == 1 {
            position >>= 1
            last >>= 1
        }
        invariant(position < last, "node \(position) is to be left of the last, \(last)")
        var oldNode = start
        var newNode = start
        for sibling in rest {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                oldNode = MerkleFrontier.nodeHash(sibling, oldNode)
                newNode = MerkleFrontier.nodeHash(sibling, newNode)
                while position & 1 == 0 && position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                newNode = MerkleFrontier.nodeHash(newNode, sibling)
            }
            position >>= 1
            last >>= 1
            invariant(position <= last, "node \(position) of a level that ends at \(last)")
        }
        return last == 0 && oldNode == oldRoot && newNode == newRoot
    }
}
