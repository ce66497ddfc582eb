// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// The end of a log whose last entry is the seal of a batch: enough to give its root, and to go on.
///
/// The seal states its own place, so that whoever signed the root has signed the size too.
package struct SealedEnd: Hashable, Sendable, BorshCodable {
    /// Sizes and heights are below it.
    private static let bound: UInt64 = 1 << 62

    /// The roots of the complete subtrees of the log before the seal, largest first.
    package let subtrees: [Digest]
    /// The seal.
    package let seal: [UInt8]

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(subtrees: [Digest], seal: [UInt8]) {
        self.subtrees = subtrees
        self.seal = seal
    }

    /// The end of a log at a seal.
    ///
    /// - Parameter size: That of the log after the seal; at least one.
    package init(of log: EventLog, at size: UInt64) throws(LogError) {
        subtrees = try log.subtrees(at: size - 1)
        seal = try log.entry(at: size - 1)
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(subtrees.map(\.value))
        writer.write(seal)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        subtrees = try reader.list32(of: "SealedEnd.subtrees", bound: 64).map { Digest($0) }
        seal = try reader.blob(of: "SealedEnd.seal", bound: Limits.entryBytesMax)
    }

    /// The seal, and the tree of the log after it.
    func end(_ field: String) throws(EvidenceFlaw) -> (seal: BatchSealed, frontier: MerkleFrontier)
    {
        // No log is so long, and what is added to these numbers later must not overflow.
        guard case .batchSealed(let sealed) = try Event.read(seal, field),
            sealed.size < Self.bound, sealed.height.rawValue < Self.bound,
            var frontier = MerkleFrontier(count: sealed.size, subtrees: subtrees)
        else { throw .unrelated(field: field) }
        frontier.append(leaf: seal)
        return (sealed, frontier)
    }
}

extension Event {
    /// Reads an entry of a file of evidence.
    static func read(_ bytes: [UInt8], _ field: String) throws(EvidenceFlaw) -> Event {
        do throws(DecodingError) { return try Event(decoding: bytes) } catch {
            throw .unrelated(field: field)
        }
    }
}
