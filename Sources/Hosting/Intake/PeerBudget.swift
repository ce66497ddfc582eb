// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Replication

/// How much of each peer is taken in, so that a flood from one starves nobody else.
///
/// Two token buckets for each validator, of messages and of bytes, and two for all clients
/// together: 4,096 messages and 8 MiB a second, 32 MiB at once (`ReplicationLimits`). What is above
/// is dropped, and nobody is cut off for it. It is asked before anything is decoded: the first byte
/// and the length say enough.
///
/// Invariants, of each bucket: `0 <= messages <= messagesPerSecond` and
/// `0 <= bytes <= messageBytesMax`.
struct PeerBudget {
    private struct Bucket {
        var messages: Int
        var bytes: Int
        var filledAt: UInt64
    }

    private var buckets: [ValidatorIndex?: Bucket] = [:]
    /// Messages dropped so far.
    private(set) var dropped: UInt64 = 0

    /// Whether a message is taken in: of a kind there is, not longer than such a one is, and within
    /// what its sender has left.
    mutating func takes(
        _ kind: PeerMessageKind?, bytes: Int, from peer: ValidatorIndex?, at uptime: UInt64
    ) -> Bool {
        guard let kind, bytes <= kind.bytesMax else {
            dropped += 1
            return false
        }
        let messagesMax = ReplicationLimits.messagesPerSecond
        let bytesMax = ReplicationLimits.messageBytesMax
        var bucket =
            buckets[peer] ?? Bucket(messages: messagesMax, bytes: bytesMax, filledAt: uptime)
        let elapsed = Int(min(uptime - min(uptime, bucket.filledAt), 60_000))
        if elapsed > 0 {
            bucket.messages = min(messagesMax, bucket.messages + elapsed * messagesMax / 1_000)
            bucket.bytes = min(
                bytesMax, bucket.bytes + elapsed * ReplicationLimits.bytesPerSecond / 1_000)
            bucket.filledAt = uptime
        }
        let tokens = kind.tokens(bytes: bytes)
        let isTaken = bucket.messages >= tokens && bucket.bytes >= bytes
        if isTaken {
            bucket.messages -= tokens
            bucket.bytes -= bytes
        } else {
            dropped += 1
        }
        invariant((0...messagesMax).contains(bucket.messages), "\(bucket.messages) messages left")
        invariant((0...bytesMax).contains(bucket.bytes), "\(bucket.bytes) bytes left")
        buckets[peer] = bucket
        return isTaken
    }
}
