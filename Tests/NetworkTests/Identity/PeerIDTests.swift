// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

/// The file of vectors of peer ids, addresses and negotiations.
struct NamesVectors: Decodable {
    struct Peer: Decodable {
        let ed25519_seed: String
        let ed25519_public: String
        let public_protobuf: String?
        let multihash: String?
        let base58btc: String
    }
    struct Address: Decodable {
        let text: String
        let packed: String
    }
    struct Line: Decodable {
        let message: String
        let bytes: String
    }
    let peer_ids: [Peer]
    let multiaddrs: [Address]
    let multistream: [Line]

    static let path = "libp2p/peer_ids_and_multiaddrs.json"
    static let missing: Comment = "no libp2p/peer_ids_and_multiaddrs.json among the vectors"
}

/// Bytes of a text of hexadecimal digits that a test holds.
func hex(_ text: String) throws -> [UInt8] { try #require(bytes(hex: text)) }

@Suite("Peer ids")
struct PeerIDTests {
    let key = SigningKey(seed: Bytes32.zero)

    @Test(
        "Keys and names are those of the vectors",
        .enabled(if: Vectors.has(NamesVectors.path), NamesVectors.missing))
    func vectors() throws {
        let vectors = try Vectors.json(NamesVectors.path, as: NamesVectors.self)
        #expect(vectors.peer_ids.count >= 2)
        for vector in vectors.peer_ids {
            let seed = try #require(Bytes32(hex: vector.ed25519_seed))
            let key = SigningKey(seed: seed).publicKey
            let peer = PeerID(key)
            #expect(key.hex == vector.ed25519_public)
            #expect(peer.text == vector.base58btc)
            #expect(try PeerID(text: vector.base58btc) == peer)
            if let expected = vector.public_protobuf {
                #expect(KeyMessage.encode(key).hex == expected)
                #expect(try KeyMessage.decode(try hex(expected)[...]) == key)
            }
            if let expected = vector.multihash {
                #expect(peer.bytes.hex == expected)
                #expect(try PeerID(bytes: try hex(expected)) == peer)
            }
        }
    }

    @Test("A content id in base32 names the same peer")
    func contentID() throws {
        let peer = PeerID(key.publicKey)
        #expect(peer.contentIDText.hasPrefix("bafzaajaiaejc"))
        #expect(try PeerID(text: peer.contentIDText) == peer)
    }

    @Test("Keys of other kinds are refused by their kind")
    func otherKinds() throws {
        // A secp256k1 key inline, and the hash of an RSA key (peer-ids, "Test vectors").
        let whole = try hex("0025080212210377") + [UInt8](repeating: 7, count: 31)
        #expect(throws: IdentityError.keyType(2)) { try PeerID(bytes: whole) }
        let hashed = [0x12, 0x20] + [UInt8](repeating: 7, count: 32)
        #expect(throws: IdentityError.hashedKey) { try PeerID(bytes: hashed) }
        #expect(throws: IdentityError.hashedKey) {
            try PeerID(text: "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")
        }
    }

    @Test(
        "Bytes that name nobody are refused",
        arguments: [
            ("", IdentityError.wire(.truncated)),
            ("00", .wire(.truncated)),
            ("0024", .multihash(code: 0, length: 36)),
            ("13020102", .multihash(code: 0x13, length: 2)),
            ("8000", .wire(.numberNotMinimal)),
            ("0000", .wire(.missing(field: 1))),
            ("00020801", .wire(.missing(field: 2))),
            ("0006080112021122", .keyLength(2)),
        ])
    func wrongBytes(text: String, error: IdentityError) throws {
        let bytes = try hex(text)
        #expect(throws: error) { try PeerID(bytes: bytes) }
    }

    @Test("A second spelling of a key's message is no second name")
    func oneSpelling() throws {
        let message = KeyMessage.encode(key.publicKey)
        let swapped = [0, 36] + message[2...] + message[..<2]
        #expect(throws: IdentityError.multihash(code: 0, length: 36)) {
            try PeerID(bytes: swapped)
        }
    }

    @Test(
        "Texts that name nobody are refused",
        arguments: [
            ("", IdentityError.text), ("0OIl", .text), ("b", .wire(.truncated)), ("bA", .text),
            ("é", .text), (String(repeating: "1", count: 200), .text),
            (
                "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi",
                .contentID(version: 1, codec: 0x70)
            ),
        ])
    func wrongText(text: String, error: IdentityError) {
        #expect(throws: error) { try PeerID(text: text) }
    }

    @Test("Names sort as their bytes do")
    func order() {
        var random = SplitMix64(seed: 7)
        let peers = (0..<50).map { _ in
            PeerID(SigningKey(seed: Digest(hashing: Varint.encode(random.next())).value).publicKey)
        }
        #expect(
            peers.sorted() == peers.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) })
    }
}

