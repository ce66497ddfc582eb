// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What is wrong with bytes of a log.
package enum Flaw: Equatable, Sendable {
    /// The bytes end before the structure does.
    case endsEarly(neededBytes: UInt64, availableBytes: UInt64)
    /// There are bytes where the file should have ended.
    case bytesAfterEnd(count: UInt64)
    /// A structure does not start with its magic.
    case magic(expected: String)
    /// A version, reserved field or compression that this format never writes.
    case field(String, value: UInt64)
    /// A number outside its bounds.
    case outOfBounds(String, value: UInt64, max: UInt64)
    /// A checksum does not match what it covers.
    case checksum(of: String, stored: UInt64, computed: UInt64)
    /// A frame does not follow the one before it.
    case chain(expected: UInt64, found: UInt64)
    /// Entries are missing or there twice: another index was due here.
    case firstIndex(expected: UInt64, found: UInt64)
    /// LZ4 could not restore a payload.
    case compression
    /// The lengths of the entries do not add up to the payload.
    case entryLengths
    /// A root that is kept differs from the one of the entries.
    case root(of: String, stored: Digest, computed: Digest)
    /// The size that is kept differs from the number of entries.
    case size(stored: UInt64, found: UInt64)
    /// The list of frames in a footer differs from the frames.
    case frameList(frame: UInt64)
    /// A bad frame is not the last: a good one follows at this offset.
    case frameFollows(offset: UInt64)
    /// The footer says that a segment follows, and there is none.
    case segmentMissing
    /// A segment without which the log is not whole has no footer.
    case footerMissing
    /// The file does not belong there.
    case unexpectedFile
    /// The file's name is not the hash of what it holds.
    case nameIsNotHash
    /// The log is shorter than what is known to have been committed.
    case shorterThanKnown(known: UInt64, found: UInt64)
    /// A tile, where the log is read from a folder of tiles.
    case tile(TileFlaw)
}

/// What the log answers instead of an entry.
package enum LogError: Error, Equatable, Sendable {
    /// The disk failed.
    case disk(DiskError)
    /// A sync failed: what is durable is unknown until the log is opened again. The process exits.
    case syncFailed(DiskError)
    /// A failure, now or earlier, left the log unusable until it is opened again.
    case unusable(DiskError)
    /// A log was to be made in a directory that holds something already.
    case directoryNotEmpty(path: String, found: String)
    /// There is no log in the directory.
    case notALog(path: String)
    /// Another process writes the log.
    case locked(path: String, holder: Int32?)
    /// A newer version of this program wrote the file.
    case newerFormat(file: String, version: UInt16, known: UInt16)
    /// Something is missing or changed, at `offset` of `file`, in or before entry `entry`.
    case damaged(file: String, offset: UInt64, entry: UInt64, Flaw)
    /// The log was opened for reading only.
    case readOnly
    /// The log was closed.
    case closed
    /// An entry has no bytes or too many.
    case entryLength(bytes: Int, max: Int)
    /// The staged entries do not fit into one commit; commit first.
    case commitFull(entries: Int, rawBytes: Int)
    /// There is no such entry, or no such size.
    case outOfRange(index: UInt64, size: UInt64)
    /// A blob is larger than blobs may be.
    case blobTooLarge(bytes: UInt64, max: Int)
    /// There is no blob of this hash.
    case blobMissing(Digest)
}
