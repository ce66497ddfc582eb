// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The payments that were ordered, and what the bridge reported of them. It only grows.
///
/// Invariants:
/// - a record, the bytes of its event, for each order and each report, in the order of the log;
/// - `pending` rises strictly, and holds exactly the requests with an order and no report, as
///   `OutcomesComponent.places` has them;
/// - each request is ordered at most once, after its decision, and reported at most once, after its
///   order.
struct OutboxComponent: RecordedComponent {
    static let kind = StateComponent.outbox

    /// The requests whose settlement is ordered and not reported, in order of their entries.
    private(set) var pending: [EntryIndex] = []
    var history = RecordedHistory()

    /// None.
    init() {}

    // MARK: Its part of `apply`

    /// Keeps the bytes of an order as they are, and tells the outcomes where.
    mutating func order(
        _ event: SettlementOrdered, _ taken: Entry, _ outcomes: inout OutcomesComponent
    ) throws(FoldError) {
        guard outcomes.places[event.request] != nil else {
            throw .unknown(
                kind: .settlementOrdered, field: "request", value: event.request.rawValue)
        }
        outcomes.note(order: history.append(taken), of: event.request)
        let place = pending.firstIndex { $0 > event.request } ?? pending.count
        pending.insert(event.request, at: place)
    }

    /// Keeps the bytes of a report as they are, and tells the outcomes where.
    mutating func report(
        _ event: SettlementReported, _ taken: Entry, _ outcomes: inout OutcomesComponent
    ) throws(FoldError) {
        guard outcomes.places[event.request]?.order != nil else {
            throw .unknown(
                kind: .settlementReported, field: "request", value: event.request.rawValue)
        }
        outcomes.note(report: history.append(taken), of: event.request)
        pending.removeOrdered(event.request)
    }

    // MARK: What was recorded

    /// The order at a place; nil where a report is there.
    func order(at place: RecordPosition) -> SettlementOrdered? {
        guard case .settlementOrdered(let event) = history.read(place) as Event else { return nil }
        return event
    }

    /// The report at a place; nil where an order is there.
    func report(at place: RecordPosition) -> SettlementReported? {
        guard case .settlementReported(let event) = history.read(place) as Event else { return nil }
        return event
    }

    /// The records of these requests, in the order in which they were appended.
    func records(of requests: Set<EntryIndex>, _ outcomes: OutcomesComponent) -> [[UInt8]] {
        history.records(
            at: requests.compactMap { outcomes.places[$0] }.flatMap { [$0.order, $0.report] })
    }
}

// MARK: - Its root and its part of a snapshot

/// What a record of the outbox is, and of which request.
enum OutboxRecord {
    case ordered(EntryIndex)
    case reported(EntryIndex)
}

extension OutboxComponent {
    func encodeRoot(to writer: inout BorshWriter) {
        writer.write(history.history)
        writer.write(pending)
    }

    func encodeFixed(to writer: inout BorshWriter) { writer.write(pending) }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        pending = try reader.list(bound: Int(UInt32.max))
    }

    /// Tells the outcomes where the records are, behind what `init(fixed:)` read.
    mutating func restore(
        _ records: RecordStore, _ outcomes: inout OutcomesComponent
    ) throws(SnapshotError) {
        try records.forEachRange { place, chunk, range throws(SnapshotError) in
            guard outcomes.index(try Self.record(chunk, range), at: place) else {
                throw .malformed(part: "outbox")
            }
        }
        history = RecordedHistory(unverified: records)
    }

    private static func record(
        _ chunk: [UInt8], _ range: Range<Int>
    ) throws(SnapshotError) -> OutboxRecord {
        let record = chunk.span.extracting(range)
        if let entry = RecordGlance.order(record) { return .ordered(entry) }
        if let entry = RecordGlance.report(record) { return .reported(entry) }
        switch try RecordStore.decode(chunk, range, of: kind) as Event {
        case .settlementOrdered(let event): return .ordered(event.request)
        case .settlementReported(let event): return .reported(event.request)
        default: throw .malformed(part: "outbox")
        }
    }
}

// MARK: - Its soundness

extension OutboxComponent {
    /// Whether entries come before the end of the log.
    func isWithinBounds(size: UInt64) -> Bool { pending.allSatisfy { $0.rawValue < size } }

    /// What is named must be there, so that later events and rules find it.
    func checkReferences(_ outcomes: OutcomesComponent) throws(SnapshotError) {
        for entry in pending {
            guard let places = outcomes.places[entry], places.order != nil, places.report == nil
            else { throw .malformed(part: "outbox") }
        }
    }
}
