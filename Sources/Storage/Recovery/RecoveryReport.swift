// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What an operator trusts: that the ledger `ledger`, at this size, has this root.
package struct TrustedHead: Hashable, Sendable {
    /// The ledger: SHA-256 of its first entry.
    package let ledger: LedgerID
    /// The number of entries; a batch ends there.
    package let size: UInt64
    /// The RFC 6962 root of them.
    package let root: Digest

    /// The head with these parts.
    package init(ledger: LedgerID, size: UInt64, root: Digest) {
        self.ledger = ledger
        self.size = size
        self.root = root
    }
}

/// How far a recovery has come.
package struct RecoveryProgress: Equatable, Sendable {
    /// What is done now.
    package enum Step: Equatable, Sendable {
        /// The ledger that is there is looked at.
        case examining
        /// Entries are written, from what is left or from the copy.
        case writing
        /// Entries that no checkpoint covers are looked at.
        case beyond
        /// What was written is read back.
        case verifying
        /// Blobs and checkpoints are copied, a snapshot is written.
        case completing
    }

    /// What is done now.
    package let step: Step
    /// The entries that this step is through with.
    package let entries: UInt64
    /// How many they will be.
    package let total: UInt64
}

/// What a recovery did.
package struct RecoveryReport: Equatable, Sendable {
    /// How it ended.
    package enum Outcome: Equatable, Sendable {
        /// The ledger was whole and is the one that is vouched for; nothing was changed.
        case nothingToDo
        /// The ledger was written anew.
        case recovered
        /// An earlier run had written it, and was interrupted before it gave it its name.
        case finishedEarlierRun
    }

    /// How it ended.
    package var outcome = Outcome.nothingToDo
    /// The number of entries of the ledger now, and their root.
    package var size: UInt64 = 0
    package var root = Digest.ofNothing
    /// The tiles of 256 entries that were whole here, and those taken from the copy.
    package var tilesKept: UInt64 = 0
    package var tilesFetched: UInt64 = 0
    /// The bytes of the entries that were taken from the copy.
    package var bytesFetched: UInt64 = 0
    /// The entries in the tiles that were taken from the copy, in ranges, ascending.
    package var fetched: [Range<UInt64>] = []
    /// Whole batches of the damaged ledger beyond the checkpoint, which were kept: the checkpoint
    /// does not cover them, but they were derived again, and a quorum ordered each.
    package var batchesBeyond: UInt64 = 0
    package var entriesBeyond: UInt64 = 0
    /// The largest size that the damaged ledger is known to have had. Where it is above `size`,
    /// entries are lost, or left in the damaged copy.
    package var sizeKnownBefore: UInt64 = 0
    /// Blobs that were good here, taken from the copy, and found on neither side.
    package var blobsKept = 0
    package var blobsFetched = 0
    package var blobsMissing: [Digest] = []
    /// Checkpoints that were kept, and the names of those that were not, being damaged or
    /// inconsistent with the ledger.
    package var checkpointsKept = 0
    package var checkpointsDropped: [String] = []
    /// The height of the snapshot that was written; older ones were dropped.
    package var snapshot: Height?
    package var snapshotsDropped = 0
    /// Where the damaged ledger is now; nil where there was none.
    package var damagedCopy: String?
    /// What else a person should hear.
    package var notices: [String] = []

    mutating func fetched(_ range: Range<UInt64>) {
        if let last = fetched.last, last.upperBound == range.lowerBound {
            fetched[fetched.count - 1] = last.lowerBound..<range.upperBound
        } else {
            fetched.append(range)
        }
    }
}
