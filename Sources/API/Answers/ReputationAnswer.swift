// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Projections

/// The reputation of a validator and what changed it: what `recount show reputation --json` prints.
package struct ReputationAnswer: Codable, Sendable {
    /// The number of the validator.
    package let validator: UInt64
    /// Its name: 1 to 32 characters of `a-z 0-9 - .`.
    package let name: String
    /// Its key: 64 hexadecimal digits.
    package let key: String
    /// In thousandths of a point.
    package let reputation: UInt64
    /// What changed it, by causes.
    package let causes: [CauseView]
    /// The newest changes, oldest first.
    package let changes: [ReputationView]

    /// That of the validator that is called so: by its number, its name, or digits of its key.
    package init(
        _ name: String, newest: UInt64, _ views: LedgerViews
    ) throws(ViewError) {
        let number = try views.validator(called: name)
        guard let row = try views.party(number) else { throw .notFound }
        validator = number
        self.name = row.name
        key = row.key
        reputation = row.reputation
        causes = try views.causes(of: number)
        changes = try views.reputation(of: number, newest: newest)
    }
}
