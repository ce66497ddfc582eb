// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What the verdicts on parts of a log came to when they were joined.
package struct AuditPieces: Codable, Equatable, Sendable {
    /// Why a verdict was not believed, or one is missing.
    package struct Problem: Codable, Equatable, Sendable {
        /// The file of the verdict; empty where there is none.
        package let file: String
        /// What is wrong.
        package let problem: String
        /// The entries that the joined verdicts say nothing of because of it, from the first;
        /// both 0 where they do.
        package let from: UInt64
        /// Up to this entry, exclusive.
        package let to: UInt64
    }

    /// The verdicts that were joined.
    package var joined: UInt64 = 0
    /// Those that said the same as another one of the same range.
    package var repeated: UInt64 = 0
    /// Those that were audited again, with the same end.
    package var rechecked: UInt64 = 0
    /// Whether the log was at hand: then its root is that of the parts, and each seal between them
    /// names the state with which they meet.
    package var isHeldAgainstLog = false
    /// What is missing or not believed, by entry.
    package var problems: [Problem] = []
    /// Differences in parts behind the first one, from a state that the log itself seals. An audit
    /// of the whole derives nothing behind the first, so they are no findings.
    package var beyond: [Finding] = []
}
