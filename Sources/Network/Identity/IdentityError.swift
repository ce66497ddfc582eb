// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why bytes or text do not name or prove a peer.
package enum IdentityError: Error, Equatable {
    /// The bytes are not a message of protocol buffers, or not this one.
    case wire(WireError)
    /// A kind of key that exists and is not spoken here: 0 RSA, 2 secp256k1, 3 ECDSA.
    case keyType(UInt64)
    /// An Ed25519 key of other than thirty-two bytes.
    case keyLength(Int)
    /// The hash of a key, from which the key cannot be read: such a peer's key is not Ed25519.
    case hashedKey
    /// A multihash that no peer id is.
    case multihash(code: UInt64, length: UInt64)
    /// A content id of another version or codec than a peer id's.
    case contentID(version: UInt64, codec: UInt64)
    /// A text that is neither base58btc nor base32, or is too long.
    case text
    /// An envelope of another kind than was asked for.
    case payloadType([UInt8])
    /// A signature that the key does not accept.
    case signature
    /// A record of one peer that another has signed.
    case signedByAnother(PeerID)
}
