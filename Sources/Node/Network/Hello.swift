// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What a node says first to a peer that it is connected to: which ledger it is of, and which party
/// it speaks for.
///
/// The transport has shown who the peer is by its transport key, which a party's own key never
/// signs with; the hello ties the two together. An observer speaks for nobody.
package struct Hello: BorshCodable, Hashable, Sendable {
    /// Bytes of the longest hello.
    package static let bytesMax = 512
    /// The ledger that the node is of.
    package var ledger: LedgerID
    /// The party that it speaks for; nil for an observer.
    package var party: Party?

    /// A validator or the bridge, as a peer.
    package struct Party: BorshCodable, Hashable, Sendable {
        /// Its key in the ledger.
        package var key: PublicKey
        /// Rises with each new transport key of the party, so that an old one ends.
        package var number: UInt64
        /// The party's, on `signedBytes`.
        package var signature: Signature

        /// Takes the parts as they are: who hears the hello checks the signature.
        package init(key: PublicKey, number: UInt64, signature: Signature) {
            self.key = key
            self.number = number
            self.signature = signature
        }

        package func encode(to writer: inout BorshWriter) {
            writer.write(key)
            writer.write(number)
            writer.write(signature)
        }

        package init(from reader: inout BorshReader) throws(DecodingError) {
            key = try reader.publicKey()
            number = try reader.integer()
            signature = try reader.signature()
        }
    }

    /// The hello of a party, or of an observer where it is nil.
    package init(ledger: LedgerID, party: Party?) {
        self.ledger = ledger
        self.party = party
    }

    /// The hello of a party, which signs that the peer with this transport key speaks for it.
    package init(ledger: LedgerID, key: SigningKey, number: UInt64, transport: PublicKey) {
        let signed = Self.signedBytes(
            key: key.publicKey, number: number, transport: transport, in: ledger)
        self.init(
            ledger: ledger,
            party: Party(key: key.publicKey, number: number, signature: key.sign(signed)))
    }

    /// What a party signs: Borsh of `recount/hello/v1`, ledger id, key, number, transport key.
    static func signedBytes(
        key: PublicKey, number: UInt64, transport: PublicKey, in ledger: LedgerID
    ) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/hello/v1")
        writer.write(ledger)
        writer.write(key)
        writer.write(number)
        writer.write(transport)
        return writer.bytes
    }

    /// Whether the party has signed that the peer with this transport key speaks for it; true of an
    /// observer.
    package func isSigned(for transport: PublicKey) -> Bool {
        guard let party else { return true }
        let signed = Self.signedBytes(
            key: party.key, number: party.number, transport: transport, in: ledger)
        return SignatureCheck(key: party.key, message: signed, signature: party.signature).holds
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(ledger)
        writer.write(UInt8(party == nil ? 0 : 1))
        if let party { writer.write(party) }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        ledger = LedgerID(try reader.digest())
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: party = nil
        case 1: party = try Party(from: &reader)
        case let tag: throw .unknownTag(type: "Hello", tag: tag, offset: start)
        }
    }
}
