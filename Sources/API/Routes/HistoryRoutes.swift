// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger
internal import NIOHTTP1
internal import Projections

/// What costs a fold of the whole log, or a walk through it.
extension Routes {
    private struct Lines: Encodable {
        var entries: [LogLine]
        /// What `from` is to be for the next page, where there is one.
        var next: UInt64?
    }

    /// The history of a request, and pages of the log.
    static func addHistories(to router: inout Router, _ desk: NodeDesk) {
        router.get("requests/:id/history") { request in
            _ = try Query(request, known: [])
            return try .json(RequestAnswer(try await history(request.parameter("id"), desk)))
        }
        router.get("log") { request in
            let query = try Query(request, known: ["from", "kind", "limit"])
            let kind = try query.word(
                "kind", EventType.allCases.map(\.jsonName))
            let limit = try query.limit(desk.limits)
            let (log, size) = try desk.log()
            let start = try await start(query.place("from"), size, limit, desk)
            let names = try await desk.state { LedgerNames($0) }
            let page = try await desk.reading.run {
                try lines(log, from: start, to: size, kind, limit, names)
            }
            return try .json(page)
        }
    }

    /// The history of the request that is called so: where the projections say where it stands and
    /// the log bears it out, nothing is folded.
    static func history(_ name: String, _ desk: NodeDesk) async throws -> RequestHistory {
        let entry = try await entry(name, desk)
        let (log, _) = try desk.log()
        let found = try await desk.ask { views throws(ViewError) in
            try ProjectionsIndex.history(ofRequest: entry, in: log, views)
        }
        if let found { return found }
        return try await desk.folding.run {
            do throws(HistoryError) {
                return try RequestHistory.find(.entry(entry), in: log)
            } catch {
                throw APIError.failed("the history cannot be read: \(error)")
            }
        }
    }

    /// The entry from which on a page of the log begins: the last `limit` where nothing is said.
    private static func start(
        _ place: LogPlace?, _ size: UInt64, _ limit: UInt64, _ desk: NodeDesk
    ) async throws -> UInt64 {
        switch place {
        case nil: return size - min(size, limit)
        case .entry(let entry):
            guard entry <= size else {
                throw APIError.wrong("from", "a whole number from 0 to \(size) is wanted")
            }
            return entry
        case .time(let time):
            let entry = try await desk.ask { views throws(ViewError) in
                try views.firstEntry(at: time)
            }
            return min(entry ?? size, size)
        }
    }

    /// The entry of a request that is called so; what is not there costs no fold.
    private static func entry(_ name: String, _ desk: NodeDesk) async throws -> UInt64 {
        try await desk.ask { views throws(ViewError) in try views.request(called: name) }
    }

    /// Entries that one page looks through for a kind that is rare.
    private static let lookedThroughMax: UInt64 = 100_000

    private static func lines(
        _ log: EventLog, from start: UInt64, to size: UInt64, _ kind: String?, _ limit: UInt64,
        _ names: LedgerNames
    ) throws -> Lines {
        var page = Lines(entries: [])
        do throws(ReadingError) {
            var height = try LogLine.height(before: start, in: log)
            let end = min(size, start + min(size - start, lookedThroughMax))
            var reader = EntryReader(log, from: start, to: end)
            page.next = end < size ? end : nil
            while let entry = try reader.entry() {
                if case .batchOpened(let opened) = entry.event { height = opened.height.rawValue }
                guard kind == nil || entry.event.kind == kind else { continue }
                let fields = entry.event.fields.map { $0.named(by: names) }
                page.entries.append(LogLine(entry, height: height, fields: fields))
                if UInt64(page.entries.count) == limit {
                    page.next = entry.index + 1 < size ? entry.index + 1 : nil
                    break
                }
            }
        } catch {
            throw APIError.failed("the log cannot be read: \(error)")
        }
        return page
    }
}
