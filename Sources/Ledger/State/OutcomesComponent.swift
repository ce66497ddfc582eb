// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What was decided of each request, and who had voted what when its round closed. It only grows.
///
/// Invariants:
/// - a record for each decision, and one for each close of a round, in the order of the log;
/// - `places[e].outcome` is where the one `OutcomeRecord` of the request of entry e is; its
///   `close`, once there, where its one `CloseRecord` is, which comes behind it;
/// - `places[e].order` and `report` are places in the outbox: one record each, and a report only
///   where there is an order.
struct OutcomesComponent: RecordedComponent {
    static let kind = StateComponent.outcomes

    /// Where the records of the decided requests are.
    private(set) var places = KeyedTable<EntryIndex, DecisionPlaces>()
    var history = RecordedHistory()

    /// None.
    init() {}

    // MARK: Its part of `apply`

    mutating func decide(_ event: OutcomeDecided, of round: Round) {
        let record = OutcomeRecord(
            event: event, id: round.id, nullifiers: round.request.nullifiers,
            validators: round.pinned.members.map(\.index))
        places[event.request] = DecisionPlaces(outcome: history.append(record.encoded))
    }

    mutating func close(_ event: RoundClosed, of round: Round) {
        let record = CloseRecord(event: event, votes: round.votes.map { $0?.event.vote })
        let count = history.count
        places[event.about]?.close = history.append(record.encoded)
        invariant(
            history.count == count + 1, "round \(event.about.rawValue) closes without a decision")
    }

    /// Notes where the outbox has the order to pay a request.
    mutating func note(order place: RecordPosition, of request: EntryIndex) {
        places[request]?.order = place
    }

    /// Notes where the outbox has the report on a payment.
    mutating func note(report place: RecordPosition, of request: EntryIndex) {
        places[request]?.report = place
    }

    // MARK: What was recorded

    /// The decision on a request; nil where there is none yet.
    func decided(at entry: EntryIndex, _ outbox: OutboxComponent) -> DecidedRequest? {
        guard let places = places[entry] else { return nil }
        let outcome: OutcomeRecord = history.read(places.outcome)
        invariant(
            outcome.event.request == entry,
            "\(outcome.event.request.rawValue) is decided in the place of \(entry.rawValue)")
        let close: CloseRecord? = places.close.map { history.read($0) }
        invariant(
            (close?.event.about ?? entry) == entry,
            "another request is closed in the place of \(entry.rawValue)")
        return DecidedRequest(
            id: outcome.id, decision: outcome.event, nullifiers: outcome.nullifiers,
            validators: outcome.validators, votes: close?.votes ?? [], isClosed: close != nil,
            settlement: places.order.flatMap(outbox.order),
            report: places.report.flatMap(outbox.report))
    }

    /// The records of these requests, in the order in which they were appended.
    func records(of requests: Set<EntryIndex>) -> [[UInt8]] {
        history.records(at: requests.compactMap { places[$0] }.flatMap { [$0.outcome, $0.close] })
    }
}

// MARK: - Its part of a snapshot

extension OutcomesComponent {
    /// Finds the places of the records again.
    ///
    /// - Parameter requests: The entries of the open rounds, to which those of the decided are
    ///   added.
    init(
        records: RecordStore, requests: inout KeyedTable<RequestID, EntryIndex>
    ) throws(SnapshotError) {
        var places = KeyedTable<EntryIndex, DecisionPlaces>()
        // Nearly every request has two records; the store has checked that they are there.
        places.reserveCapacity(Int(records.count / 2) + 1)
        requests.reserveCapacity(requests.count + Int(records.count / 2) + 1)
        var block: [(key: RequestID, value: EntryIndex)] = []
        try records.forEachRange { place, chunk, range throws(SnapshotError) in
            if chunk[range.lowerBound] == 65 {
                let (entry, id) = try Self.decision(chunk, range)
                guard places.updateValue(DecisionPlaces(outcome: place), forKey: entry) == nil
                else { throw .malformed(part: "outcomes") }
                block.append((id, entry))
                if block.count == RecordStore.indexedTogether {
                    try Self.index(&block, in: &requests)
                }
            } else {
                let entry = try Self.close(chunk, range)
                let isFirst = places.change(entry) { places in
                    defer { places.close = place }
                    return places.close == nil
                }
                guard isFirst else { throw .malformed(part: "outcomes") }
            }
        }
        try Self.index(&block, in: &requests)
        self.places = places
        history = RecordedHistory(unverified: records)
    }

    private static func index(
        _ block: inout [(key: RequestID, value: EntryIndex)],
        in requests: inout KeyedTable<RequestID, EntryIndex>
    ) throws(SnapshotError) {
        // Another entry of the same request would take its votes.
        guard requests.update(block, isGood: ==) else { throw .malformed(part: "outcomes") }
        block.removeAll(keepingCapacity: true)
    }

    /// The request that a record decides, and its identity.
    private static func decision(
        _ chunk: [UInt8], _ range: Range<Int>
    ) throws(SnapshotError) -> (EntryIndex, RequestID) {
        if let glance = RecordGlance.decision(chunk.span.extracting(range)) { return glance }
        let record: OutcomeRecord = try RecordStore.decode(chunk, range, of: kind)
        return (record.event.request, record.id)
    }

    /// The request that a record closes.
    private static func close(
        _ chunk: [UInt8], _ range: Range<Int>
    ) throws(SnapshotError) -> EntryIndex {
        if let glance = RecordGlance.close(chunk.span.extracting(range)) { return glance }
        let record: CloseRecord = try RecordStore.decode(chunk, range, of: kind)
        return record.event.about
    }

    /// Finds an order or a report of the outbox again; returns whether it is the first of its kind
    /// for a request that is decided, and a report one of what was ordered.
    mutating func index(_ record: OutboxRecord, at place: RecordPosition) -> Bool {
        switch record {
        case .ordered(let entry):
            places.change(entry) { places in
                defer { places.order = place }
                return places.order == nil
            }
        case .reported(let entry):
            places.change(entry) { places in
                defer { places.report = place }
                return places.order != nil && places.report == nil
            }
        }
    }
}
