// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

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
