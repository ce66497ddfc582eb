// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What a node tells each peer when it comes to reach a party, or does so no more: what that party
/// says need not be passed on to it meanwhile.
///
/// Nobody checks it. Who says more than is true hears less, and later; who says less hears more, as
/// much as a peer in a mesh does.
package struct Reach: BorshCodable, Hashable, Sendable {
    /// Bytes of one.
    package static let bytesMax = 33
    /// Whether the party is reached.
    package var isReached: Bool
    /// Its key in the ledger.
    package var party: PublicKey

    /// Says that a party is reached, or is so no more.
    package init(isReached: Bool, party: PublicKey) {
        self.isReached = isReached
        self.party = party
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(UInt8(isReached ? 1 : 0))
        writer.write(party)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: isReached = false
        case 1: isReached = true
        case let tag: throw .unknownTag(type: "Reach", tag: tag, offset: start)
        }
        party = try reader.publicKey()
    }
}
