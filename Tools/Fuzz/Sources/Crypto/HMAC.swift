// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A key of any length.
public struct SymmetricKey {
    let bytes: [UInt8]

    /// The key of these bytes.
    public init(data: [UInt8]) { bytes = data }
}

/// HMAC (RFC 2104) with SHA-256, the one hash that is there.
public enum HMAC<Hash> {
    /// The code of a message.
    public static func authenticationCode(
        for message: [UInt8], using key: SymmetricKey
    ) -> [UInt8] {
        var block = key.bytes.count > 64 ? digest([key.bytes]) : key.bytes
        block += [UInt8](repeating: 0, count: 64 - block.count)
        return digest([block.map { $0 ^ 0x5C }, digest([block.map { $0 ^ 0x36 }, message])])
    }

    private static func digest(_ parts: [[UInt8]]) -> [UInt8] {
        var hasher = SHA256()
        // SAFETY: the buffers live for their calls, and the hasher keeps no pointer.
        for part in parts {
            unsafe part.withUnsafeBytes { unsafe hasher.update(bufferPointer: $0) }
        }
        // SAFETY: the buffer holds the bytes of the digest for the call.
        return unsafe hasher.finalize().withUnsafeBytes { unsafe Array($0) }
    }
}
