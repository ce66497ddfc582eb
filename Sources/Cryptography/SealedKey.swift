// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// Why a key file could not be opened.
package enum SealedKeyError: Error, Equatable {
    /// The file is not as long as a key file is.
    case wrongLength(bytes: Int, expected: Int)
    /// The file does not start as a key file does.
    case notAKeyFile
    /// The file names a way of protection that this version does not know.
    case unknownProtection(UInt8)
    /// The file wants more work or memory than is ever needed, so it is not one of ours.
    case costOutOfRange(operations: UInt64, memoryBytes: UInt64)
    /// The machine could not give the memory that the key derivation needs.
    case outOfMemory(bytes: UInt64)
    /// The file is protected in the other way: by a passphrase, or by a key file.
    case otherProtection(needsPassphrase: Bool)
    /// The passphrase or key is wrong, or the file was changed.
    case notAuthentic
}

/// What protects a key at rest.
package enum KeyProtection: Sendable {
    /// A passphrase, stretched by Argon2id.
    case passphrase(SecretBytes)
    /// Thirty-two random bytes from another file.
    case keyFile(SecretBytes)
}

/// A signing key, encrypted and authenticated (XSalsa20-Poly1305 by libsodium).
///
/// Layout, 113 bytes: magic "RCNTKEY1" (8), protection (1: 1 passphrase, 2 key file), Argon2id
/// operations u64 LE (8) and memory in bytes u64 LE (8; both zero for a key file), salt (16), nonce
/// (24), box of the seed (48: tag 16, then 32).
package enum SealedKey {
    /// The length of a sealed key in bytes.
    package static let bytesCount = 113

    private static let magic = Array("RCNTKEY1".utf8)
    private static let operations: UInt64 = 2
    private static let memoryBytes: UInt64 = 64 << 20

    /// Encrypts the seed of `key`.
    package static func seal(
        _ key: SigningKey, with protection: KeyProtection
    ) throws(SealedKeyError) -> [UInt8] {
        let salt = randomBytes(16)
        let nonce = randomBytes(24)
        var sealed = magic
        let boxKey: SecretBytes
        switch protection {
        case .passphrase(let passphrase):
            boxKey = try derive(passphrase, salt, operations, memoryBytes)
            sealed.append(1)
            append(operations, to: &sealed)
            append(memoryBytes, to: &sealed)
        case .keyFile(let bytes):
            boxKey = bytes
            sealed.append(2)
            append(0, to: &sealed)
            append(0, to: &sealed)
        }
        sealed += salt + nonce
        invariant(boxKey.count == 32, "the key of a box has \(boxKey.count) bytes")
        var box = [UInt8](repeating: 0, count: 48)
        // SAFETY: 48, 32, 24 and 32 bytes, all living for the call.
        let status = unsafe boxKey.withBytes { boxKey in
            unsafe key.withSeed { seed in
                unsafe crypto_secretbox_easy(&box, seed, 32, nonce, boxKey)
            }
        }
        invariant(status == 0, "libsodium could not encrypt")
        return sealed + box
    }

    /// Decrypts a sealed key.
    ///
    /// Checks, in order: length, magic, protection, cost, the kind of protection given, the tag.
    package static func open(
        _ sealed: [UInt8], with protection: KeyProtection
    ) throws(SealedKeyError) -> SigningKey {
        guard sealed.count == bytesCount else {
            throw .wrongLength(bytes: sealed.count, expected: bytesCount)
        }
        guard Array(sealed[0..<8]) == magic else { throw .notAKeyFile }
        let operations = integer(sealed, at: 9)
        let memoryBytes = integer(sealed, at: 17)
        let boxKey: SecretBytes
        switch (sealed[8], protection) {
        case (1, .passphrase(let passphrase)):
            guard (1...16).contains(operations), (8192...(1 << 30)).contains(memoryBytes) else {
                throw .costOutOfRange(operations: operations, memoryBytes: memoryBytes)
            }
            boxKey = try derive(passphrase, Array(sealed[25..<41]), operations, memoryBytes)
        case (2, .keyFile(let bytes)):
            boxKey = bytes
        case (1, _), (2, _): throw .otherProtection(needsPassphrase: sealed[8] == 1)
        default: throw .unknownProtection(sealed[8])
        }
        let nonce = Array(sealed[41..<65])
        let box = Array(sealed[65...])
        invariant(boxKey.count == 32, "the key of a box has \(boxKey.count) bytes")
        var status: Int32 = -1
        let seed = unsafe SecretBytes(count: 32) { seed in
            // SAFETY: 32, 48, 24 and 32 bytes, all living for the call.
            status = unsafe boxKey.withBytes { boxKey in
                unsafe crypto_secretbox_open_easy(seed, box, 48, nonce, boxKey)
            }
        }
        guard status == 0 else { throw .notAuthentic }
        return SigningKey(seed: seed)
    }

    private static func derive(
        _ passphrase: SecretBytes, _ salt: [UInt8], _ operations: UInt64, _ memoryBytes: UInt64
    ) throws(SealedKeyError) -> SecretBytes {
        invariant(Sodium.isReady, "libsodium is not ready")
        var status: Int32 = -1
        let key = unsafe SecretBytes(count: 32) { key in
            status = unsafe passphrase.withBytes { text in
                // SAFETY: a byte and a C character are laid out alike.
                unsafe text.withMemoryRebound(to: CChar.self, capacity: passphrase.count) { text in
                    // SAFETY: key has 32 and salt 16 bytes, text the length given, for the call.
                    unsafe crypto_pwhash(
                        key, 32, text, UInt64(passphrase.count), salt, operations,
                        Int(memoryBytes), crypto_pwhash_ALG_ARGON2ID13)
                }
            }
        }
        guard status == 0 else { throw .outOfMemory(bytes: memoryBytes) }
        return key
    }

    private static func append(_ value: UInt64, to buffer: inout [UInt8]) {
        for shift in 0..<8 { buffer.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
    }

    private static func integer(_ bytes: [UInt8], at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        for shift in 0..<8 { value |= UInt64(bytes[offset + shift]) << UInt64(8 * shift) }
        return value
    }
}
