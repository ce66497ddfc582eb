// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Says where things stand in a log, so that who explains them need not fold it. What it says is
/// checked against the log; where it says nothing, or what the log does not bear out, the log is
/// folded.
package protocol LedgerIndex {
    /// Whether a validator is called so: by its name, its number, or the first digits of its key.
    func knowsValidator(_ name: String) -> Bool
    /// Where a closed request stands that is called so: by its entry, or the first digits of its
    /// identity.
    func request(called name: String) -> RequestPlaces?
    /// The nullifier that starts with these digits, and the request that spent it last.
    func spender(ofNullifier digits: String) -> (nullifier: Bytes32, request: UInt64)?
    /// What the standing before the batch rests on that opens at an entry.
    func standing(atOpening entry: UInt64) -> StandingPlaces?
    /// Where a bound clamped the reputation of a validator last that is called so; nil where none
    /// ever has.
    func reputation(of name: String) -> ReputationPlaces?
}
