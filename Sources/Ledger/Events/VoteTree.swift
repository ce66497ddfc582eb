// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The tree of a list of votes: RFC 6962 section 2.1, of `leaf` of each in their order. Of subtrees
/// that show nothing only the roots are known.
package struct VoteTree: Sendable {
    /// A leaf, or the root of a complete subtree of 2^height leaves.
    package struct Node: Equatable, Sendable {
        /// 0 for a leaf.
        package let height: UInt8
        /// Its hash.
        package let hash: Digest

        var leafCount: Int { 1 << Int(height) }
    }

    /// From the left.
    package let nodes: [Node]

    /// The number of leaves.
    package var count: Int { nodes.reduce(0) { $0 + $1.leafCount } }

    /// The root.
    ///
    /// - Precondition: each subtree begins at a multiple of its size.
    package var root: Digest { Self.root(of: nodes[...]) }

    private static func root(of nodes: ArraySlice<Node>) -> Digest {
        var tree = MerkleFrontier()
        for node in nodes { tree.append(node.hash, level: UInt64(node.height)) }
        return tree.root
    }

    /// The hash of a vote as a leaf: of Borsh of request id, vote and reason.
    package static func leaf(_ request: RequestID, _ vote: Vote, _ reason: VoteReason) -> Digest {
        var writer = BorshWriter()
        writer.write(request)
        writer.write(vote)
        writer.write(reason)
        return MerkleFrontier.leafHash(writer.bytes.span)
    }

    /// What the signature of a list covers: Borsh of `recount/votes/v1`, ledger id, the validator's
    /// key, its time, the number of votes (u32) and the root of their tree.
    package static func signedBytes(
        validator: PublicKey, timestamp: Time, count: Int, root: Digest, in ledger: LedgerID
    ) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/votes/v1")
        writer.write(ledger)
        writer.write(validator)
        writer.write(timestamp)
        writer.write(UInt32(count))
        writer.write(root)
        return writer.bytes
    }

    /// The hashes beside the way from a leaf to the root, from the leaf up.
    ///
    /// - Precondition: the leaf at `index` is a node.
    func siblings(of index: Int) -> [Digest] { Self.siblings(of: index, in: nodes[...], count) }

    private static func siblings(
        of index: Int, in nodes: ArraySlice<Node>, _ count: Int
    ) -> [Digest] {
        guard count > 1 else {
            invariant(nodes.count == 1, "\(nodes.count) nodes where a way begins")
            return []
        }
        var half = 1
        while half * 2 < count { half *= 2 }
        var (middle, leaves) = (nodes.startIndex, 0)
        while leaves < half {
            leaves += nodes[middle].leafCount
            middle += 1
        }
        invariant(leaves == half, "\(leaves) leaves to the left, \(half) in a half")
        let (left, right) = (nodes[..<middle], nodes[middle...])
        return index < half
            ? siblings(of: index, in: left, half) + [root(of: right)]
            : siblings(of: index - half, in: right, count - half) + [root(of: left)]
    }
}

/// The way from a vote of a list to the root that is signed: RFC 9162 section 2.1.3.
package struct VotePath: BorshCodable, Hashable, Sendable {
    /// The place of the vote, from 0.
    package let index: UInt32
    /// How many votes the list has.
    package let count: UInt32
    /// The hashes beside the way, from the leaf up.
    package let siblings: [Digest]

    /// The way of one of the leaves.
    ///
    /// - Precondition: the leaf at `index` is a node of the tree.
    package init(of index: Int, in tree: VoteTree) {
        let size = tree.count
        invariant(index < size, "the way of leaf \(index) of \(size)")
        self.index = UInt32(index)
        count = UInt32(size)
        siblings = tree.siblings(of: index)
        invariant(siblings.count <= Limits.votePathMax, "a way of \(siblings.count) hashes")
    }

    /// The root that a leaf gives; nil where the hashes are not as many as the way is long.
    package func root(of leaf: Digest) -> Digest? {
        guard index < count else { return nil }
        var (place, last) = (index, count - 1)
        var node = leaf
        for sibling in siblings {
            guard last > 0 else { return nil }
            if place & 1 == 1 || place == last {
                node = MerkleFrontier.nodeHash(sibling, node)
                while place & 1 == 0, place != 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                node = MerkleFrontier.nodeHash(node, sibling)
            }
            place >>= 1
            last >>= 1
        }
        return last == 0 ? node : nil
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(index)
        writer.write(count)
        writer.write(siblings.map(\.value))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        index = try reader.integer()
        count = try reader.integer()
        siblings = try reader.list32(of: "VotePath.siblings", bound: Limits.votePathMax).map {
            Digest($0)
        }
    }
}
