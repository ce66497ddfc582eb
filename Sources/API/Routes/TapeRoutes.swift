// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger

/// The log as a tape: what kind each entry is, and nothing else of it.
extension Routes {
    private struct Tape: Encodable, Sendable {
        /// The first entry.
        var from: UInt64
        /// The batch in which the first entry stands.
        var batch: UInt64
        /// The tag of each entry (`/kinds`), in order.
        var tags: [UInt8] = []
        /// What `from` is to be for what follows, where something does.
        var next: UInt64?
    }

    /// Entries of one piece of tape.
    private static let cellsMax: UInt64 = 10_000

    /// `GET /tape`.
    static func addTape(to router: inout Router, _ desk: NodeDesk) {
        router.get("tape") { request in
            let query = try Query(request, known: ["from", "limit"])
            let limit = try query.number("limit", 1...cellsMax) ?? 1_000
            let (log, size) = try desk.log()
            let from = try query.number("from", 0...size) ?? size - min(size, limit)
            let piece = try await desk.reading.run { try tape(log, from, from + limit, size) }
            return try .json(piece)
        }
    }

    private static func tape(
        _ log: EventLog, _ from: UInt64, _ wanted: UInt64, _ size: UInt64
    ) throws -> Tape {
        let end = min(wanted, size)
        do throws(ReadingError) {
            var tape = Tape(
                from: from, batch: try LogLine.height(before: from, in: log),
                next: end < size ? end : nil)
            var reader = EntryReader(log, from: from, to: end)
            while let entry = try reader.entry() {
                if tape.tags.isEmpty, case .batchOpened(let opened) = entry.event {
                    tape.batch = opened.height.rawValue
                }
                tape.tags.append(entry.event.tag)
            }
            return tape
        } catch { throw APIError.failed("the log cannot be read: \(error)") }
    }
}
