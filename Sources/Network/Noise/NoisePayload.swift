// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a peer says of itself inside of a handshake: its identity key, signed onto the handshake's
/// static key, and the multiplexers that it speaks.
///
/// `{ identity_key = 1, identity_sig = 2, extensions = 4 { stream_muxers = 2 } }`
/// Source: libp2p, noise, "The libp2p Handshake Payload".
package struct NoisePayload: Equatable, Sendable {
    /// Who speaks; its signature has been checked.
    package let peer: PeerID
    /// The multiplexers, most wanted first; empty where the peer names none.
    package let muxers: [String]

    /// The most multiplexers that are read.
    static let muxersMax = 16
    private static let context = Array("noise-libp2p-static-key:".utf8)

    /// The bytes of our payload for a handshake with this static key.
    package static func encode(
        identity: SigningKey, staticKey: Bytes32, muxers: [String]
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, bytes: KeyMessage.encode(identity.publicKey))
        writer.write(2, bytes: identity.sign(context + staticKey.bytes).bytes)
        if !muxers.isEmpty {
            var extensions = ProtobufWriter()
            for muxer in muxers { extensions.write(2, bytes: muxer.utf8) }
            writer.write(4, bytes: extensions.bytes)
        }
        return writer.bytes
    }

    /// Reads a payload that came in a handshake with this static key.
    /// - Throws: `wire`, `identity`, `signature`, in this order.
    package init(_ bytes: [UInt8], staticKey: Bytes32) throws(NoiseError) {
        var keyBytes: ArraySlice<UInt8>?
        var signatureBytes: ArraySlice<UInt8>?
        var muxers: [String] = []
        do {
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                switch field.number {
                case 1: keyBytes = try field.bytes()
                case 2: signatureBytes = try field.bytes()
                case 4: muxers = try Self.muxers(in: try field.bytes())
                default: break
                }
            }
        } catch { throw .wire(error) }
        guard let keyBytes else { throw .wire(.missing(field: 1)) }
        guard let signatureBytes else { throw .wire(.missing(field: 2)) }
        let key: PublicKey
        do { key = try KeyMessage.decode(keyBytes) } catch { throw .identity(error) }
        guard let signature = Signature(Array(signatureBytes)),
            key.verifies(signature, of: Self.context + staticKey.bytes)
        else { throw .signature }
        peer = PeerID(key)
        self.muxers = muxers
    }

    private static func muxers(in bytes: ArraySlice<UInt8>) throws(WireError) -> [String] {
        var muxers: [String] = []
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            guard field.number == 2 else { continue }
            guard muxers.count < muxersMax else { throw .tooMany(field: 2, limit: muxersMax) }
            muxers.append(String(decoding: try field.bytes(limit: 64), as: UTF8.self))
        }
        return muxers
    }
}
