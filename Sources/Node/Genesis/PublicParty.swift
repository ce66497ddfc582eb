// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger
package import Network

/// What a party hands to whoever makes the first entry: the file `NAME.public` of its home.
///
/// Borsh of `recount/public/v1`, role (1 byte), name, key, transport key (0, or 1 and the key),
/// where it listens, where others reach it (packed multiaddrs), and the signature of its key over
/// all of that: nobody can list a key that he does not hold, or change a name.
package struct PublicParty: BorshCodable, Hashable, Sendable {
    /// What a party is in the first entry.
    package enum Role: UInt8, BorshCodable, Sendable { case validator = 0, submitter, bridge }

    /// What it is.
    package let role: Role
    /// What people call it; `bridge` for the bridge.
    package let name: String
    /// Its key in the ledger.
    package let key: PublicKey
    /// The key that names its node to peers; nil for a submitter, who runs none.
    package let transport: PublicKey?
    /// Where its node listens.
    package let listen: [Multiaddr]
    /// Where others reach its node.
    package let addresses: [Multiaddr]
    /// Of its key, on everything before.
    package let signature: Signature

    /// Bytes of the longest file.
    package static let bytesMax = 40 << 10
    /// The most addresses of either kind.
    package static let addressesMax = 16
    /// The name of every bridge, and of its key.
    package static let bridgeName = "bridge"
    /// The folders of the bridge and of the submitters, beside which those of validators stand, and
    /// the keys beside which a party's own stands.
    static let reservedNames = [bridgeName, "submitters", KeyFolder.transportName, "unlock"]
    private static let domain = "recount/public/v1"

    /// Signs what a party says of itself.
    package init(
        role: Role, name: String, key: SigningKey, transport: PublicKey?, listen: [Multiaddr],
        addresses: [Multiaddr]
    ) {
        self.role = role
        self.name = name
        self.key = key.publicKey
        self.transport = transport
        self.listen = listen
        self.addresses = addresses
        let draft = PublicParty(
            role: role, name: name, key: key.publicKey, transport: transport, listen: listen,
            addresses: addresses, signature: .zero)
        signature = key.sign(draft.signedBytes)
    }

    /// Takes the fields in order, signed or not.
    package init(
        role: Role, name: String, key: PublicKey, transport: PublicKey?, listen: [Multiaddr],
        addresses: [Multiaddr], signature: Signature
    ) {
        self.role = role
        self.name = name
        self.key = key
        self.transport = transport
        self.listen = listen
        self.addresses = addresses
        self.signature = signature
    }

    /// The name of the file in its home.
    package var fileName: String { "\(name).public" }

    /// What others dial, with the peer's name at the end.
    package var peers: [String] {
        guard let transport else { return [] }
        return addresses.map { "\($0.with(PeerID(transport)))" }
    }

    /// Why it cannot be taken, after "it"; nil where it can.
    ///
    /// Checks, in order: name, key, transport key, addresses, signature.
    package var fault: String? {
        if role == .bridge ? name != Self.bridgeName : !Self.isPartyName(name) {
            return "has a name that no \(role) may have, \(name.prefix(80))"
        }
        guard key.isValid else { return "names a key that is no valid point" }
        guard (transport == nil) == (role == .submitter) else {
            return role == .submitter
                ? "names a transport key, and a submitter runs no node" : "lacks a transport key"
        }
        if let transport {
            guard transport.isValid else { return "names a transport key that is no valid point" }
            guard !addresses.isEmpty, !listen.isEmpty else {
                return "does not say where its node is reached"
            }
        }
        guard SignatureCheck(key: key, message: signedBytes, signature: signature).holds else {
            return "is not signed by the key that it names; it was changed, or made by somebody"
                + " who does not hold the key"
        }
        return nil
    }

    /// Whether a validator or submitter may have the name, which is that of a file too.
    static func isPartyName(_ name: String) -> Bool {
        PartyName.isValid(name) && !name.hasPrefix(".") && !reservedNames.contains(name)
    }

    private var signedBytes: [UInt8] {
        var writer = BorshWriter(domain: Self.domain)
        writer.write(role)
        writer.write(name)
        writer.write(key)
        writer.write(UInt8(transport == nil ? 0 : 1))
        if let transport { writer.write(transport) }
        for list in [listen, addresses] {
            writer.write(UInt32(list.count))
            for address in list { writer.write(address.bytes) }
        }
        return writer.bytes
    }

    package func encode(to writer: inout BorshWriter) {
        writer.writeFixed(signedBytes)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        guard try reader.text(of: "PublicParty", bound: 32) == Self.domain else {
            throw .notCanonical(type: "PublicParty", offset: start)
        }
        role = try reader.tag()
        let place = reader.offset
        name = try reader.text(of: "PublicParty.name", bound: Limits.partyNameBytesMax)
        guard PartyName.isValid(name) else {
            throw .notCanonical(type: "PublicParty.name", offset: place)
        }
        key = try reader.publicKey()
        let tagged = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: transport = nil
        case 1: transport = try reader.publicKey()
        case let tag: throw .unknownTag(type: "PublicKey?", tag: tag, offset: tagged)
        }
        listen = try Self.addresses(from: &reader)
        addresses = try Self.addresses(from: &reader)
        signature = try reader.signature()
    }

    private static func addresses(
        from reader: inout BorshReader
    ) throws(DecodingError) -> [Multiaddr] {
        let count = try reader.count(of: "PublicParty.addresses", bound: addressesMax)
        var addresses: [Multiaddr] = []
        for _ in 0..<count {
            let start = reader.offset
            let bytes = try reader.blob(of: "Multiaddr", bound: Multiaddr.bytesMax)
            let address: Multiaddr?
            do throws(MultiaddrError) { address = try Multiaddr(bytes: bytes) } catch {
                address = nil
            }
            // A host and a port, and no more: the peer's name follows from the transport key.
            guard let address, isAddress(address), address.bytes == bytes else {
                throw .notCanonical(type: "Multiaddr", offset: start)
            }
            addresses.append(address)
        }
        return addresses
    }

    /// Whether it is a host and a port alone.
    static func isAddress(_ address: Multiaddr) -> Bool {
        address.tcp != nil && address.parts.count == 2
    }
}
