// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog

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
    /// The file of the snapshot; nil where there is none.
    package var snapshot: String?
    /// Entries that were only folded, between the snapshot or the first entry and the start.
    package var folded: UInt64
    /// The checkpoint; nil where the range starts at an entry that was named.
    package var trusted: Trusted?
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

    /// From an entry on.
    package init(from: UInt64, to: UInt64? = nil) {
        self.from = from
        self.to = to
        since = nil
    }

    /// From a checkpoint on.
    package init(since checkpoint: SignedCheckpoint, file: String) {
        from = checkpoint.head.size
        since = (checkpoint, file)
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
                + " to \(Int64(size) - 1)"
        case .before(let entry, let problem):
            "entry \(entry), before the range, cannot be folded: \(problem); audit the whole ledger"
        case .otherSeal(let entry):
            "the state before the range is not the one that entry \(entry) seals; audit the whole"
                + " ledger"
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
