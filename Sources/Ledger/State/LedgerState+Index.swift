// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The tables that the records of the components that only grow stand for.
extension LedgerState {
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
        try records.forEachRange { place, chunk, range throws(SnapshotError) in
            if chunk[range.lowerBound] == 65 {
                let record: OutcomeRecord = try Self.decode(chunk, range, "outcomes")
                let entry = record.event.request
                guard decisions[entry] == nil else { throw .malformed(part: "outcomes") }
                decisions[entry] = DecisionPlaces(outcome: place)
                // Another entry of the same request would take its votes.
                guard (requestEntries.updateValue(entry, forKey: record.id) ?? entry) == entry
                else { throw .malformed(part: "outcomes") }
            } else {
                let record: CloseRecord = try Self.decode(chunk, range, "outcomes")
                guard let places = decisions[record.event.about], places.close == nil else {
                    throw .malformed(part: "outcomes")
                }
                decisions[record.event.about]?.close = place
            }
        }
    }

    mutating func indexNullifiers() throws(SnapshotError) {
        nullifiers.reserveCapacity(Int(nullifierHistory.records.count))
        try nullifierHistory.records.forEach { _, record throws(SnapshotError) in
            // Tag, request, nullifier: see `NullifierChanged`.
            guard record.count == 41, record[0] == 66 || record[0] == 67,
                let nullifier = Bytes32(record, at: 9)
            else { throw .malformed(part: "nullifiers") }
            var request: UInt64 = 0
            for place in 0..<8 { request |= UInt64(record[1 + place]) << UInt64(8 * place) }
            nullifiers[nullifier] = NullifierCondition(
                request: EntryIndex(request), isSpent: record[0] == 66)
        }
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
            switch try Self.decode(chunk, range, "outbox") as Event {
            case .settlementOrdered(let event) where decisions[event.request]?.order == nil:
                decisions[event.request]?.order = place
            case .settlementReported(let event) where decisions[event.request]?.report == nil:
                decisions[event.request]?.report = place
            default: throw .malformed(part: "outbox")
            }
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
