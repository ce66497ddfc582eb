// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
internal import Cryptography
package import Projections

/// Whether a nullifier is spent, and by which request: what `recount show nullifier --json` prints.
package struct NullifierAnswer: Codable, Sendable {
    /// The nullifier, in hexadecimal.
    package let nullifier: String
    /// The same as a decimal number.
    package let decimal: String?
    /// `spent`, `claimed`, `released` or `free`.
    package let condition: String
    /// The requests that name it.
    package let claims: [NullifierView.Claim]

    /// The nullifier that is called so: by the first of its hexadecimal digits, or by its decimal
    /// number.
    package init(_ name: String, _ views: LedgerViews) throws(ViewError) {
        let bytes = try views.nullifier(called: Self.digits(name))
        guard let row = try views.nullifier(bytes) else { throw .notFound }
        nullifier = row.nullifier
        decimal = [UInt8](hex: row.nullifier).flatMap { Fr(littleEndian: $0)?.decimal }
        condition = row.condition
        claims = row.claims
    }

    /// The digits of a nullifier that is given as a decimal number: too long to be meant as
    /// hexadecimal, or no 64 digits.
    private static func digits(_ text: String) -> String {
        guard text.utf8.count > 20, text.utf8.count != 64 || text.allSatisfy(\.isNumber),
            let value = Fr(decimal: text)
        else { return text }
        return value.littleEndianBytes.hex
    }
}
