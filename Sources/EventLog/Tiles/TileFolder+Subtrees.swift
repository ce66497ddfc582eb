// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

extension TileFolder {
    /// The RFC 6962 root of the entries in a range, checked: one side of a node of the tree of
    /// some size.
    ///
    /// Costs the reading of a tile at most for each level. Throws `.outOfRange`, `.damaged` or
    /// `.disk`.
    package func root(of range: Range<UInt64>) throws(TileError) -> Digest {
        guard range.upperBound <= head.size else {
            throw .outOfRange(index: range.upperBound, size: head.size)
        }
        return try root(range.lowerBound, range.upperBound - range.lowerBound)
    }

    private func root(_ start: UInt64, _ count: UInt64) throws(TileError) -> Digest {
        if count == 0 { return .ofNothing }
        if count.nonzeroBitCount == 1, start.isMultiple(of: count) {
            return try subtree(start, bits: count.trailingZeroBitCount)
        }
        let split = splitPoint(count)
        return MerkleFrontier.nodeHash(
            try root(start, split), try root(start + split, count - split))
    }

    /// The root of the complete subtree of 2^bits leaves from `start`.
    private func subtree(_ start: UInt64, bits: Int) throws(TileError) -> Digest {
        let first = start >> UInt64(bits / 8 * 8)
        let place = Int(first % UInt64(TilePath.fullWidth))
        let hashes = try checked(
            level: bits / 8, number: first / UInt64(TilePath.fullWidth))
        invariant(
            place + 1 << (bits % 8) <= hashes.count,
            "a subtree of 2^\(bits) leaves from \(start) on in a tile of \(hashes.count)")
        return merkleRoot(hashes[place..<place + 1 << (bits % 8)])
    }
}
