// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// One reading of a log in pieces that follow one another, each read and checked by itself.
package protocol PieceSource: Sendable {
    /// The number of pieces.
    var count: Int { get }

    /// The index of the first entry of a piece.
    func firstIndex(of piece: Int) -> UInt64

    /// Reads a piece; from any thread.
    func read(_ piece: Int) throws(LogError) -> LogPiece
}

extension PieceSource {
    /// How many pieces begin before an index. Of a log that somebody only claims to have there may
    /// be 2^53, so it is found by halving.
    package func count(before index: UInt64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            if firstIndex(of: middle) < index { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// A log as those see it who read it in order and hold it against its tree: in its own files, or in
/// a folder of tiles.
package protocol SweptLog: Sendable {
    /// Where it lies.
    var directory: String { get }

    /// The number of entries.
    var size: UInt64 { get }

    /// The RFC 6962 root of the first `size` entries. Throws `.outOfRange` where there are fewer.
    func root(at size: UInt64) throws(LogError) -> Digest

    /// The roots of the complete subtrees of the first `size` entries, largest first: a
    /// `MerkleFrontier`. Throws `.outOfRange` where there are fewer.
    func subtrees(at size: UInt64) throws(LogError) -> [Digest]

    /// Plans the reading of the entries from `start` on; the first piece may begin before it.
    ///
    /// - Parameters:
    ///   - tree: Whether leaves are hashed.
    ///   - pieceBytes: The most of one piece, where that can be chosen.
    func sweep(
        from start: UInt64, tree: Bool, pieceBytes: Int
    ) throws(LogError) -> any PieceSource
}

extension LogSweep: PieceSource {}

extension EventLog: SweptLog {
    package func sweep(
        from start: UInt64, tree: Bool, pieceBytes: Int
    ) throws(LogError) -> any PieceSource {
        try LogSweep(self, from: start, tree: tree, pieceBytes: pieceBytes)
    }
}
