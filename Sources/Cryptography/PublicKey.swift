// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

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
}
