// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// The verdict on a signature: what libsodium says (`crypto_sign_verify_detached`), of keys that
/// `PublicKey.isValid` took when they joined. Whatever is faster gives the same one (see
/// `SignatureChecker`).
extension PublicKey {
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
