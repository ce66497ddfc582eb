// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// How much each peer is answered, in bytes and in work, so that a question costs whoever asks.
///
/// Invariants, of each peer: `0 <= work <= answerWorkPerSecond`, `bytes <= answerBytesPerSecond`;
/// bytes fall below 0, for an answer is paid after it is given.
struct AnswerBudget: Sendable {
    private struct Bucket {
        var bytes: Int
        var work: Int
        var filledAt: UInt64
    }

    private var buckets: [ValidatorIndex: Bucket] = [:]

    /// Whether a peer is answered; what it costs is paid with it.
    ///
    /// Who has some bytes left is answered, and owes what the answer has more.
    mutating func takes(work: Int, from peer: ValidatorIndex, at uptime: UInt64) -> Bool {
        let bytesMax = ReplicationLimits.answerBytesPerSecond
        let workMax = ReplicationLimits.answerWorkPerSecond
        var bucket = buckets[peer] ?? Bucket(bytes: bytesMax, work: workMax, filledAt: uptime)
        let elapsed = Int(min(uptime - min(uptime, bucket.filledAt), 60_000))
        if elapsed >= 10 {
            bucket.bytes = min(bytesMax, bucket.bytes + elapsed * bytesMax / 1_000)
            bucket.work = min(workMax, bucket.work + elapsed * workMax / 1_000)
            bucket.filledAt = uptime
        }
        let isTaken = bucket.bytes > 0 && bucket.work >= work
        if isTaken { bucket.work -= work }
        invariant(bucket.work >= 0, "\(bucket.work) answers are left to a peer")
        invariant(bucket.work <= workMax, "\(bucket.work) answers of \(workMax) are left")
        invariant(bucket.bytes <= bytesMax, "\(bucket.bytes) bytes of \(bytesMax) are left")
        buckets[peer] = bucket
        return isTaken
    }

    /// Takes the bytes of an answer from whoever asked for it.
    mutating func pay(_ bytes: Int, from peer: ValidatorIndex) {
        invariant(bytes >= 0, "an answer of \(bytes) bytes")
        buckets[peer]?.bytes -= bytes
    }
}
