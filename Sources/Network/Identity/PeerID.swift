// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The name of a peer: its Ed25519 key, which its name contains.
///
/// In bytes, thirty-eight of them, the identity multihash of the key's message: 00 24, then
/// `KeyMessage`. In text base58btc of these, so that each starts with "12D3KooW". Peers with keys
/// of other kinds are refused where they are named.
/// Source: libp2p, peer-ids, "Peer Ids".
package struct PeerID: Hashable, Comparable, Sendable {
    /// The key.
    package let publicKey: PublicKey

    /// The name of whoever holds this key.
    package init(_ publicKey: PublicKey) { self.publicKey = publicKey }

    /// The length of the bytes.
    package static let bytesCount = 38

    /// The most letters of a text that is looked at.
    static let textBytesMax = 128

    /// Reads the multihash of a key.
    /// - Throws: `wire`, `hashedKey`, `multihash`, and what `KeyMessage.decode` throws.
    package init(bytes: some Sequence<UInt8>) throws(IdentityError) {
        var rest = Array(bytes.prefix(Self.textBytesMax + 1))[...]
        let code: UInt64
        let length: UInt64
        do throws(WireError) {
            guard rest.count <= Self.textBytesMax else {
                throw WireError.tooLong(length: UInt64(rest.count), limit: Self.textBytesMax)
            }
            code = try Varint.read(from: &rest, form: .multiformats)
            length = try Varint.read(from: &rest, form: .multiformats)
        } catch { throw .wire(error) }
        guard length == UInt64(rest.count) else {
            throw .multihash(code: code, length: length)
        }
        if code == 0x12 && length == 32 { throw .hashedKey }
        guard code == 0 else { throw .multihash(code: code, length: length) }
        self.init(try KeyMessage.decode(rest))
        // One name for one key: other spellings of its message would be other names.
        guard rest.elementsEqual(KeyMessage.encode(publicKey)) else {
            throw .multihash(code: code, length: length)
        }
    }

    /// Reads base58btc of the bytes, or a content id in base32 (multibase "b", version 1, codec
    /// 0x72 for keys).
    /// - Throws: `text`, `contentID`, and what `init(bytes:)` throws.
    package init(text: some StringProtocol) throws(IdentityError) {
        guard text.utf8.first == UInt8(ascii: "b") else {
            guard let bytes = BaseText.bytes(base58: text, limit: Self.textBytesMax),
                !bytes.isEmpty
            else { throw .text }
            try self.init(bytes: bytes)
            return
        }
        guard let bytes = BaseText.bytes(base32: text.dropFirst(), limit: Self.textBytesMax)
        else { throw .text }
        var rest = bytes[...]
        let version: UInt64
        let codec: UInt64
        do {
            version = try Varint.read(from: &rest, form: .multiformats)
            codec = try Varint.read(from: &rest, form: .multiformats)
        } catch { throw .wire(error) }
        guard version == 1, codec == 0x72 else {
            throw .contentID(version: version, codec: codec)
        }
        try self.init(bytes: rest)
    }

    /// The thirty-eight bytes of the multihash.
    package var bytes: [UInt8] {
        let key = KeyMessage.encode(publicKey)
        return [0, UInt8(key.count)] + key
    }

    /// The text: base58btc.
    package var text: String { BaseText.base58(bytes) }

    /// The text of the content id: base32.
    package var contentIDText: String { "b" + BaseText.base32([1, 0x72] + bytes) }

    /// In the order of the bytes.
    package static func < (left: PeerID, right: PeerID) -> Bool {
        left.publicKey < right.publicKey
    }
}

extension PeerID: CustomStringConvertible {
    package var description: String { text }
}
