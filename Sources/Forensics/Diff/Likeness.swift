// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a comparison of histories has come to.
package enum Likeness: String, Codable, Sendable {
    /// Nothing differs in what was looked at.
    case same
    /// Something differs.
    case different
    /// It cannot be judged: two ledgers, or forms that tell too little.
    case unjudged
}
