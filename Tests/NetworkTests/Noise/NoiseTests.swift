// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

/// A handshake of the published vectors.
struct NoiseVector: Decodable {
    struct Message: Decodable {
        let payload: String
        let ciphertext: String
    }
    let protocol_name: String
    let init_prologue: String
    let init_static: String
    let init_ephemeral: String
    let resp_prologue: String
    let resp_static: String
    let resp_ephemeral: String
    let handshake_hash: String
    let messages: [Message]

    static let path = "libp2p/noise_xx_25519_chachapoly_sha256.json"
}

/// A key for agreements whose secret a test knows.
func agreementKey(_ text: String) throws -> AgreementKey {
    AgreementKey(secret: SecretBytes(copying: try hex(text)))
}

@Suite("Noise")
struct NoiseTests {
    @Test(
        "Handshake and messages are those of the vectors",
        .enabled(if: Vectors.has(NoiseVector.path), "no \(NoiseVector.path) among the vectors"))
    func vectors() throws {
        let vectors = try Vectors.json(NoiseVector.path, as: [NoiseVector].self)
        #expect(!vectors.isEmpty)
        for vector in vectors {
            var dialer = NoiseHandshake(
                role: .dialer, staticKey: try agreementKey(vector.init_static),
                ephemeralKey: try agreementKey(vector.init_ephemeral),
                prologue: try hex(vector.init_prologue))
            var listener = NoiseHandshake(
                role: .listener, staticKey: try agreementKey(vector.resp_static),
                ephemeralKey: try agreementKey(vector.resp_ephemeral),
                prologue: try hex(vector.resp_prologue))
            for (place, message) in vector.messages.prefix(3).enumerated() {
                let payload = try hex(message.payload)
                let sent =
                    place == 1
                    ? try listener.write(payload: payload) : try dialer.write(payload: payload)
                #expect(sent.hex == message.ciphertext)
                let read = place == 1 ? try dialer.read(sent[...]) : try listener.read(sent[...])
                #expect(read == payload)
            }
            #expect(dialer.isFinished && listener.isFinished)
            #expect(dialer.hash.hex == vector.handshake_hash)
            #expect(listener.hash.hex == vector.handshake_hash)
            var (toListener, fromListener) = dialer.split()
            var (toDialer, fromDialer) = listener.split()
            for (place, message) in vector.messages.enumerated().dropFirst(3) {
                let text = try hex(message.payload)
                if place.isMultiple(of: 2) {
                    let sealed = try toListener.seal(text[...])
                    #expect(sealed.hex == message.ciphertext)
                    #expect(try fromDialer.open(sealed[...]) == text)
                } else {
                    let sealed = try toDialer.seal(text[...])
                    #expect(sealed.hex == message.ciphertext)
                    #expect(try fromListener.open(sealed[...]) == text)
                }
            }
        }
    }

    /// Both sides of a handshake, and the messages that they exchange.
    static func messages() throws -> [[UInt8]] {
        var dialer = NoiseHandshake(role: .dialer, staticKey: AgreementKey())
        var listener = NoiseHandshake(role: .listener, staticKey: AgreementKey())
        let first = try dialer.write(payload: [])
        _ = try listener.read(first[...])
        let second = try listener.write(payload: [1, 2])
        _ = try dialer.read(second[...])
        return [first, second, try dialer.write(payload: [3])]
    }

