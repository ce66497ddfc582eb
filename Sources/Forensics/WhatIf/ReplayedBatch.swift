// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// A batch of the log that its own rules have given again: what the other run is told of it.
struct ReplayedBatch: Sendable {
    /// An input of the log.
    struct Step: Sendable {
        /// The place of its entry in the log, from 0.
        let entry: UInt64
        /// The kind of the entry.
        let kind: String
        /// What was taken in.
        let input: Input
        /// Why it was refused, where that is recorded.
        let refusal: Refusal?
    }

    /// A request that was closed.
    struct Closed: Sendable {
        /// Its identity.
        let id: RequestID
        /// The entry that introduced it.
        let entry: UInt64
        /// What became of it.
        let decision: RunDecision
    }

    /// The inputs, in order.
    var steps: [Step] = []
    /// The name of who proposed it; nil for batch 0.
    var proposer: String?
    /// The requests that were decided in it.
    var decided: [(id: RequestID, outcome: Outcome)] = []
    /// The requests that were closed in it.
    var closed: [Closed] = []
}
