// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// How many parts of snapshots, and of batches beside the replica, each peer may ask for.
struct PartBudget {
    private struct Bucket {
        var tokens: UInt64
        var filledAt: UInt64
    }

    private var buckets: [ValidatorIndex: Bucket] = [:]

    /// Whether one more is given to a peer; `HostingLimits.partsPerSecond` at once and in a second.
    mutating func takes(from peer: ValidatorIndex, at uptime: UInt64) -> Bool {
        let most = HostingLimits.partsPerSecond
        var bucket = buckets[peer] ?? Bucket(tokens: most, filledAt: uptime)
        let elapsed = min(uptime - min(uptime, bucket.filledAt), 1_000)
        let gained = elapsed * most / 1_000
        if gained > 0 {
            bucket.tokens = min(most, bucket.tokens + gained)
            bucket.filledAt = uptime
        }
        let isTaken = bucket.tokens > 0
        if isTaken { bucket.tokens -= 1 }
        buckets[peer] = bucket
        return isTaken
    }
}
