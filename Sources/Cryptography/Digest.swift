// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// A SHA-256 digest (FIPS 180-4).
package struct Digest: Hashable, Comparable, Sendable {
    /// The thirty-two bytes.
    package let value: Bytes32

    /// The digest with these bytes.
    package init(_ value: Bytes32) { self.value = value }

    /// Thirty-two zero bytes: a digest of nothing, where a format wants one.
    package static let zero = Digest(.zero)

    /// SHA-256 of the empty string: the root of an empty Merkle tree (RFC 6962 section 2.1).
    package static let ofNothing = Digest(hashing: [])

    /// Hashes `bytes`.
    package init(hashing bytes: [UInt8]) {
        self.init(hashing: bytes.span)
    }

    /// Hashes `bytes`.
    package init(hashing bytes: Span<UInt8>) {
        var hasher = SHA256()
        // SAFETY: the buffer lives for the call, and the hasher keeps no pointer.
        unsafe bytes.withUnsafeBytes { buffer in unsafe hasher.update(bufferPointer: buffer) }
        self.init(hasher.finalize())
    }

    /// Hashes a prefix byte and then `bytes`, as RFC 6962 does for leaves.
    package init(prefix: UInt8, hashing bytes: Span<UInt8>) {
        var hasher = SHA256()
        // SAFETY: the buffers live for their calls, and the hasher keeps no pointer.
        unsafe withUnsafeBytes(of: prefix) { buffer in unsafe hasher.update(bufferPointer: buffer) }
        unsafe bytes.withUnsafeBytes { buffer in unsafe hasher.update(bufferPointer: buffer) }
        self.init(hasher.finalize())
    }

    /// Hashes a prefix byte and then two digests, as RFC 6962 does for inner nodes.
    package init(prefix: UInt8, hashing left: Digest, _ right: Digest) {
        var hasher = SHA256()
        // SAFETY: a byte and two values of thirty-two bytes without padding, for the call.
        unsafe withUnsafeBytes(of: (left.value, right.value)) { values in
            unsafe withUnsafeBytes(of: prefix) { unsafe hasher.update(bufferPointer: $0) }
            unsafe hasher.update(bufferPointer: values)
        }
        self.init(hasher.finalize())
    }

    private init(_ digest: SHA256.Digest) {
        // SAFETY: the buffer holds the thirty-two bytes of the digest for the call.
        let value = unsafe digest.withUnsafeBytes { buffer in
            unsafe Bytes32(Span(_unsafeBytes: buffer))
        }
        invariant(value != nil, "SHA-256 gave other than thirty-two bytes")
        self.init(value ?? .zero)
    }

    /// The bytes, first to last.
    package var bytes: [UInt8] { value.bytes }

    /// Sixty-four lower-case hexadecimal digits.
    package var hex: String { value.hex }

    package static func < (left: Digest, right: Digest) -> Bool { left.value < right.value }
}
