// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// An X25519 secret key with its public half (RFC 7748), for two to agree on a secret.
///
/// Copies share the secret half, whose memory is cleared when the last of them goes.
package struct AgreementKey: Sendable {
    /// The public half: the u-coordinate of a point.
    package let publicKey: Bytes32

    private let secret: SecretBytes

    /// Makes a new key from the operating system's generator.
    package init() { self.init(secret: SecretBytes(random: 32)) }

    /// Makes the key that thirty-two secret bytes stand for.
    package init(secret: SecretBytes) {
        invariant(Sodium.isReady, "libsodium is not ready")
        invariant(secret.count == 32, "a secret of \(secret.count) bytes")
        var bytes = [UInt8](repeating: 0, count: 32)
        // SAFETY: 32 and 32 bytes, both living for the call.
        let status = unsafe secret.withBytes { unsafe crypto_scalarmult_base(&bytes, $0) }
        invariant(status == 0, "libsodium could not make a public key")
        self.secret = secret
        publicKey = Bytes32(bytes) ?? .zero
    }

    /// Returns the thirty-two bytes that only the holders of both keys know; nil where the other
    /// key is of small order, so that the result would not depend on ours.
    package func agree(with other: Bytes32) -> SecretBytes? {
        var status: Int32 = -1
        let shared = unsafe SecretBytes(count: 32) { shared in
            // SAFETY: 32, 32 and 32 bytes, all living for the call.
            status = unsafe secret.withBytes { secret in
                unsafe crypto_scalarmult(shared, secret, other.bytes)
            }
        }
        return status == 0 ? shared : nil
    }
}
