// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of everything that replication keeps or takes in, in one place.
package enum ReplicationLimits {
    /// Bytes of one message between nodes.
    package static let messageBytesMax = 32 << 20
    /// Entries of one batch, its derived events among them.
    package static let batchEntriesMax = 1 << 20
    /// Requests that one message asks for.
    package static let wantedMax = 256
    /// Rounds below the current one whose votes are kept.
    package static let roundsBehindMax: UInt32 = 32
    /// Rounds above the current one whose votes are kept.
    package static let roundsAheadMax: UInt32 = 8
    /// Different values that one validator may vote for in one round before the rest is dropped.
    package static let valuesPerVoterMax = 2
    /// Different proposals that are kept of one round.
    package static let proposalsPerRoundMax = 2
}