    @Test("A message that is cut short or changed is refused")
    func changed() throws {
        var dialer = NoiseHandshake(role: .dialer, staticKey: AgreementKey())
        var listener = NoiseHandshake(role: .listener, staticKey: AgreementKey())
        let first = try dialer.write(payload: [])
        #expect(throws: NoiseError.truncated) {
            var copy = listener
            _ = try copy.read(first.dropLast())
        }
        _ = try listener.read(first[...])
        let second = try listener.write(payload: [1, 2])
        for length in 0..<second.count {
            #expect(throws: NoiseError.self) {
                var copy = dialer
                _ = try copy.read(second.prefix(length))
            }
        }
        for place in second.indices {
            var changed = second
            changed[place] ^= 4
            #expect(throws: NoiseError.notAuthentic, "byte \(place)") {
                var copy = dialer
                _ = try copy.read(changed[...])
            }
        }
        #expect(try dialer.read(second[...]) == [1, 2])
    }

    @Test("A key of small order is refused")
    func smallOrder() throws {
        var dialer = NoiseHandshake(role: .dialer, staticKey: AgreementKey())
        var listener = NoiseHandshake(role: .listener, staticKey: AgreementKey())
        _ = try dialer.write(payload: [])
        _ = try listener.read([UInt8](repeating: 0, count: 32)[...])
        #expect(throws: NoiseError.weakKey) { try listener.write(payload: []) }
    }

    @Test("Messages out of turn are refused")
    func turns() throws {
        var dialer = NoiseHandshake(role: .dialer, staticKey: AgreementKey())
        var listener = NoiseHandshake(role: .listener, staticKey: AgreementKey())
        #expect(throws: NoiseError.outOfTurn) { try listener.write(payload: []) }
        #expect(throws: NoiseError.outOfTurn) { try dialer.read([9, 9]) }
        #expect(throws: NoiseError.tooLong(bytes: 65440)) {
            try dialer.write(payload: [UInt8](repeating: 0, count: 65440))
        }
    }

    @Test("The last number of a direction is never used")
    func exhausted() throws {
        let key = SecretBytes(random: 32)
        var sending = NoiseCipher(key: key, counter: UInt64.max - 1)
        var receiving = sending
        let sealed = try sending.seal([7])
        #expect(try receiving.open(sealed[...]) == [7])
        #expect(throws: NoiseError.exhausted) { try sending.seal([7]) }
        #expect(throws: NoiseError.exhausted) { try receiving.open(sealed[...]) }
    }

    @Test("Text of any length goes through a channel in frames, cut anywhere")
    func channel() throws {
        let (key, other) = (SecretBytes(random: 32), SecretBytes(random: 32))
        var ours = NoiseChannel(send: NoiseCipher(key: key), receive: NoiseCipher(key: other))
        var theirs = NoiseChannel(send: NoiseCipher(key: other), receive: NoiseCipher(key: key))
        var random = SplitMix64(seed: 3)
        for size in [0, 1, 65518, 65519, 65520, 200_000] {
            let text = random.bytes(size)
            var rest = try ours.seal(text)[...]
            var read: [UInt8] = []
            while !rest.isEmpty {
                let part = rest.prefix(1 + Int(random.next() % 5000))
                read += try theirs.open(part)
                rest = rest.dropFirst(part.count)
            }
            #expect(read == text)
        }
        // A frame too short for a tag, and one that was never sealed.
        #expect(throws: NoiseError.notAuthentic) { try theirs.open([0, 0]) }
        #expect(throws: NoiseError.notAuthentic) {
            try theirs.open([0, 17] + [UInt8](repeating: 1, count: 17))
        }
    }

    @Test("A payload names its peer and its multiplexers, and is signed for one handshake")
    func payload() throws {
        let identity = SigningKey(seed: .zero)
        let key = AgreementKey().publicKey
        let bytes = NoisePayload.encode(
            identity: identity, staticKey: key, muxers: ["/yamux/1.0.0", "/mplex/6.7.0"])
        let payload = try NoisePayload(bytes, staticKey: key)
        #expect(payload.peer == PeerID(identity.publicKey))
        #expect(payload.muxers == ["/yamux/1.0.0", "/mplex/6.7.0"])
        #expect(throws: NoiseError.signature) {
            try NoisePayload(bytes, staticKey: AgreementKey().publicKey)
        }
        let bare = NoisePayload.encode(identity: identity, staticKey: key, muxers: [])
        #expect(try NoisePayload(bare, staticKey: key).muxers == [])
    }

    static let lengthyMuxer = "22431241" + [UInt8](repeating: 0x41, count: 65).hex

    @Test(
        "Payloads that prove nothing are refused",
        arguments: [
            ("", NoiseError.wire(.missing(field: 1))), ("0a00", .wire(.missing(field: 2))),
            ("0a001200", .identity(.wire(.missing(field: 1)))),
            ("0a04080212001200", .identity(.keyType(2))), ("0aff", .wire(.truncated)),
            ("2200", .wire(.missing(field: 1))),
            (
                "222212001200120012001200120012001200120012001200120012001200120012001200",
                .wire(.tooMany(field: 2, limit: 16))
            ),
            (lengthyMuxer, .wire(.tooLong(length: 65, limit: 64))),
        ])
    func wrongPayload(text: String, error: NoiseError) throws {
        let bytes = try hex(text)
        #expect(throws: error) { try NoisePayload(bytes, staticKey: .zero) }
    }
}
