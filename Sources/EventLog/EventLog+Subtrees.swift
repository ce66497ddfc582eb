// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension EventLog {
    /// The RFC 6962 root of the entries in a range: one side of a node of the tree of some size.
    ///
    /// Where it reaches into a tile, costs the reading of that tile's frames; else nothing.
    /// Throws `.outOfRange` where the log is shorter.
    package func root(of range: Range<UInt64>) throws(LogError) -> Digest {
        try treeReader(of: range.upperBound).root(
            range.lowerBound, range.upperBound - range.lowerBound)
    }

    /// The leaf hashes of the entries in a range, computed from their bytes.
    ///
    /// - Precondition: The range lies within one tile of 256 leaves.
    ///
    /// Throws `.outOfRange` where the log is shorter, and `.damaged` where the whole tile has
    /// another root than the segments' footers say.
    package func leafHashes(in range: Range<UInt64>) throws(LogError) -> [Digest] {
        let reader = try treeReader(of: range.upperBound)
        let width = UInt64(LogLimits.tileLeaves)
        let start = range.lowerBound / width * width
        invariant(range.isEmpty || range.upperBound <= start + width, "more than one tile")
        let leaves = try reader.leaves(ofTile: range.lowerBound / width)
        if leaves.count == LogLimits.tileLeaves {
            let kept = try reader.root(start, width)
            let computed = merkleRoot(leaves[...])
            guard computed == kept else {
                throw .damaged(
                    file: directory, offset: 0, entry: start,
                    .root(of: "tile", stored: kept, computed: computed))
            }
        }
        return Array(leaves[Int(range.lowerBound - start)..<Int(range.upperBound - start)])
    }
}
