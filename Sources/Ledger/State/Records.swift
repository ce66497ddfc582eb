// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Where the records of a decided request are.
struct DecisionPlaces: Sendable {
    /// Its `OutcomeRecord`, in the outcomes.
    let outcome: RecordPosition
    /// Its `CloseRecord`, in the outcomes.
    var close: RecordPosition?
    /// Its `SettlementOrdered`, in the outbox.
    var order: RecordPosition?
    /// Its `SettlementReported`, in the outbox.
    var report: RecordPosition?
}

/// Where the records of a decided job are.
struct JobPlaces: Sendable {
    /// Its `JobDecided`, in the jobs.
    let decision: RecordPosition
    /// Its `JobCloseRecord`, in the jobs.
    var close: RecordPosition?
}

/// What the outcomes keep of a decision: the event with its tag, then what later rules read.
struct OutcomeRecord: BorshCodable {
    let event: OutcomeDecided
    let id: RequestID
    let nullifiers: [Bytes32]
    let validators: [ValidatorIndex]

    init(
        event: OutcomeDecided, id: RequestID, nullifiers: [Bytes32], validators: [ValidatorIndex]
    ) {
        self.event = event
        self.id = id
        self.nullifiers = nullifiers
        self.validators = validators
    }

    func encode(to writer: inout BorshWriter) {
        writer.write(Event.outcomeDecided(event))
        writer.write(id)
        writer.write(nullifiers)
        writer.write(validators)
    }

    init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        guard case .outcomeDecided(let event) = try Event(from: &reader) else {
            throw .notCanonical(type: "OutcomeRecord", offset: start)
        }
        self.event = event
        id = try RequestID(from: &reader)
        nullifiers = try reader.list32(of: "nullifiers", bound: Limits.nullifiersMax)
        validators = try reader.list(bound: Limits.membersMax)
    }
}

/// What the outcomes keep of a close: the event with its tag, then the votes by pinned place.
struct CloseRecord: BorshCodable {
    let event: RoundClosed
    let votes: [Vote?]

    init(event: RoundClosed, votes: [Vote?]) {
        self.event = event
        self.votes = votes
    }

    func encode(to writer: inout BorshWriter) {
        writer.write(Event.roundClosed(event))
        writer.write(votes)
    }

    init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        guard case .roundClosed(let event) = try Event(from: &reader) else {
            throw .notCanonical(type: "CloseRecord", offset: start)
        }
        self.event = event
        votes = try reader.optionals(bound: Limits.membersMax)
    }
}

/// What the jobs keep of a close: the event with its tag, then the job and who said what.
struct JobCloseRecord: BorshCodable {
    let event: RoundClosed
    let id: JobID
    let validators: [ValidatorIndex]
    /// SHA-256 of what each reported, by place in `validators`; zero where it reported nothing.
    let results: [Digest]

    init(event: RoundClosed, id: JobID, validators: [ValidatorIndex], results: [Digest]) {
        self.event = event
        self.id = id
        self.validators = validators
        self.results = results
    }

    func encode(to writer: inout BorshWriter) {
        writer.write(Event.roundClosed(event))
        writer.write(id)
        writer.write(validators)
        writer.write(results.map(\.value))
    }

    init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        guard case .roundClosed(let event) = try Event(from: &reader) else {
            throw .notCanonical(type: "JobCloseRecord", offset: start)
        }
        self.event = event
        id = try JobID(from: &reader)
        validators = try reader.list(bound: Limits.membersMax)
        results = try reader.list32(of: "results", bound: Limits.membersMax).map { Digest($0) }
        guard results.count == validators.count else {
            throw .notCanonical(type: "JobCloseRecord", offset: start)
        }
    }
}
