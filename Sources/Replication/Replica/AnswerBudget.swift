// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

/// How much each peer is answered, in bytes and in work, so that a question costs whoever asks.
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
        buckets[peer] = bucket
        return isTaken
    }

    /// Takes the bytes of an answer from whoever asked for it.
    mutating func pay(_ bytes: Int, from peer: ValidatorIndex) { buckets[peer]?.bytes -= bytes }
}
