// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import NIOCore
internal import NIOHTTP1

/// The entries of the ledger as they come: server-sent events.
extension Routes {
    /// `GET /events`: an event for each entry, whose id is the entry.
    static func addEvents(to router: inout Router, _ desk: NodeDesk) {
        let subscribers = Places(desk.limits.subscribersMax)
        let pieces = EventPieces(desk)
        router.get("events") { request in
            let query = try Query(request, known: ["from"])
            let (_, size) = try desk.log()
            var start = try query.number("from") ?? size
            var field = "from"
            if let text = request.headers.first(name: "Last-Event-ID") {
                guard let last = UInt64(plain: text), last < UInt64.max else {
                    throw APIError.wrong("Last-Event-ID", "it is no entry")
                }
                (start, field) = (last + 1, "Last-Event-ID")
            }
            guard start <= size else {
                throw APIError.wrong(
                    field, "the ledger holds \(size) entries", reason: "outOfRange")
            }
            guard subscribers.reserve() else { throw APIError.busy("too many follow the ledger") }
            let place = Held { subscribers.giveBack() }
            let from = start
            return Response(
                status: .ok,
                headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-store"],
                body: .stream { writer in
                    defer { place.giveBack() }
                    try await follow(from: from, desk, pieces, writer)
                })
        }
    }

    /// Writes events until the node ends or the reader is gone. A reader that has all is given the
    /// rest by the herald; one that does not read waits here with one piece, until the guard of its
    /// connection drops it.
    private static func follow(
        from start: UInt64, _ desk: NodeDesk, _ pieces: EventPieces,
        _ writer: BodyWriter
    ) async throws {
        let reader = StreamReader(writer.channel)
        var next = start
        try await writer.write(ByteBuffer(string: ": events from entry \(start)\n\n"))
        while !desk.feed.signal.isOver {
            if let piece = try await pieces.piece(from: next) {
                try await writer.write(piece.bytes)
                next = piece.end
                continue
            }
            switch await desk.herald.follow(reader, from: next) {
            case .behind(let entry): next = entry
            case .gone, .over: return
            }
        }
    }
}
