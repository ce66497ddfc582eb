// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// Why a ledger was not recovered. Nothing was changed then but files under temporary names.
package enum RecoveryError: Error, Equatable, Sendable {
    /// The checkpoint vouches for no entries.
    case emptyCheckpoint
    /// The copy is the damaged ledger itself.
    case sameDirectory(path: String)
    /// There is something in the directory, and it is no ledger.
    case notALedger(path: String, found: String)
    /// Another process holds the ledger, or recovers it.
    case running(path: String, holder: Int32?)
    /// The directory holds another ledger than the checkpoint speaks of.
    case targetIsOtherLedger(path: String, expected: LedgerID, found: LedgerID)
    /// The copy holds another ledger than the checkpoint speaks of.
    case otherLedger(place: String, expected: LedgerID, found: LedgerID)
    /// The copy is shorter than what the checkpoint vouches for.
    case sourceTooShort(place: String, size: UInt64, needed: UInt64)
    /// The roots of the copy's tiles do not lead to the root of the checkpoint.
    case notVouchedFor(place: String, expected: Digest, computed: Digest)
    /// Entries that are needed are damaged in the copy too.
    case sourceDamaged(place: String, tile: UInt64, file: String, problem: String)
    /// The copy cannot be read.
    case sourceUnreadable(place: String, problem: String)
    /// The checkpoint's size lies within a batch.
    case withinBatch(size: UInt64)
    /// An entry that the checkpoint vouches for cannot follow those before it.
    case rules(entry: UInt64, problem: String)
    /// An earlier recovery, against another checkpoint, was interrupted at its last step.
    case otherRecovery(path: String)
    /// What was written reads back otherwise.
    case writtenOtherwise(path: String, problem: String)
    /// The new log could not be written.
    case log(LogError)
    /// The disk failed.
    case disk(DiskError)
}

extension RecoveryError: CustomStringConvertible {
    /// What happened and what to do, for a person.
    package var description: String {
        switch self {
        case .emptyCheckpoint: "the checkpoint vouches for no entries: nothing can be recovered"
        case .sameDirectory(let path): "\(path) cannot be recovered from itself: name another copy"
        case .notALedger(let path, let found):
            "\(path) is no ledger: it holds \(found); name the directory of a ledger"
        case .running(let path, let holder):
            "another process\(holder.map { ", \($0)," } ?? "") holds \(path): stop it first"
        case .targetIsOtherLedger(let path, let expected, let found):
            "\(path) holds the ledger \(found.hex), and the checkpoint is of \(expected.hex)"
        case .otherLedger(let place, let expected, let found):
            "the copy in \(place) is of the ledger \(found.hex), and the checkpoint is of"
                + " \(expected.hex)"
        case .sourceTooShort(let place, let size, let needed):
            "the copy in \(place) holds \(size) entries, and the checkpoint vouches for \(needed):"
                + " find a newer copy, or trust an older checkpoint"
        case .notVouchedFor(let place, let expected, let computed):
            "the copy in \(place) is not the ledger that this checkpoint vouches for: its root is"
                + " \(computed.hex) at that size, and the checkpoint's is \(expected.hex)"
        case .sourceDamaged(let place, let tile, let file, let problem):
            "tile \(tile) (entries \(tile * 256) on) is needed from the copy in \(place) and is"
                + " damaged there too, in \(file): \(problem); recover from a third copy"
        case .sourceUnreadable(let place, let problem):
            "the copy in \(place) cannot be read: \(problem)"
        case .withinBatch(let size):
            "the checkpoint's size of \(size) lies within a batch: trust one of a sealed batch"
        case .rules(let entry, let problem):
            "entry \(entry) is the one that the checkpoint vouches for, and cannot follow those"
                + " before it: \(problem); use the program that wrote it"
        case .otherRecovery(let path):
            "\(path) holds a ledger recovered against another checkpoint, by a run that was"
                + " interrupted: repeat that one, or move \(path) away"
        case .writtenOtherwise(let path, let problem):
            "\(path) reads otherwise than it was written, so this disk cannot be trusted:"
                + " \(problem)"
        case .log(let error): "\(error)"
        case .disk(let error): "the disk failed: \(error)"
        }
    }
}
