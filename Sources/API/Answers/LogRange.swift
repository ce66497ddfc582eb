// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Ledger
package import Projections

/// A place in a log as people give it: an entry, or a time in UTC.
package enum LogPlace: Equatable, Sendable {
    /// An entry.
    case entry(UInt64)
    /// A time, in milliseconds since 1970 UTC.
    case time(UInt64)

    /// What the texts are like, for people.
    package static let help = "an entry, or a time: 512, 2026-01-01, 2026-01-01T12:00:00Z"

    /// Reads a text; nil for one that is neither.
    package init?(_ text: String) {
        if let entry = UInt64(plain: text) {
            self = .entry(entry)
        } else if let time = UTC.time(text) {
            self = .time(time.rawValue)
        } else {
            return nil
        }
    }
}

/// A range of entries that people give by entries or times, both ends included.
package struct LogRange: Equatable, Sendable {
    /// The first entry or time.
    package var from: LogPlace?
    /// The last entry or time.
    package var to: LogPlace?

    /// Takes both ends; everything where they are not given.
    package init(from: LogPlace? = nil, to: LogPlace? = nil) {
        self.from = from
        self.to = to
    }

    /// Whether the end is before the start, as far as can be told without a ledger.
    package var isReversed: Bool {
        switch (from, to) {
        case (.entry(let from), .entry(let to)), (.time(let from), .time(let to)): to < from
        default: false
        }
    }

    /// The entries that are meant; nil where there are none.
    package func entries(_ views: LedgerViews) throws(ViewError) -> EntryRange? {
        var range = EntryRange()
        switch from {
        case nil: break
        case .entry(let entry): range.from = entry
        case .time(let time):
            guard let entry = try views.firstEntry(at: time) else { return nil }
            range.from = entry
        }
        switch to {
        case nil: break
        case .entry(let entry): range.to = entry
        case .time(let time):
            // Up to the batches of that time: those of later times begin after it.
            if time < .max, let after = try views.firstEntry(at: time + 1) {
                guard after > 0 else { return nil }
                range.to = after - 1
            }
        }
        return range
    }
}
