// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
package import EventLog
package import Ledger
package import NIOCore
internal import Synchronization

/// A run of entries as server-sent events.
package struct EventPiece: Sendable {
    /// The events.
    package let bytes: ByteBuffer
    /// The entry after the last.
    package let end: UInt64
}

/// Makes the events of entries, once for all who want the same ones.
///
/// Who follows the ledger asks for what each batch has added: the same piece for all of them.
actor EventPieces {
    private let desk: NodeDesk
    private var made: Remembered<Range<UInt64>, EventPiece>
    private var making: [Range<UInt64>: Task<EventPiece, any Error>] = [:]

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
        let key = start..<min(size, (start / grid + 1) * grid)
        if let found = made[key] { return found }
        if let task = making[key] { return try await task.value }
        let task = Task { try await self.make(key, log) }
        making[key] = task
        defer { making[key] = nil }
        let piece = try await task.value
        made.add(key, piece)
        return piece
    }

    private func make(_ range: Range<UInt64>, _ log: EventLog) async throws -> EventPiece {
        for _ in 0..<2 {
            let names = desk.herald.names.withLock { $0 }
            let (piece, isNamed) = try await desk.reading.run {
                try EventPiece.render(range, log, names)
            }
            if isNamed { return piece }
            let known = try await desk.state { LedgerNames($0) }
            desk.herald.names.withLock { $0 = known }
        }
        // Somebody in it has no name yet: their numbers do.
        let names = desk.herald.names.withLock { $0 }
        return try await desk.reading.run { try EventPiece.render(range, log, names).0 }
    }
}

extension EventPiece {
    /// The events of a range of entries, and whether all parties in them have names.
    package static func render(
        _ range: Range<UInt64>, _ log: EventLog, _ names: LedgerNames
    ) throws -> (EventPiece, isNamed: Bool) {
        var bytes = ByteBuffer()
        var isNamed = true
        do throws(ReadingError) {
            var height: UInt64?
            var reader = EntryReader(log, from: range.lowerBound, to: range.upperBound)
            while let entry = try reader.entry() {
                if case .batchOpened(let opened) = entry.event { height = opened.height.rawValue }
                // What a batch has added begins with its opening: no need to look for one before.
                let batch: UInt64
                if let height {
                    batch = height
                } else {
                    batch = try LogLine.height(before: entry.index, in: log)
                }
                height = batch
                let fields = entry.event.fields
                if fields.contains(where: { $0.value.isBeyond(names) }) { isNamed = false }
                let line = LogLine(
                    entry, height: batch, fields: fields.map { $0.named(by: names) })
                bytes.writeString(
                    "id: \(entry.index)\nevent: \(entry.event.kind)\ndata: ")
                bytes.writeString(AnswerJSON.lenient(line))
                bytes.writeString("\n\n")
            }
        } catch {
            throw APIError.failed("the log cannot be read: \(error)")
        }
        return (EventPiece(bytes: bytes, end: range.upperBound), isNamed)
    }
}
