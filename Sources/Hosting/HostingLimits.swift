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
    }
}
