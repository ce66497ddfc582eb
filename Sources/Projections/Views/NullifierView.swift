// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import GRDB

/// A nullifier with every request that would spend it.
package struct NullifierView: Codable, Equatable, Sendable {
    /// A request that would spend it.
    package struct Claim: Codable, Equatable, Sendable {
        /// The entry that introduced the request.
        package var request: UInt64
        /// Its identity: 64 hexadecimal digits.
        package var requestID: String
        /// What became of the request: `open`, or its outcome.
        package var outcome: String
        /// What this request did to it: `claimed`, `spent`, `released` or `free`.
        package var condition: String
        /// The entry that spent it.
        package var spent: UInt64?
        /// The entry that released it.
        package var released: UInt64?

        init(_ cells: Cells) throws(ViewError) {
            request = try cells.number("entry")
            requestID = try cells.hex("id")
            outcome = try cells.textIfAny("outcome") ?? "open"
            spent = try cells.numberIfAny("spent")
            released = try cells.numberIfAny("released")
            condition =
                released != nil
                ? "released" : spent != nil ? "spent" : outcome == "open" ? "claimed" : "free"
        }
    }

    /// Its hexadecimal digits, as the log has its bytes.
    package var nullifier: String
    /// `spent`; else `claimed` by an open request; else `released`, or `free` since none of its
    /// requests was approved.
    package var condition: String
    /// The requests, by entry.
    package var claims: [Claim]
}

extension LedgerViews {
    /// A nullifier by its bytes; nil where no request names it.
    package func nullifier(_ bytes: [UInt8]) throws(ViewError) -> NullifierView? {
        let claims = try rows(
            """
            SELECT request.entry, request.id, request.outcome, nullifier.spent, nullifier.released
            FROM nullifier JOIN request ON request.entry = nullifier.request
            WHERE nullifier.nullifier = ? ORDER BY request.entry
            """, [Data(bytes)]
        ) { cells throws(ViewError) in try NullifierView.Claim(cells) }
        guard !claims.isEmpty else { return nil }
        let condition = ["spent", "claimed", "released", "free"].first { word in
            claims.contains { $0.condition == word }
        }
        return NullifierView(nullifier: bytes.hex, condition: condition ?? "free", claims: claims)
    }
}
