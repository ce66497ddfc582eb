// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The tables that the records of the components that only grow stand for.
extension LedgerState {
    /// Keys that a table looks for at the same time.
    private static let indexedTogether = 64

    mutating func indexRoots() throws(SnapshotError) {
        var indexed = roots
        try rootHistory.records.forEach { _, record throws(SnapshotError) in
            guard record.count == 34, let root = Bytes32(record, at: 2) else {
                throw .malformed(part: "roots")
            }
            let circuit = Int(record[0]) | Int(record[1]) << 8
            guard indexed.indices.contains(circuit) else { throw .malformed(part: "roots") }
            indexed[circuit].insert(root)
        }
        roots = indexed
    }

    mutating func indexOutcomes() throws(SnapshotError) {
        let records = outcomeHistory.records
        // Nearly every request has two records; the store has checked that they are there.
        decisions.reserveCapacity(Int(records.count / 2) + 1)
        requestEntries.reserveCapacity(requestEntries.count + Int(records.count / 2) + 1)
        var requests: [(key: RequestID, value: EntryIndex)] = []
        try records.forEachRange { place, chunk, range throws(SnapshotError) in
            if chunk[range.lowerBound] == 65 {
                let (entry, id) = try Self.decision(chunk, range)
                guard decisions.updateValue(DecisionPlaces(outcome: place), forKey: entry) == nil
                else { throw .malformed(part: "outcomes") }
                requests.append((id, entry))
                if requests.count == Self.indexedTogether { try indexRequests(&requests) }
            } else {
                let entry = try Self.close(chunk, range)
                let isFirst = decisions.change(entry) { places in
                    defer { places.close = place }
                    return places.close == nil
                }
                guard isFirst else { throw .malformed(part: "outcomes") }
            }
        }
        try indexRequests(&requests)
    }

    private mutating func indexRequests(
        _ requests: inout [(key: RequestID, value: EntryIndex)]
    ) throws(SnapshotError) {
        // Another entry of the same request would take its votes.
        guard requestEntries.update(requests, isGood: ==) else {
            throw .malformed(part: "outcomes")
        }
        requests.removeAll(keepingCapacity: true)
    }

    /// What the records of the nullifiers stand for.
    static func nullifierTable(
        of records: RecordStore
    ) throws(SnapshotError) -> KeyedTable<Bytes32, NullifierCondition> {
        var table = KeyedTable<Bytes32, NullifierCondition>()
        table.reserveCapacity(Int(records.count))
        var block: [(key: Bytes32, value: NullifierCondition)] = []
        try records.forEach { _, record throws(SnapshotError) in
            // Tag, request, nullifier: see `NullifierChanged`.
            guard record.count == 41, record[0] == 66 || record[0] == 67,
                let nullifier = Bytes32(record, at: 9), let request = record.word(at: 1)
            else { throw .malformed(part: "nullifiers") }
            let condition = NullifierCondition(
                request: EntryIndex(request), isSpent: record[0] == 66)
            block.append((nullifier, condition))
            if block.count == indexedTogether {
                _ = table.update(block) { _, _ in true }
                block.removeAll(keepingCapacity: true)
            }
        }
        _ = table.update(block) { _, _ in true }
        return table
    }

    mutating func indexJobs() throws(SnapshotError) {
        try jobHistory.records.forEachRange { place, chunk, range throws(SnapshotError) in
            if chunk[range.lowerBound] == 75 {
                guard case .jobDecided(let event) = try Self.decode(chunk, range, "jobs") as Event,
                    decidedJobs[event.job] == nil
                else { throw .malformed(part: "jobs") }
                decidedJobs[event.job] = JobPlaces(decision: place)
            } else {
                let record: JobCloseRecord = try Self.decode(chunk, range, "jobs")
                guard let places = decidedJobs[record.event.about], places.close == nil else {
                    throw .malformed(part: "jobs")
                }
                let entry = record.event.about
                decidedJobs[entry]?.close = place
                guard (jobEntries.updateValue(entry, forKey: record.id) ?? entry) == entry else {
                    throw .malformed(part: "jobs")
                }
            }
        }
    }

