// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A component that only grows: the RFC 6962 root of its history stands for it.
package struct History: Equatable, Sendable {
    private var frontier = MerkleFrontier()

    /// The number of records.
    package var count: UInt64 { frontier.count }

    /// The RFC 6962 root of the records.
    package var root: Digest { frontier.root }

    mutating func append(_ record: some BorshCodable) {
        frontier.append(leaf: record.encoded)
    }

    mutating func append(bytes: [UInt8]) { frontier.append(leaf: bytes) }
}

/// The condition of a nullifier that some request has spent.
package struct NullifierCondition: Equatable, Sendable {
    /// The last request that spent it.
    package let request: EntryIndex
    /// Whether it is spent now; false once released.
    package let isSpent: Bool
}
