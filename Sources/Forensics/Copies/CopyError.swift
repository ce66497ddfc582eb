// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Hosting
package import Ledger
package import Storage

/// Why a copy of a ledger's history cannot be read.
package enum CopyError: Error {
    /// There is nothing of this name, or nothing that is a copy.
    case notACopy(path: String)
    /// The disk failed.
    case disk(DiskError)
    /// The log failed, or is damaged.
    case log(LogError)
    /// The folder of tiles failed, or is damaged.
    case tiles(TileError)
    /// The file is no checkpoint.
    case note(path: String, NoteError)
    /// The file is no snapshot.
    case snapshot(path: String, SnapshotFlaw)
    /// The file is a case that cannot be read.
    case brokenCase(path: String, CaseFault)
    /// The file is a case that does not hold together: what does not.
    case unboundCase(path: String, problem: String)
    /// An entry is no event.
    case undecodable(entry: UInt64, DecodingError)
    /// The batch around an entry neither begins nor ends within the bound.
    case batchTooLong(entry: UInt64, bound: Int)

    /// Whether bytes of the copy are missing or changed; else it could only not be read.
    package var isDamage: Bool {
        switch self {
        case .log(.damaged), .tiles(.damaged), .tiles(.damagedEdge), .undecodable: true
        default: false
        }
    }
}

extension CopyError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .notACopy(let path):
            "\(path) is no copy of a ledger: name a ledger, the home of a validator, a local"
                + " network, a folder of tiles, a checkpoint, a snapshot or a case"
        case .disk(let error): "the disk failed: \(error)"
        case .log(let error): "\(error)"
        case .tiles(let error): "\(error)"
        case .note(let path, let error): "\(path) is no snapshot, case or checkpoint: \(error)"
        case .snapshot(let path, let flaw): "\(path): \(flaw)"
        case .brokenCase(let path, let fault): "\(path): \(fault)"
        case .unboundCase(let path, let problem):
            "\(path) does not hold together: \(problem); recount case verify says more"
        case .undecodable(let entry, let error): "entry \(entry) is no event: \(error)"
        case .batchTooLong(let entry, let bound):
            "the batch around entry \(entry) has more than \(bound) entries"
        }
    }
}
