// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication

/// The bounds of what one validator keeps on its disk, in one place.
package enum HostingLimits {
    /// How old a vote may be when it is sent again without being signed again, in ms.
    ///
    /// Half the life that the ledger gives it, so that it still stands when its batch opens.
    package static let voteFreshMilliseconds: UInt64 = Limits.voteLifeMilliseconds / 2

    /// Bytes of a batch in one entry of a journal; a longer batch takes several entries.
    package static let heldPartBytesMax = 65_000
    /// Entries that a batch takes in a journal.
    package static let heldPartsMax =
        (ReplicationLimits.messageBytesMax + heldPartBytesMax - 1) / heldPartBytesMax
    /// Votes of others that wait for the next commit of a journal; one more makes one.
    package static let waitingEntriesMax = 4096

    /// What a journal gains before it is cut: entries, or bytes.
    package static let cutEntries: UInt64 = 50_000
    package static let cutBytes: UInt64 = 32 << 20

    /// Parts of snapshots, and answers with old batches, that a peer is given at once, and in a
    /// second.
    package static let partsPerSecond: UInt64 = 32
    /// How long batches may be under way before they are sent again, in ms.
    package static let underWayMilliseconds: UInt64 = 150
    /// Bytes of a snapshot that a node starts from.
    package static let snapshotBytesMax: UInt64 = 64 << 30
    /// How long a peer that is asked for a part of a snapshot has, in ms.
    package static let answerMilliseconds: UInt64 = 1_500
    /// How often it is asked for the same part.
    package static let attemptsMax = 2
    /// How often a peer may be silent before it is asked no more; once for saying something wrong.
    package static let strikesMax = 3
    /// How long a peer that is asked for batches has for the next one, in ms.
    package static let batchMilliseconds: UInt64 = 600
    /// Bytes of entries that go from `ahead/` to `ledger/` before anything else is done.
    package static let mergeBytes = 1 << 20

    /// Stops the process where the limits contradict each other.
    static func check() {
        invariant(
            voteFreshMilliseconds < Limits.voteLifeMilliseconds, "a vote is fresh when it is dead")
        invariant(
            heldPartBytesMax + HeldPart.headerBytes <= LogLimits.entryBytesMax,
            "an entry cannot hold a part of a batch")
        invariant(
            heldPartsMax * (heldPartBytesMax + HeldPart.headerBytes + 2)
                + waitingEntriesMax * 1024 <= LogLimits.frameRawBytesMax,
            "a commit cannot hold the longest batch")
        invariant(
            heldPartsMax * heldPartBytesMax >= ReplicationLimits.messageBytesMax,
            "\(heldPartsMax) parts cannot hold the longest batch")
        invariant(
            UInt64(waitingEntriesMax) < cutEntries, "a journal is cut before what waits is in it")
        invariant(partsPerSecond >= 1, "no part of a snapshot is ever given")
        invariant(attemptsMax >= 1 && strikesMax >= 1, "no peer is ever asked")
        invariant(
            1_000 / partsPerSecond < answerMilliseconds,
            "a part comes after whoever asked for it has given up")
        invariant(
            underWayMilliseconds < batchMilliseconds,
            "batches are sent again after whoever asked for them has given up")
        invariant(
            UInt64(ReplicationLimits.snapshotPartBytes) <= snapshotBytesMax,
            "a snapshot may not have one whole part")
        invariant(
            VoteJournal.committedTogether * (LogLimits.entryBytesMax + 2)
                <= LogLimits.frameRawBytesMax,
            "a commit cannot hold \(VoteJournal.committedTogether) of the longest entries")
        invariant(
            2 * ReplicationLimits.messageBytesMax < CaseFile.bytesMax,
            "a case cannot hold two batches")
        invariant(
            SubmitterBudget.requestsPerSecond <= SubmitterBudget.requestsMax,
            "a submitter gains more in a second than it may have")
    }
}