    mutating func indexEvidence() throws(SnapshotError) {
        try evidenceHistory.records.forEachRange { _, chunk, range throws(SnapshotError) in
            guard
                case .equivocationFound(let event) =
                    try Self.decode(chunk, range, "evidence") as Event
            else { throw .malformed(part: "evidence") }
            convictions.insert(Conviction(validator: event.validator, slot: event.slot))
        }
    }

    mutating func indexOutbox() throws(SnapshotError) {
        try outboxHistory.records.forEachRange { place, chunk, range throws(SnapshotError) in
            let isFirst: Bool
            switch try Self.outboxEntry(chunk, range) {
            case .ordered(let entry):
                isFirst = decisions.change(entry) { places in
                    defer { places.order = place }
                    return places.order == nil
                }
            case .reported(let entry):
                isFirst = decisions.change(entry) { places in
                    defer { places.report = place }
                    return places.report == nil
                }
            }
            guard isFirst else { throw .malformed(part: "outbox") }
        }
    }

    /// What is named must be there, so that later events and rules find it.
    func checkReferences() throws(SnapshotError) {
        for entry in openRounds {
            guard (rounds[entry]?.decided != nil) == (decisions[entry] != nil),
                decisions[entry]?.close == nil,
                let round = rounds[entry],
                round.pinned.members.allSatisfy({ validator($0.index)?.key == $0.key })
            else { throw .malformed(part: "rounds") }
        }
        for entry in openJobs {
            guard let job = jobs[entry], (job.decided != nil) == (decidedJobs[entry] != nil),
                job.assigned?.validators.allSatisfy({ validator($0) != nil }) ?? true
            else { throw .malformed(part: "jobs") }
        }
        for entry in pendingSettlements {
            guard let places = decisions[entry], places.order != nil, places.report == nil else {
                throw .malformed(part: "outbox")
            }
        }
    }
}

// MARK: - Single records

extension LedgerState {
    private enum OutboxEntry {
        case ordered(EntryIndex)
        case reported(EntryIndex)
    }

    /// The request that a record of the outcomes decides, and its identity.
    private static func decision(
        _ chunk: [UInt8], _ range: Range<Int>
    ) throws(SnapshotError) -> (EntryIndex, RequestID) {
        if let glance = RecordGlance.decision(chunk.span.extracting(range)) { return glance }
        let record: OutcomeRecord = try decode(chunk, range, "outcomes")
        return (record.event.request, record.id)
    }

    /// The request that a record of the outcomes closes.
    private static func close(
        _ chunk: [UInt8], _ range: Range<Int>
    ) throws(SnapshotError) -> EntryIndex {
        if let glance = RecordGlance.close(chunk.span.extracting(range)) { return glance }
        let record: CloseRecord = try decode(chunk, range, "outcomes")
        return record.event.about
    }

    private static func outboxEntry(
        _ chunk: [UInt8], _ range: Range<Int>
    ) throws(SnapshotError) -> OutboxEntry {
        let record = chunk.span.extracting(range)
        if let entry = RecordGlance.order(record) { return .ordered(entry) }
        if let entry = RecordGlance.report(record) { return .reported(entry) }
        switch try decode(chunk, range, "outbox") as Event {
        case .settlementOrdered(let event): return .ordered(event.request)
        case .settlementReported(let event): return .reported(event.request)
        default: throw .malformed(part: "outbox")
        }
    }

    private static func decode<T: BorshCodable>(
        _ chunk: [UInt8], _ range: Range<Int>, _ part: String
    ) throws(SnapshotError) -> T {
        do throws(DecodingError) {
            return try T(decoding: chunk, in: range)
        } catch {
            throw .undecodable(part: part, error)
        }
    }
}
