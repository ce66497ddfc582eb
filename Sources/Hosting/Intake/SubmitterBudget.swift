// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// How many new requests of each submitter are looked at: whether a proof is well formed costs as
/// much as twenty signatures.
///
/// Only requests that the submitter signed count, whoever brings them, so that nobody uses up what
/// is another's.
///
/// Invariant, of each bucket: `0 <= tokens <= requestsMax`.
struct SubmitterBudget {
    /// Requests at once, and in a second.
    static let requestsMax = 2_048
    static let requestsPerSecond = 512

    private var buckets: [PublicKey: (tokens: Int, filledAt: UInt64)] = [:]

    /// Whether one more request of a listed submitter is looked at.
    mutating func takes(from submitter: PublicKey, at uptime: UInt64) -> Bool {
        var bucket = buckets[submitter] ?? (Self.requestsMax, uptime)
        let elapsed = Int(min(uptime - min(uptime, bucket.filledAt), 60_000))
        let gained = elapsed * Self.requestsPerSecond / 1_000
        if gained > 0 {
            bucket.tokens = min(Self.requestsMax, bucket.tokens + gained)
            bucket.filledAt = uptime
        }
        let isTaken = bucket.tokens > 0
        if isTaken { bucket.tokens -= 1 }
        invariant((0...Self.requestsMax).contains(bucket.tokens), "\(bucket.tokens) requests left")
        buckets[submitter] = bucket
        return isTaken
    }
}
