// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import Cryptography
package import EventLog
internal import Ledger

/// An entry of a log as one line of JSON: what `recount log --json` prints and events say.
package struct LogLine: Encodable, Sendable {
    private let field: Field

    /// - Parameters:
    ///   - height: The batch in which the entry stands.
    ///   - fields: The fields of its event, with names.
    package init(_ entry: LoggedEntry, height: UInt64, fields: [NamedField]) {
        field = .record([
            NamedField("entry", .number(entry.index)), NamedField("batch", .number(height)),
            NamedField("kind", .text(entry.event.kind)), NamedField("fields", .record(fields)),
        ])
    }

    package func encode(to encoder: any Encoder) throws { try field.encode(to: encoder) }

    /// The batch that is open before an entry: that of the last opening before it.
    package static func height(
        before entry: UInt64, in log: EventLog
    ) throws(ReadingError) -> UInt64 {
        var end = min(entry, log.size)
        while end > 0 {
            let start = end > 512 ? end - 512 : 0
            var found: UInt64?
            var reader = EntryReader(log, from: start, to: end)
            while let entry = try reader.entry() {
                if case .batchOpened(let opened) = entry.event { found = opened.height.rawValue }
            }
            if let found { return found }
            end = start
        }
        return 0
    }
}

/// An entry with every field of it: what `recount show entry --json` prints.
package struct EntryAnswer: Encodable, Sendable {
    /// Position, kind, length and leaf hash.
    package let head: [NamedField]
    /// What it says, with names.
    package let fields: [NamedField]

    /// Takes the fields of its event, with names.
    package init(_ entry: LoggedEntry, fields: [NamedField]) {
        head = [
            NamedField("entry", .number(entry.index)), NamedField("kind", .text(entry.event.kind)),
            NamedField("bytes", .number(UInt64(entry.byteCount))),
            NamedField("leaf_hash", .hex(entry.leafHash.hex)),
        ]
        self.fields = fields
    }

    package func encode(to encoder: any Encoder) throws {
        try Field.record(head + [NamedField("fields", .record(fields))]).encode(to: encoder)
    }
}
