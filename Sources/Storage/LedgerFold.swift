// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger

/// Why the entries of a log could not be state.
package enum FoldFailure: Error {
    /// The log cannot be read.
    case log(LogError)
    /// An entry is not the encoding of an event.
    case undecodable(entry: UInt64, DecodingError)
    /// An entry cannot follow those before it.
    case cannotFollow(entry: UInt64, FoldError)
}

/// The fold of a log: the one loop that reads entries, and the one that takes them into a state.
package enum LedgerFold {
    /// Reads the entries of a log in order, and hands each with its index to `body` until that is
    /// false. Another thread reads and decodes ahead.
    ///
    /// - Parameters:
    ///   - base: The index in the ledger of the log's first entry.
    ///   - start: The index in the ledger of the first entry to read.
    ///   - end: The index in the ledger before which it ends; the end of the log where nil.
    package static func forEach(
        _ log: EventLog, base: UInt64 = 0, from start: UInt64, to end: UInt64? = nil,
        _ body: (UInt64, Entry) throws(FoldFailure) -> Bool
    ) throws(FoldFailure) {
        let end = end ?? base + log.size
        guard start < end else { return }
        let ahead = ReadAhead(log, base: base, start..<end)
        defer { ahead.stop() }
        while true {
            let piece = ahead.next()
            // Elements of a span are read where they lie; an iterator copies each.
            let entries = piece.entries.span
            for place in entries.indices {
                guard try body(piece.first + UInt64(place), entries[place]) else { return }
            }
            if let failure = piece.failure { throw failure }
            if piece.entries.isEmpty { return }
        }
    }

    /// Folds the entries from the size of the state on, without checking signatures and without
    /// deriving anything.
    ///
    /// - Parameters:
    ///   - base: The index in the ledger of the log's first entry.
    ///   - end: The index in the ledger before which it ends; the end of the log where nil.
    package static func run(
        _ log: EventLog, base: UInt64 = 0, into state: inout LedgerState, to end: UInt64? = nil
    ) throws(FoldFailure) {
        try forEach(log, base: base, from: state.size, to: end) { _, entry throws(FoldFailure) in
            try apply(entry, to: &state)
            return true
        }
    }

    /// The same for those who look on, which costs a call or two for each entry.
    ///
    /// - Parameters:
    ///   - willApply: Sees each entry before it is applied; false ends the fold before it.
    ///   - didApply: Sees each entry with the state after it, which is `inout` only so that it is
    ///     not copied; false ends the fold after it.
    package static func run(
        _ log: EventLog, base: UInt64 = 0, into state: inout LedgerState, to end: UInt64? = nil,
        willApply: (Entry) -> Bool = { _ in true }, didApply: (Entry, inout LedgerState) -> Bool
    ) throws(FoldFailure) {
        try forEach(log, base: base, from: state.size, to: end) { _, entry throws(FoldFailure) in
            guard willApply(entry) else { return false }
            try apply(entry, to: &state)
            return didApply(entry, &state)
        }
    }

    /// Reads the bytes of the entry with this index.
    package static func read(
        _ bytes: [UInt8], in range: Range<Int>, _ index: UInt64
    ) throws(FoldFailure) -> Entry {
        do throws(DecodingError) { return try Entry(decoding: bytes, in: range) } catch {
            throw .undecodable(entry: index, error)
        }
    }

    /// Applies the next entry.
    package static func apply(
        _ entry: Entry, to state: inout LedgerState
    ) throws(FoldFailure) {
        do throws(FoldError) { try state.apply(entry) } catch {
            throw .cannotFollow(entry: state.size, error)
        }
    }
}

extension FoldFailure {
    /// What is wrong, without the entry.
    package var problem: String {
        switch self {
        case .log(let error): "\(error)"
        case .undecodable(_, let error): "\(error)"
        case .cannotFollow(_, let error): "\(error)"
        }
    }
}

extension StorageError {
    /// What a failed fold means to whoever opens a ledger.
    package init(_ failure: FoldFailure) {
        switch failure {
        case .log(let error): self = .log(error)
        case .undecodable(let entry, _), .cannotFollow(let entry, _):
            self = .entry(entry, problem: failure.problem)
        }
    }
}

extension EventLog {
    /// Adds entries to the next commit and returns the index of the first; none is hashed again.
    package func stage(_ entries: [Entry]) throws(LogError) -> UInt64 {
        try stage(entries.map(\.bytes)[...], leafHashes: entries.map(\.leafHash))
    }
}
