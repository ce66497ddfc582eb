// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Where a peer says that it can be reached, signed by itself.
///
/// `PeerRecord { peer_id = 1, seq = 2, addresses = 3 { multiaddr = 1 } }` in an envelope. The
/// domain and the payload type are those that peers use; the text of the source is out of date in
/// both.
/// Source: libp2p, RFC 0003.
package struct PeerRecord: Equatable, Sendable {
    /// Who.
    package let peer: PeerID
    /// The later of two records has the higher number.
    package let sequence: UInt64
    /// Where; those that are not spoken here are left out.
    package let addresses: [Multiaddr]

    /// The most addresses that are read.
    package static let addressesMax = 32

    static let domain = "libp2p-peer-record"
    static let payloadType: [UInt8] = [0x03, 0x01]

    /// A record of these.
    package init(peer: PeerID, sequence: UInt64, addresses: [Multiaddr]) {
        self.peer = peer
        self.sequence = sequence
        self.addresses = addresses
    }

    /// The bytes of a record of the holder of `key` in its envelope.
    package static func seal(
        sequence: UInt64, addresses: [Multiaddr], with key: SigningKey
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(1, bytes: PeerID(key.publicKey).bytes)
        writer.write(2, varint: sequence)
        for address in addresses.prefix(addressesMax) {
            var inner = ProtobufWriter()
            inner.write(1, bytes: address.bytes)
            writer.write(3, bytes: inner.bytes)
        }
        return SignedEnvelope.seal(writer.bytes, type: payloadType, domain: domain, with: key)
    }

    /// Opens an envelope with a record.
    /// - Throws: what `SignedEnvelope.open` throws; `wire`; what `PeerID(bytes:)` throws;
    ///   `signedByAnother`.
    package static func open(_ bytes: ArraySlice<UInt8>) throws(IdentityError) -> PeerRecord {
        let content = try SignedEnvelope.open(bytes, type: payloadType, domain: domain)
        var peerBytes: ArraySlice<UInt8>?
        var sequence: UInt64 = 0
        var addresses: [Multiaddr] = []
        do throws(WireError) {
            var reader = ProtobufReader(content.payload)
            var count = 0
            while let field = try reader.next() {
                switch field.number {
                case 1: peerBytes = try field.bytes()
                case 2: sequence = try field.varint()
                case 3:
                    count += 1
                    guard count <= addressesMax else {
                        throw WireError.tooMany(field: 3, limit: addressesMax)
                    }
                    if let address = try address(in: try field.bytes()) {
                        addresses.append(address)
                    }
                default: break
                }
            }
        } catch { throw .wire(error) }
        guard let peerBytes else { throw .wire(.missing(field: 1)) }
        let peer = try PeerID(bytes: peerBytes)
        guard peer.publicKey == content.signer else { throw .signedByAnother(peer) }
        return PeerRecord(peer: peer, sequence: sequence, addresses: addresses)
    }

    private static func address(in bytes: ArraySlice<UInt8>) throws(WireError) -> Multiaddr? {
        var reader = ProtobufReader(bytes)
        var address: Multiaddr?
        while let field = try reader.next() {
            guard field.number == 1 else { continue }
            let bytes = try field.bytes()
            do { address = try Multiaddr(bytes: bytes) } catch { address = nil }
        }
        return address
    }
}
