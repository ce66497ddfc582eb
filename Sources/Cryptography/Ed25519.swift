// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// An Ed25519 public key: the identity of a party.
package struct PublicKey: Hashable, Comparable, Sendable {
    /// The thirty-two bytes of RFC 8032 section 5.1.2.
    package let value: Bytes32

    /// Accepts any thirty-two bytes; see `isValid`.
    package init(_ value: Bytes32) { self.value = value }

    /// The bytes, first to last.
    package var bytes: [UInt8] { value.bytes }

    /// Sixty-four lower-case hexadecimal digits.
    package var hex: String { value.hex }

    package static func < (left: PublicKey, right: PublicKey) -> Bool { left.value < right.value }

    /// Returns whether `signature` is this key's on `message`, by `crypto_sign_verify_detached`.
    ///
    /// S below the group order, R canonical and not of small order, cofactorless equation.
    package func verifies(_ signature: Signature, of message: [UInt8]) -> Bool {
        invariant(Sodium.isReady, "libsodium is not ready")
        // SAFETY: key has 32 and signature 64 bytes, message the length given, for the call.
        return unsafe crypto_sign_verify_detached(
            signature.bytes, message, UInt64(message.count), bytes) == 0
    }
}

/// An Ed25519 signature: R and S (RFC 8032 section 5.1.6).
package struct Signature: Hashable, Sendable {
    /// The first half: R, a point.
    package let r: Bytes32
    /// The second half: S, a scalar.
    package let s: Bytes32

    /// Sixty-four zero bytes, which no key accepts.
    package static let zero = Signature(r: .zero, s: .zero)

    private init(r: Bytes32, s: Bytes32) {
        self.r = r
        self.s = s
    }

    /// Reads sixty-four bytes at `offset`; nil where the span is shorter.
    package init?(_ span: Span<UInt8>, at offset: Int = 0) {
        guard let r = Bytes32(span, at: offset), let s = Bytes32(span, at: offset + 32)
        else { return nil }
        self.init(r: r, s: s)
    }

    /// Reads exactly sixty-four bytes; nil at any other length.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 64 else { return nil }
        self.init(bytes.span)
    }

    /// The bytes, first to last.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(64)
        append(to: &result)
        return result
    }

    /// Appends the sixty-four bytes.
    package func append(to buffer: inout [UInt8]) {
        r.append(to: &buffer)
        s.append(to: &buffer)
    }

    /// One hundred and twenty-eight lower-case hexadecimal digits.
    package var hex: String { bytes.hex }
}

/// An Ed25519 secret key with its public half.
///
/// Copies share the secret half, whose memory is cleared when the last of them goes.
package struct SigningKey: Sendable {
    /// The public half.
    package let publicKey: PublicKey

    /// The seed and the public half, as libsodium signs with them.
    private let secret: SecretBytes

    /// Makes a new key from the operating system's generator.
    package init() { self.init(seed: SecretBytes(random: 32)) }

    /// Makes the key that `seed` stands for: for keys of tests and simulations, whose seeds are
    /// known. The seed of a secret key stays in `SecretBytes`.
    package init(seed: Bytes32) { self.init(seed: SecretBytes(copying: seed.bytes)) }

    /// Makes the key that thirty-two secret bytes stand for (RFC 8032 section 5.1.5).
    package init(seed: SecretBytes) {
        invariant(Sodium.isReady, "libsodium is not ready")
        invariant(seed.count == 32, "a seed of \(seed.count) bytes")
        var publicBytes = [UInt8](repeating: 0, count: 32)
        let secret = unsafe SecretBytes(count: 64) { secret in
            // SAFETY: 32, 64 and 32 bytes, all living for the call.
            let status = unsafe seed.withBytes { seed in
                unsafe crypto_sign_seed_keypair(&publicBytes, secret, seed)
            }
            invariant(status == 0, "libsodium could not make a key pair")
        }
        self.secret = secret
        self.publicKey = PublicKey(Bytes32(publicBytes) ?? .zero)
    }

    /// Lends the thirty-two secret bytes from which the key is made (RFC 8032 section 5.1.5).
    func withSeed<T>(_ body: (UnsafePointer<UInt8>) -> T) -> T {
        // SAFETY: the seed is the first half of the sixty-four bytes, which live for the call.
        unsafe secret.withBytes(body)
    }

    /// Signs `message`; the same message always gives the same signature.
    package func sign(_ message: [UInt8]) -> Signature {
        var signed = [UInt8](repeating: 0, count: 64)
        // SAFETY: signed and secret have 64 bytes, message the length given, for the call; the
        // length of the signature is not asked for.
        let status = unsafe secret.withBytes { secret in
            unsafe crypto_sign_detached(&signed, nil, message, UInt64(message.count), secret)
        }
        invariant(status == 0, "libsodium could not sign")
        return Signature(signed) ?? .zero
    }
}
