// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a peer says of itself: its key, its addresses, its protocols and its maker.
///
/// `Identify { publicKey = 1, listenAddrs = 2, protocols = 3, observedAddr = 4,
/// protocolVersion = 5, agentVersion = 6, signedPeerRecord = 8 }`. Every field may be missing: a
/// push has only what has changed.
/// Source: libp2p, identify; the record is in no text of it, and sent by all.
package struct IdentifyMessage: Equatable, Sendable {
    /// The peer's key; another than the connection's makes the message void.
    package var publicKey: PublicKey?
    /// Where it listens; nil where it does not say. Addresses that are not spoken are left out.
    package var listenAddresses: [Multiaddr]?
    /// What it speaks; nil where it does not say.
    package var protocols: [String]?
    /// Where it sees us.
    package var observedAddress: Multiaddr?
    /// The version of its family of protocols.
    package var protocolVersion: String?
    /// What it is.
    package var agent: String?
    /// Its signed record of addresses, in its envelope and not opened.
    package var signedRecord: [UInt8]?

    /// The most bytes of a message, all its parts together.
    package static let bytesMax = 64 << 10
    /// The most protocols.
    package static let protocolsMax = 256
    /// The most bytes of a protocol or another text.
    package static let textBytesMax = 256
    /// The most addresses.
    package static let addressesMax = 64

    /// A message that says nothing.
    package init() {}

    /// The bytes of the message.
    package var bytes: [UInt8] {
        var writer = ProtobufWriter()
        if let publicKey { writer.write(1, bytes: KeyMessage.encode(publicKey)) }
        for address in listenAddresses ?? [] { writer.write(2, bytes: address.bytes) }
        for name in protocols ?? [] { writer.write(3, bytes: name.utf8) }
        if let observedAddress { writer.write(4, bytes: observedAddress.bytes) }
        if let protocolVersion { writer.write(5, bytes: protocolVersion.utf8) }
        if let agent { writer.write(6, bytes: agent.utf8) }
        if let signedRecord { writer.write(8, bytes: signedRecord) }
        return writer.bytes
    }

    /// Reads a message.
    /// - Throws: what a reader of fields throws; `tooLong` for a text; `tooMany`; `content` for a
    ///   key.
    package init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        guard bytes.count <= Self.bytesMax else {
            throw .tooLong(length: UInt64(bytes.count), limit: Self.bytesMax)
        }
        var reader = ProtobufReader(bytes)
        var addressCount = 0
        while let field = try reader.next() {
            switch field.number {
            case 1:
                let key = try field.bytes()
                do { publicKey = try KeyMessage.decode(key) } catch { throw .content(field: 1) }
            case 2:
                addressCount += 1
                guard addressCount <= Self.addressesMax else {
                    throw .tooMany(field: 2, limit: Self.addressesMax)
                }
                let address = Self.address(try field.bytes())
                listenAddresses = (listenAddresses ?? []) + (address.map { [$0] } ?? [])
            case 3:
                guard (protocols ?? []).count < Self.protocolsMax else {
                    throw .tooMany(field: 3, limit: Self.protocolsMax)
                }
                protocols = (protocols ?? []) + [try Self.text(field)]
            case 4: observedAddress = Self.address(try field.bytes())
            case 5: protocolVersion = try Self.text(field)
            case 6: agent = try Self.text(field)
            case 8: signedRecord = Array(try field.bytes())
            default: break
            }
        }
    }

    /// Takes over what a later message says.
    package mutating func merge(_ later: IdentifyMessage) {
        publicKey = later.publicKey ?? publicKey
        listenAddresses = later.listenAddresses ?? listenAddresses
        protocols = later.protocols ?? protocols
        observedAddress = later.observedAddress ?? observedAddress
        protocolVersion = later.protocolVersion ?? protocolVersion
        agent = later.agent ?? agent
        signedRecord = later.signedRecord ?? signedRecord
    }

    private static func text(_ field: ProtobufField) throws(WireError) -> String {
        String(decoding: try field.bytes(limit: textBytesMax), as: UTF8.self)
    }

    private static func address(_ bytes: ArraySlice<UInt8>) -> Multiaddr? {
        do { return try Multiaddr(bytes: bytes) } catch { return nil }
    }
}
