// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger

/// An entry of the log with what it says.
package struct LoggedEntry: Sendable {
    /// Its position.
    package let index: UInt64
    /// Its canonical bytes.
    package let bytes: [UInt8]
    /// What it says.
    package let event: Event
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

/// Reads the entries of a log in order, a page at a time.
package struct EntryReader {
    private static let pageEntries: UInt64 = 2_048
    private static let batchEntriesMax = 1 << 22

    private let log: EventLog
    private let end: UInt64
    private var next: UInt64
    private var page: [[UInt8]] = []
    private var place = 0

    /// Reads entries from `start` up to `end`, exclusive; all where they are not given.
    package init(_ log: EventLog, from start: UInt64 = 0, to end: UInt64? = nil) {
        self.log = log
        self.end = min(end ?? log.size, log.size)
        next = start
    }

    /// Returns the next entry, or nil at the end.
    package mutating func entry() throws(ReadingError) -> LoggedEntry? {
        if place == page.count {
            guard next < end else { return nil }
            try fill()
        }
        let bytes = page[place]
        let index = next - UInt64(page.count - place)
        do throws(DecodingError) {
            let event = try Event(decoding: bytes)
            place += 1
            return LoggedEntry(index: index, bytes: bytes, event: event)
        } catch {
            throw .undecodable(entry: index, error)
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

    private mutating func fill() throws(ReadingError) {
        let stop = min(next + Self.pageEntries, end)
        var entries: [[UInt8]] = []
        entries.reserveCapacity(Int(stop - next))
        do {
            try log.forEach(from: next, to: stop) { _, span in
                var bytes: [UInt8] = []
                bytes.reserveCapacity(span.count)
                for position in span.indices { bytes.append(span[position]) }
                entries.append(bytes)
            }
        } catch let error as LogError {
            throw .log(error)
        } catch {
            fatalError("reading a log threw another error: \(error)")
        }
        page = entries
        place = 0
        next = stop
    }
}
