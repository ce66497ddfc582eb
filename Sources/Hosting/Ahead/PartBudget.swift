// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// How many parts of snapshots, and answers with old batches, each peer is given.
///
/// Invariant, of each bucket: `tokens <= partsPerSecond`.
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
        invariant(bucket.tokens <= most, "\(bucket.tokens) parts left of \(most)")
        buckets[peer] = bucket
        return isTaken
    }

    /// Takes some more for what was given to a peer, as far as there are any.
    mutating func pay(_ count: UInt64, from peer: ValidatorIndex) {
        guard let tokens = buckets[peer]?.tokens else { return }
        buckets[peer]?.tokens = tokens - min(tokens, count)
    }
}
