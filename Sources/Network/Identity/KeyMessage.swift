// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A public key as peers exchange it: `PublicKey { Type = 1, Data = 2 }`.
///
/// Thirty-six bytes for Ed25519, the one kind that is spoken here: 08 01 12 20 and the key.
/// Source: libp2p, peer-ids, "Keys".
package enum KeyMessage {
    /// The number of Ed25519 among the kinds of keys.
    static let ed25519: UInt64 = 1

    /// The bytes of a key in the one form that is hashed and signed.
    package static func encode(_ key: PublicKey) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, varint: ed25519)
        writer.write(2, bytes: key.bytes)
        return writer.bytes
    }

    /// Reads a key.
    /// - Throws: `wire`, `keyType`, `keyLength`, in this order.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(IdentityError) -> PublicKey {
        var kind: UInt64?
        var data: ArraySlice<UInt8>?
        do {
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                switch field.number {
                case 1: kind = try field.varint()
                case 2: data = try field.bytes()
                default: break
                }
            }
        } catch { throw .wire(error) }
        guard let kind else { throw .wire(.missing(field: 1)) }
        guard let data else { throw .wire(.missing(field: 2)) }
        guard kind == ed25519 else { throw .keyType(kind) }
        guard let value = Bytes32(Array(data)) else { throw .keyLength(data.count) }
        return PublicKey(value)
    }
}
