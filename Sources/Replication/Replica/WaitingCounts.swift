// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How much a replica keeps that no batch holds, for those who watch over it.
package struct WaitingCounts: Equatable, Sendable {
    /// Requests.
    package let requests: Int
    /// Requests that are known only by votes on them.
    package let orphans: Int
    /// Messages other than requests and votes.
    package let others: Int
    /// Pairs of contradicting votes on requests that the ledger does not hold.
    package let contradictions: Int
    /// Bytes of messages for the next height.
    package let earlyBytes: Int
}

extension Replica {
    /// The round of the height in progress.
    package var round: UInt32 { consensus.round }

    /// How much is kept that no batch holds.
    package var waiting: WaitingCounts {
        WaitingCounts(
            requests: pool.requestCount, orphans: pool.orphanCount, others: pool.others.count,
            contradictions: contradictions.count, earlyBytes: catchingUp.earlyBytes)
    }
}
