// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How a node times its rounds; all nodes of a ledger should agree on them.
///
/// In milliseconds. Safety rests on none of them.
package struct ReplicationSettings: Equatable, Sendable {
    /// How long the first round waits for its proposal (L57).
    package var proposeMilliseconds: UInt64 = 800
    /// How long the first round waits for prevotes, or precommits, that differ (L34, L47).
    package var voteMilliseconds: UInt64 = 400
    /// How much longer each further round waits.
    package var roundMilliseconds: UInt64 = 300
    /// The longest wait of any round.
    package var waitMillisecondsMax: UInt64 = 10_000
    /// How long a proposer holds a request back for the votes that would decide it.
    package var gatherMilliseconds: UInt64 = 400
    /// How far two right clocks may differ.
    package var precisionMilliseconds: UInt64 = 500
    /// How long a proposal may be under way before its time reads as too old.
    package var delayMilliseconds: UInt64 = 2_000
    /// Time between two batches where there is no other reason for one.
    package var idleMilliseconds: UInt64 = 30_000
    /// Time without progress after which a node asks a few peers, and time between two such
    /// questions while a height runs.
    package var statusMilliseconds: UInt64 = 200
    /// Time between two statuses while none runs.
    package var idleStatusMilliseconds: UInt64 = 1_000
    /// How far the clock may run ahead of what is known without the operator's word.
    package var clockJumpMilliseconds: UInt64 = 3_600_000

    /// The standard times.
    package init() {}
}
