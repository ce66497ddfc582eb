// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// Why a ledger was not backed up.
package enum BackupError: Error, Equatable, Sendable {
    /// The copy would lie in the ledger, or the other way round.
    case sameDirectory(path: String)
    /// There is something in the directory, and it is no ledger.
    case notALedger(path: String, found: String)
    /// Another process holds the copy.
    case running(path: String, holder: Int32?)
    /// The directory holds a copy of another ledger.
    case otherLedger(path: String, expected: LedgerID, found: LedgerID)
    /// The copy holds more than the ledger.
    case newer(path: String, copySize: UInt64, size: UInt64)
    /// The copy holds other entries than the ledger.
    case forked(path: String, before: UInt64)
    /// The ledger holds no whole batch.
    case noBatch
    /// The ledger cannot be read, or the copy not be written.
    case log(LogError)
    /// The disk failed.
    case disk(DiskError)
}

extension BackupError: CustomStringConvertible {
    /// What happened and what to do, for a person.
    package var description: String {
        switch self {
        case .sameDirectory(let path): "\(path) lies in the other: choose another directory"
        case .notALedger(let path, let found):
            "\(path) holds \(found) and is no copy of a ledger: choose a new directory"
        case .running(let path, let holder):
            "another process\(holder.map { ", \($0)," } ?? "") holds \(path)"
        case .otherLedger(let path, let expected, let found):
            "\(path) is a copy of the ledger \(found.hex), and this one is \(expected.hex):"
                + " choose another directory"
        case .newer(let path, let copySize, let size):
            "\(path) holds \(copySize) entries and the ledger only \(size): if the ledger has lost"
                + " some, recover it from there; nothing was changed"
        case .forked(let path, let before):
            "\(path) holds another history: it differs from the ledger before entry \(before);"
                + " find out which is right; nothing was changed"
        case .noBatch: "the ledger holds no whole batch yet"
        case .log(let error): "\(error)"
        case .disk(let error): "the disk failed: \(error)"
        }
    }
}

/// What a backup did.
package struct BackupReport: Equatable, Sendable {
    /// The number of entries of the copy, and their root.
    package var size: UInt64 = 0
    package var root = Digest.ofNothing
    /// What was done to the segments.
    package var log = LogCopyReport()
    /// Blobs that were copied, that were there, and that are damaged in the ledger itself.
    package var blobsCopied = 0
    package var blobsReused = 0
    package var blobsDamaged: [Digest] = []
    /// The height of the snapshot in the copy, and whether it was copied now.
    package var snapshot: Height?
    package var snapshotCopied = false
    /// Checkpoints that were copied, and that were there.
    package var checkpointsCopied = 0
    package var checkpointsReused = 0
    /// All bytes that were written, and that were there.
    package var bytesCopied: UInt64 = 0
    package var bytesReused: UInt64 = 0
    /// What else a person should hear.
    package var notices: [String] = []
}
