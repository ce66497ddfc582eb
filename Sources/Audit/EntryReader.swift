// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger

/// An entry of the log with what it says.
package struct LoggedEntry: Sendable {
    /// Its position.
    package let index: UInt64
    /// The entry.
    package let entry: Entry

    /// The index counts from 0.
    package init(index: UInt64, entry: Entry) {
        self.index = index
        self.entry = entry
    }

    /// Reads an entry that was not read from a log.
    package init(index: UInt64, bytes: [UInt8]) throws(DecodingError) {
        self.init(index: index, entry: try Entry(decoding: bytes))
    }

    /// What it says.
    package var event: Event { entry.event }

    /// The number of its bytes.
    package var byteCount: Int { entry.byteCount }

    /// Its canonical bytes; a copy.
    package var bytes: [UInt8] { entry.bytes }

    /// Its hash as a leaf of the log's tree.
    package var leafHash: Digest { entry.leafHash }
}

/// Why the entries of a log cannot be read on.
package enum ReadingError: Error {
    /// The log itself failed.
    case log(LogError)
    /// An entry is not the encoding of an event.
    case undecodable(entry: UInt64, DecodingError)
}

extension ReadingError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .log(let error): "\(error)"
        case .undecodable(let entry, let error):
            "entry \(entry) is not an event: \(describe(error))"
        }
    }
}

/// Reads the entries of a log in order, some frames at a time.
///
/// It is asked, where `LedgerFold.forEach` calls: the audit reads the batch after the one at hand,
/// so that its proofs are looked at meanwhile, and goes on behind an entry that cannot follow.
package struct EntryReader {
    /// Frames are read until they hold so many entries.
    private static let pageEntries = 8_192
    private static let batchEntriesMax = 1 << 22

    private let log: EventLog
    private let end: UInt64
    private var next: UInt64
    private var page: [LogFrame] = []
    /// The frame in the page, and the entry in the frame, that come next.
    private var frame = 0
    private var place = 0

    /// Reads entries from `start` up to `end`, exclusive; all where they are not given.
    package init(_ log: EventLog, from start: UInt64 = 0, to end: UInt64? = nil) {
        self.log = log
        self.end = min(end ?? log.size, log.size)
        next = start
    }

    /// Returns the next entry, or nil at the end.
    package mutating func entry() throws(ReadingError) -> LoggedEntry? {
        guard next < end else { return nil }
        if frame == page.count { try fill() }
        let source = page[frame]
        do throws(DecodingError) {
            let entry = try Entry(decoding: source.bytes, in: source.range(of: place))
            defer { advance() }
            return LoggedEntry(index: next, entry: entry)
        } catch {
            throw .undecodable(entry: next, error)
        }
    }

    private mutating func advance() {
        next += 1
        place += 1
        if place == page[frame].count {
            frame += 1
            place = 0
        }
    }

    /// Returns the entries up to the next `BatchSealed`, inclusive, or before the next
    /// `BatchOpened`, or to the end of the log; nil at the end.
    ///
    /// An entry that cannot be read ends the batch before it, and is thrown at the next call.
    package mutating func batch() throws(ReadingError) -> [LoggedEntry]? {
        var entries: [LoggedEntry] = []
        while entries.count < Self.batchEntriesMax {
            let before = self
            do throws(ReadingError) {
                guard let entry = try entry() else { break }
                if case .batchOpened = entry.event, !entries.isEmpty {
                    self = before
                    break
                }
                entries.append(entry)
                if case .batchSealed = entry.event { break }
            } catch {
                guard entries.isEmpty else { break }
                throw error
            }
        }
        return entries.isEmpty ? nil : entries
    }

    /// Reads whole frames, so that none is read twice, up to a page or more.
    private mutating func fill() throws(ReadingError) {
        var frames: [LogFrame] = []
        var entries = 0
        do throws(LogError) {
            try log.forEachFrame(from: next, to: end) { frame in
                frames.append(frame)
                entries += frame.count
                return entries < Self.pageEntries
            }
        } catch {
            throw .log(error)
        }
        page = frames
        frame = 0
        place = Int(next - frames[0].firstIndex)
    }
}
