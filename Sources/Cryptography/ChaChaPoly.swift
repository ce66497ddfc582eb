// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// ChaCha20-Poly1305 of RFC 8439: bytes that nobody reads or changes without the key.
package enum ChaChaPoly {
    /// The bytes that a sealed text is longer.
    package static let tagBytesCount = 16

    /// Encrypts `text` and authenticates it with `additional`.
    ///
    /// The nonce is four zero bytes and the counter, least significant byte first; a counter is
    /// used once for a key.
    /// - Precondition: the key has thirty-two bytes.
    package static func seal(
        _ text: ArraySlice<UInt8>, counter: UInt64, additional: [UInt8], with key: SecretBytes
    ) -> [UInt8] {
        invariant(key.count == 32, "a key of \(key.count) bytes")
        let text = Array(text)
        var sealed = [UInt8](repeating: 0, count: text.count + tagBytesCount)
        // SAFETY: the counts given are those of the arrays; the key has 32 bytes and the nonce 12;
        // the length of the result is not asked for.
        let status = unsafe key.withBytes { key in
            unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                &sealed, nil, text, UInt64(text.count), additional, UInt64(additional.count), nil,
                nonce(counter), key)
        }
        invariant(status == 0, "libsodium could not encrypt")
        return sealed
    }

    /// Decrypts what `seal` made; nil where the bytes, the additional ones, the counter or the key
    /// are others.
    /// - Precondition: the key has thirty-two bytes.
    package static func open(
        _ sealed: ArraySlice<UInt8>, counter: UInt64, additional: [UInt8], with key: SecretBytes
    ) -> [UInt8]? {
        invariant(key.count == 32, "a key of \(key.count) bytes")
        guard sealed.count >= tagBytesCount else { return nil }
        let sealed = Array(sealed)
        var text = [UInt8](repeating: 0, count: sealed.count - tagBytesCount)
        // SAFETY: as in `seal`; the text is sixteen bytes shorter than what was sealed.
        let status = unsafe key.withBytes { key in
            unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                &text, nil, nil, sealed, UInt64(sealed.count), additional,
                UInt64(additional.count), nonce(counter), key)
        }
        return status == 0 ? text : nil
    }

    private static func nonce(_ counter: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [0, 0, 0, 0]
        for shift in stride(from: UInt64(0), through: 56, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: counter >> shift))
        }
        return bytes
    }
}
