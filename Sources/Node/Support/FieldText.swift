// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
package import Cryptography

/// Field elements between their decimal text and their bytes.
package enum FieldText {
    /// The thirty-two little-endian bytes of a decimal number below the group order; nil for
    /// anything else.
    package static func bytes(decimal text: some StringProtocol) -> Bytes32? {
        Fr(decimal: text).flatMap { Bytes32($0.littleEndianBytes) }
    }

    /// The decimal number of thirty-two little-endian bytes, canonical or not.
    package static func decimal(_ bytes: Bytes32) -> String {
        UInt256(littleEndian: bytes.bytes)?.decimal ?? "0"
    }
}
