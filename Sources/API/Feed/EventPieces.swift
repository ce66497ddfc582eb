// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger
internal import NIOCore

/// A run of entries as server-sent events.
struct EventPiece: Sendable {
    /// The events.
    let bytes: ByteBuffer
    /// The entry after the last.
    let end: UInt64
}

/// Makes the events of entries, once for all who want the same ones.
///
/// Who follows the ledger asks for what each batch has added: the same piece for all of them.
actor EventPieces {
    private struct Key: Hashable, Sendable {
        let start: UInt64
        let end: UInt64
    }

    private let desk: NodeDesk
    private var made: Remembered<Key, EventPiece>
    private var making: [Key: Task<EventPiece, any Error>] = [:]
    private var names = LedgerNames(validators: [])

    init(_ desk: NodeDesk) {
        self.desk = desk
        made = Remembered(countMax: desk.limits.piecesMax)
    }

    /// The events from an entry on, at most so many as are made at once; nil where there are none.
    func piece(from start: UInt64) async throws -> EventPiece? {
        let (log, size) = try desk.log()
        guard start < size else { return nil }
        // Pieces end at the same places for those who are behind.
        let grid = desk.limits.eventsAtOnce
        let key = Key(start: start, end: min(size, (start / grid + 1) * grid))
        if let found = made[key] { return found }
        if let task = making[key] { return try await task.value }
        let task = Task { try await self.make(key, log) }
        making[key] = task
        defer { making[key] = nil }
        let piece = try await task.value
        made.add(key, piece)
        return piece
    }

    private func make(_ key: Key, _ log: EventLog) async throws -> EventPiece {
        for _ in 0..<2 {
            let names = names
            let (piece, isNamed) = try await desk.reading.run {
                try Self.render(key, log, names)
            }
            if isNamed { return piece }
            self.names = try await desk.state { LedgerNames($0) }
        }
        // Somebody in it has no name yet: their numbers do.
        let names = names
        return try await desk.reading.run { try Self.render(key, log, names).0 }
    }

    /// The events, and whether all parties in them have names.
    private static func render(
        _ key: Key, _ log: EventLog, _ names: LedgerNames
    ) throws -> (EventPiece, Bool) {
        var bytes = ByteBuffer()
        var isNamed = true
        do throws(ReadingError) {
            var height = try LogLine.height(before: key.start, in: log)
            var reader = EntryReader(log, from: key.start, to: key.end)
            while let entry = try reader.entry() {
                if case .batchOpened(let opened) = entry.event { height = opened.height.rawValue }
                let fields = entry.event.fields
                if fields.contains(where: { $0.value.isBeyond(names) }) { isNamed = false }
                let line = LogLine(
                    entry, height: height, fields: fields.map { $0.named(by: names) })
                bytes.writeString(
                    "id: \(entry.index)\nevent: \(entry.event.kind)\ndata: ")
                bytes.writeString(AnswerJSON.lenient(line))
                bytes.writeString("\n\n")
            }
        } catch {
            throw APIError.failed("the log cannot be read: \(error)")
        }
        return (EventPiece(bytes: bytes, end: key.end), isNamed)
    }
}