@Suite("Signed envelopes and peer records")
struct PeerRecordTests {
    let key = SigningKey(seed: Bytes32.zero)

    @Test("A record comes out of its envelope as it went in")
    func roundTrip() throws {
        let addresses = [
            try Multiaddr(text: "/ip4/10.0.0.1/tcp/4001"), try Multiaddr(text: "/ip6/::1/tcp/1"),
        ]
        let sealed = PeerRecord.seal(sequence: 7, addresses: addresses, with: key)
        let record = try PeerRecord.open(sealed[...])
        #expect(
            record
                == PeerRecord(peer: PeerID(key.publicKey), sequence: 7, addresses: addresses))
    }

    @Test("Every flipped bit of an envelope is found")
    func flippedBits() throws {
        let address = try Multiaddr(text: "/ip4/10.0.0.1/tcp/4001")
        let sealed = PeerRecord.seal(sequence: 7, addresses: [address], with: key)
        for place in sealed.indices {
            var changed = sealed
            changed[place] ^= 1
            #expect(throws: IdentityError.self, "byte \(place)") {
                try PeerRecord.open(changed[...])
            }
        }
    }

    @Test("A signature counts for its domain and its type alone")
    func domain() {
        let bytes = SignedEnvelope.seal([1], type: [9], domain: "a", with: key)
        #expect(throws: Never.self) {
            try SignedEnvelope.open(bytes[...], type: [9], domain: "a")
        }
        #expect(throws: IdentityError.signature) {
            try SignedEnvelope.open(bytes[...], type: [9], domain: "b")
        }
        #expect(throws: IdentityError.payloadType([9])) {
            try SignedEnvelope.open(bytes[...], type: [8], domain: "a")
        }
    }

    @Test("A record of another peer than the signer is refused")
    func signedByAnother() {
        let other = PeerID(SigningKey(seed: Digest.ofNothing.value).publicKey)
        var writer = ProtobufWriter()
        writer.write(1, bytes: other.bytes)
        let bytes = SignedEnvelope.seal(
            writer.bytes, type: [3, 1], domain: "libp2p-peer-record", with: key)
        #expect(throws: IdentityError.signedByAnother(other)) { try PeerRecord.open(bytes[...]) }
    }

    @Test("Addresses without number are refused, and unknown ones left out")
    func addresses() throws {
        var writer = ProtobufWriter()
        writer.write(1, bytes: PeerID(key.publicKey).bytes)
        // An address of UDP, which is not spoken here.
        writer.write(3, bytes: [0x0A, 8, 4, 127, 0, 0, 1, 0x91, 2, 1])
        let few = SignedEnvelope.seal(
            writer.bytes, type: [3, 1], domain: "libp2p-peer-record", with: key)
        #expect(try PeerRecord.open(few[...]).addresses == [])
        for _ in 0..<PeerRecord.addressesMax { writer.write(3, bytes: []) }
        let many = SignedEnvelope.seal(
            writer.bytes, type: [3, 1], domain: "libp2p-peer-record", with: key)
        #expect(throws: IdentityError.wire(.tooMany(field: 3, limit: 32))) {
            try PeerRecord.open(many[...])
        }
    }
}
