// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// How much of each peer is taken in, so that a flood from one starves nobody else.
///
/// A token bucket for each validator, and one for all clients together. What is over it is dropped
/// before it costs more than its decoding.
struct PeerBudget: Sendable {
    private struct Bucket {
        var tokens = ReplicationLimits.messagesPerSecond
        var filledAt: UInt64
    }

    private var buckets: [ValidatorIndex?: Bucket] = [:]
    /// Messages dropped so far.
    private(set) var dropped: UInt64 = 0

    /// Whether a message of so many bytes is taken in; a batch costs more than a vote.
    mutating func takes(
        bytes: Int, isBatch: Bool, from peer: ValidatorIndex?, at uptime: UInt64
    ) -> Bool {
        let most = ReplicationLimits.messagesPerSecond
        var bucket = buckets[peer] ?? Bucket(filledAt: uptime)
        let elapsed = min(uptime - min(uptime, bucket.filledAt), 1_000)
        let gained = elapsed * most / 1_000
        if gained > 0 {
            bucket.tokens = min(most, bucket.tokens + gained)
            bucket.filledAt = uptime
        }
        let cost =
            (isBatch ? ReplicationLimits.batchTokens : 1) + UInt64(max(0, bytes)) / 1_024
        // A message larger than the bucket passes a full one: else it could never pass.
        let isTaken = bucket.tokens >= min(cost, most)
        if isTaken { bucket.tokens -= min(cost, bucket.tokens) } else { dropped += 1 }
        buckets[peer] = bucket
        return isTaken
    }
}
