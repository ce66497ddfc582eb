// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger

/// The part of a ledger that an audit looked at, and what it rests on.
///
/// Two verdicts on one ledger join where the end of the first is the start of the second.
package struct AuditRange: Codable, Equatable, Sendable {
    /// A place between two batches.
    package struct End: Codable, Equatable, Sendable {
        /// The entries before it.
        package var size: UInt64
        /// The last batch before it; 0 also where there is none.
        package var height: UInt64
        /// The root of the log before it, in hexadecimal.
        package var root: String
        /// The root of the state there, computed from the state, in hexadecimal.
        package var stateRoot: String
    }

    /// Where the state at the start comes from.
    package enum Base: String, Codable, Sendable {
        /// Nothing is before it.
        case genesis
        /// A snapshot, of which every root was computed, and the entries after it.
        case snapshot
        /// The entries before it, folded at the word of the log.
        case fold
    }

    /// A signed checkpoint from which the range starts.
    package struct Trusted: Codable, Equatable, Sendable {
        /// The entries that it speaks of.
        package var size: UInt64
        /// The names of the validators whose signatures on it hold.
        package var signers: [String]
        /// How many agree to a batch there.
        package var needed: UInt32
    }

    /// The first entry that was asked for.
    package var from: UInt64
    /// The entry after the last that was asked for; nil for the end of the log.
    package var to: UInt64?
    /// Where it starts; a batch begins there.
    package var start: End
    /// Where it ends; a batch ends there.
    package var end: End
    /// Where the state at the start comes from.
    package var base: Base
    /// Whether the seal before the start names the state at the start. Where it does not, nothing
    /// is derived: the log is wrong before, or the snapshot is.
    package var isSealed: Bool
    /// The file of the snapshot; nil where there is none.
    package var snapshot: String?
    /// Entries that were only folded, between the snapshot or the first entry and the start.
    package var folded: UInt64
    /// The checkpoint; nil where the range starts at an entry that was named.
    package var trusted: Trusted?
    /// The roots of the largest complete subtrees of the log's tree that lie in the range, from
    /// left to right, computed from its entries, in hexadecimal; nil where the tree was not asked
    /// for, and where the range was not looked at to its end.
    package var subtrees: [String]?
    /// What was not looked at.
    package var notChecked: [String] = []
}

/// Which part of a ledger is to be audited.
package struct AuditRangeRequest: Sendable {
    /// The first entry; the range starts with its batch.
    package var from: UInt64
    /// The entry after the last; the range ends with the batch of the last. The end of the log
    /// where nil.
    package var to: UInt64?
    /// The checkpoint from whose size it starts, with the name of its file.
    package let since: (checkpoint: SignedCheckpoint, file: String)?
    /// Where the state at the start is looked for.
    package let base: AuditBase

    /// From an entry on.
    package init(from: UInt64, to: UInt64? = nil, base: AuditBase = .search) {
        self.from = from
        self.to = to
        self.base = base
        since = nil
    }

    /// From a checkpoint on.
    package init(since checkpoint: SignedCheckpoint, file: String) {
        from = checkpoint.head.size
        since = (checkpoint, file)
        base = .search
    }
}

/// Where the state at the start of a range is looked for. None of it is believed: its roots are
/// computed, and compared with the seal before the range.
package enum AuditBase: Sendable {
    /// In the snapshots beside the log; what they do not hold is folded.
    case search
    /// The same, for one of several pieces: a state that the log does not seal serves as well,
    /// since the piece before it tells why.
    case piece
    /// In this file of a snapshot.
    case file(String)
    /// This is it, after the last batch that ends at or before the start.
    case state(LedgerState)

    /// Whether a state serves that the log does not seal.
    var allowsUnsealed: Bool {
        if case .search = self { return false }
        return true
    }
}

/// Why a part of a ledger cannot be judged.
package enum RangeError: Error {
    /// The log cannot be opened, or the disk fails.
    case log(LogError)
    /// The log is empty.
    case empty
    /// The range has no entry in it, or ends behind the log.
    case outOfRange(from: UInt64, to: UInt64, size: UInt64)
    /// The entries before the range cannot be folded.
    case before(entry: UInt64, problem: String)
    /// The state before the range is not the one that its seal names.
    case otherSeal(entry: UInt64)
    /// The snapshot that was named does not serve.
    case snapshot(file: String, problem: String)
    /// No validator signed the checkpoint.
    case unsigned(file: String)
    /// The checkpoint is of another ledger.
    case otherLedger(file: String)
    /// What was done before is not of this range.
    case otherProgress(String)
}

extension RangeError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .log(let error): "\(error)"
        case .empty: "the log is empty"
        case .outOfRange(let from, let to, let size):
            "the range from \(from) to \(to) is not in the log, which has \(size) entries, from 0"
                + " to \(max(size, 1) - 1)"
        case .before(let entry, let problem):
            "entry \(entry), before the range, cannot be folded: \(problem); audit the whole ledger"
        case .otherSeal(let entry):
            "the state before the range is not the one that entry \(entry) seals; audit the whole"
                + " ledger"
        case .snapshot(let file, let problem):
            "the snapshot \(file) does not serve: \(problem); name another, or leave --snapshot out"
        case .unsigned(let file):
            "\(file) says nothing: no validator of this ledger signed it; use a checkpoint of this"
                + " ledger, or --from"
        case .otherLedger(let file): "\(file) is a checkpoint of another ledger"
        case .otherProgress(let why):
            "what was done before does not belong to this range: \(why); remove the file or name"
                + " another"
        }
    }
}
