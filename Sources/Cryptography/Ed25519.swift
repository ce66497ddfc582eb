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

    /// Whether the key is a canonical point of the prime-order group other than the neutral one.
    ///
    /// A key must pass this before it may join: the verdict on its signatures is then defined.
    package var isValid: Bool {
        invariant(Sodium.isReady, "libsodium is not ready")
        // SAFETY: the array holds thirty-two bytes for the call.
        return unsafe crypto_core_ed25519_is_valid_point(bytes) == 1
    }

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
package struct SigningKey: Sendable {
    /// The thirty-two secret bytes from which the key is made (RFC 8032 section 5.1.5).
    package let seed: Bytes32

    /// The public half.
    package let publicKey: PublicKey

    private let secret: [UInt8]

    /// Makes a new key from the operating system's generator.
    package init() {
        let bytes = Bytes32(randomBytes(32))
        invariant(bytes != nil, "thirty-two random bytes were asked for")
        self.init(seed: bytes ?? .zero)
    }

    /// Makes the key that `seed` stands for.
    package init(seed: Bytes32) {
        invariant(Sodium.isReady, "libsodium is not ready")
        var publicBytes = [UInt8](repeating: 0, count: 32)
        var secretBytes = [UInt8](repeating: 0, count: 64)
        // SAFETY: the arrays hold 32, 64 and 32 bytes for the call.
        let status = unsafe crypto_sign_seed_keypair(&publicBytes, &secretBytes, seed.bytes)
        invariant(status == 0, "libsodium could not make a key pair")
        self.seed = seed
        self.secret = secretBytes
        self.publicKey = PublicKey(Bytes32(publicBytes) ?? .zero)
    }

    /// Signs `message`; the same message always gives the same signature.
    package func sign(_ message: [UInt8]) -> Signature {
        var signed = [UInt8](repeating: 0, count: 64)
        // SAFETY: signed and secret have 64 bytes, message the length given, for the call; the
        // length of the signature is not asked for.
        let status = unsafe crypto_sign_detached(
            &signed, nil, message, UInt64(message.count), secret)
        invariant(status == 0, "libsodium could not sign")
        return Signature(signed) ?? .zero
    }
}
