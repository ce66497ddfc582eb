// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

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
    package init(hashing bytes: Span<UInt8>) { self.init(Hashing.digest(bytes)) }

    /// Hashes a prefix byte and then `bytes`, as RFC 6962 does for leaves.
    package init(prefix: UInt8, hashing bytes: Span<UInt8>) {
        self.init(Hashing.digest(prefix: prefix, bytes))
    }

    /// Hashes a prefix byte and then two digests, as RFC 6962 does for inner nodes.
    package init(prefix: UInt8, hashing left: Digest, _ right: Digest) {
        self.init(Hashing.digest(prefix: prefix, left.value, right.value))
    }

    /// Hashes bytes without the processor's own instructions: what the others are held against.
    package init(portablyHashing bytes: Span<UInt8>, prefix: UInt8? = nil) {
        self.init(Hashing.portable(prefix: prefix, bytes))
    }

    /// Whether the processor's own instructions hash.
    package static var isInHardware: Bool { Hashing.isInHardware }

    /// The bytes, first to last.
    package var bytes: [UInt8] { value.bytes }

    /// Sixty-four lower-case hexadecimal digits.
    package var hex: String { value.hex }

    package static func < (left: Digest, right: Digest) -> Bool { left.value < right.value }
}
