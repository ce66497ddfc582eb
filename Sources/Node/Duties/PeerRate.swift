// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// So much of each peer at once, and in a second; of so many peers in a second.
struct PeerRate {
    private struct Bucket {
        var tokens: UInt64
        var filledAt: UInt64
    }

    private static let peersMax = NodeLimits.sendersMax

    private let perSecond: UInt64
    private var buckets: [PublicKey: Bucket] = [:]

    init(perSecond: UInt64) { self.perSecond = perSecond }

    /// Whether one more of a party is looked at, which costs this much: at most what a second has.
    mutating func takes(_ peer: PublicKey, costing cost: UInt64 = 1, at uptime: UInt64) -> Bool {
        if buckets[peer] == nil, buckets.count >= Self.peersMax {
            buckets = buckets.filter { $0.value.filledAt + 1_000 > uptime }
            guard buckets.count < Self.peersMax else { return false }
        }
        var bucket = buckets[peer] ?? Bucket(tokens: perSecond, filledAt: uptime)
        let gained = min(uptime - min(uptime, bucket.filledAt), 1_000) * perSecond / 1_000
        if gained > 0 {
            bucket.tokens = min(perSecond, bucket.tokens + gained)
            bucket.filledAt = uptime
        }
        let isTaken = bucket.tokens >= cost
        if isTaken { bucket.tokens -= cost }
        buckets[peer] = bucket
        return isTaken
    }
}
