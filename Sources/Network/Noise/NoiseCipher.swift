// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// One direction of an encrypted conversation: a key, and the number of the next message.
///
/// Source: The Noise Protocol Framework, revision 34, section 5.1, "CipherState".
package struct NoiseCipher: Sendable {
    private let key: SecretBytes
    private var counter: UInt64

    /// The number that is never used: a direction that comes to it is at its end.
    static let counterEnd = UInt64.max

    /// A direction whose next message has the number `counter`.
    package init(key: SecretBytes, counter: UInt64 = 0) {
        self.key = key
        self.counter = counter
    }

    /// Seals the next message.
    /// - Throws: `exhausted`.
    package mutating func seal(
        _ text: ArraySlice<UInt8>, additional: [UInt8] = []
    ) throws(NoiseError) -> [UInt8] {
        guard counter < Self.counterEnd else { throw .exhausted }
        let sealed = ChaChaPoly.seal(text, counter: counter, additional: additional, with: key)
        counter += 1
        return sealed
    }

    /// Opens the next message. One that fails is not counted.
    /// - Throws: `exhausted`, `notAuthentic`.
    package mutating func open(
        _ sealed: ArraySlice<UInt8>, additional: [UInt8] = []
    ) throws(NoiseError) -> [UInt8] {
        guard counter < Self.counterEnd else { throw .exhausted }
        guard
            let text = ChaChaPoly.open(
                sealed, counter: counter, additional: additional, with: key)
        else { throw .notAuthentic }
        counter += 1
        return text
    }
}

/// What both sides of a handshake have seen and mixed so far.
///
/// Source: The Noise Protocol Framework, section 5.2, "SymmetricState".
struct NoiseSymmetric {
    private var chainingKey: [UInt8]
    private(set) var hash: [UInt8]
    private var cipher: NoiseCipher?

    /// The start of a handshake of this name, which has at most thirty-two bytes or is hashed.
    init(protocolName: String) {
        let name = Array(protocolName.utf8)
        hash =
            name.count <= 32
            ? name + [UInt8](repeating: 0, count: 32 - name.count) : Digest(hashing: name).bytes
        chainingKey = hash
    }

    mutating func mixHash(_ bytes: some Sequence<UInt8>) {
        hash = Digest(hashing: hash + bytes).bytes
    }

    mutating func mixKey(_ secret: SecretBytes) {
        var input: [UInt8] = []
        input.reserveCapacity(secret.count)
        secret.append(to: &input)
        let (next, key) = derive(from: input)
        wipe(&input)
        wipe(&chainingKey)
        chainingKey = next
        cipher = NoiseCipher(key: key)
    }

    mutating func sealAndHash(_ text: [UInt8]) throws(NoiseError) -> [UInt8] {
        let sealed = try cipher?.seal(text[...], additional: hash) ?? text
        mixHash(sealed)
        return sealed
    }

    mutating func openAndHash(_ sealed: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
        let text = try cipher?.open(sealed, additional: hash) ?? Array(sealed)
        mixHash(sealed)
        return text
    }

    /// The ciphers of the conversation: of who started the handshake, and of who answered.
    mutating func split() -> (initiator: NoiseCipher, responder: NoiseCipher) {
        var (first, second) = derive(from: [])
        let key = SecretBytes(copying: first)
        wipe(&first)
        wipe(&chainingKey)
        cipher = nil
        return (NoiseCipher(key: key), NoiseCipher(key: second))
    }

    /// HKDF with two results (section 4.3).
    private func derive(from input: [UInt8]) -> ([UInt8], SecretBytes) {
        var key = authenticationCode(of: input, key: chainingKey)
        let first = authenticationCode(of: [1], key: key)
        var second = authenticationCode(of: first + [2], key: key)
        let result = SecretBytes(copying: second)
        wipe(&key)
        wipe(&second)
        return (first, result)
    }
}
