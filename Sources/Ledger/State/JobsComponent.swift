// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The compute jobs: those that are not closed, and what is kept of all others.
///
/// Invariants:
/// - `open` rises strictly, and `jobs` holds a job for exactly these entries;
/// - `entries[id]` is the entry of each job, open or closed, and stays for ever;
/// - a job has one place for a result of each validator drawn, none of whom stands twice, and none
///   before it is assigned;
/// - a record for each decision and one for each close, in the order of the log;
///   `places[e].decision` is where the one `JobDecided` of the job of entry e is, and `close`, once
///   there, where its one `JobCloseRecord` is;
/// - a job is in `places` exactly where it is decided, and has a close exactly where it is not in
///   `open`.
struct JobsComponent: RecordedComponent {
    static let kind = StateComponent.jobs

    /// The jobs that are not closed, in order of their entries.
    private(set) var open: [EntryIndex] = []
    private(set) var jobs: [EntryIndex: Job] = [:]
    /// The entries of all jobs.
    private(set) var entries: [JobID: EntryIndex] = [:]
    /// Where the records of the decided jobs are.
    private(set) var places: [EntryIndex: JobPlaces] = [:]
    var history = RecordedHistory()

    /// None.
    init() {}

    // MARK: What was recorded

    /// What is kept of a job; nil where it is not closed.
    func closed(at entry: EntryIndex) -> ClosedJob? {
        guard let places = places[entry], let place = places.close,
            case .jobDecided(let decision) = history.read(places.decision) as Event
        else { return nil }
        let close: JobCloseRecord = history.read(place)
        return ClosedJob(
            id: close.id, decision: decision, validators: close.validators,
            results: close.results.map { $0 == .zero ? nil : $0 })
    }

    /// The decisions of all jobs that are closed, in the order in which they were decided.
    ///
    /// Reads the records of all jobs.
    var closed: [JobDecided] {
        var result: [JobDecided] = []
        history.records.forEach { place, record in
            guard record[0] == 75,
                case .jobDecided(let event) = history.read(place) as Event,
                places[event.job]?.close != nil
            else { return }
            result.append(event)
        }
        return result
    }

    /// The records of these jobs, in the order in which they were appended.
    func records(of wanted: Set<EntryIndex>) -> [[UInt8]] {
        history.records(at: wanted.compactMap { places[$0] }.flatMap { [$0.decision, $0.close] })
    }
}

// MARK: - Its part of `apply`

extension JobsComponent {
    mutating func submit(_ event: JobSubmitted, as id: JobID, _ entry: EntryIndex) {
        invariant(
            open.last.map { $0 < entry } ?? true,
            "job \(entry.rawValue) is submitted behind a later one")
        jobs[entry] = Job(entry: entry, id: id, submitted: event)
        open.append(entry)
        entries[id] = entry
        checkCounts()
    }

    private func checkCounts() {
        invariant(jobs.count == open.count, "\(jobs.count) jobs are kept, \(open.count) open")
    }

    mutating func assign(
        _ event: JobAssigned, _ validators: ValidatorsComponent
    ) throws(FoldError) {
        guard jobs[event.job] != nil else {
            throw .unknown(kind: .jobAssigned, field: "job", value: event.job.rawValue)
        }
        guard Set(event.validators).count == event.validators.count,
            validators.hold(event.validators)
        else { throw .contradicts(kind: .jobAssigned, field: "validators") }
        jobs[event.job]?.assigned = event
        jobs[event.job]?.results = Array(repeating: nil, count: event.validators.count)
    }

    mutating func record(_ event: ResultReported, _ entry: EntryIndex) throws(FoldError) {
        guard let place = jobs[event.job]?.assigned?.validators.firstIndex(of: event.validator)
        else { throw .unknown(kind: .resultReported, field: "job", value: event.job.rawValue) }
        guard jobs[event.job]?.results[place] == nil else {
            throw .contradicts(kind: .resultReported, field: "validator")
        }
        invariant(entry > event.job, "entry \(entry.rawValue) is a result of \(event.job.rawValue)")
        jobs[event.job]?.results[place] = RecordedResult(entry: entry, event: event)
    }

    /// Notes a decision, keeps its bytes as they are, and returns whose the job is.
    mutating func decide(_ event: JobDecided, _ taken: Entry) throws(FoldError) -> SubmitterIndex {
        guard let job = jobs[event.job] else {
            throw .unknown(kind: .jobDecided, field: "job", value: event.job.rawValue)
        }
        guard job.decided == nil else { throw .contradicts(kind: .jobDecided, field: "job") }
        jobs[event.job]?.decided = event
        places[event.job] = JobPlaces(decision: history.append(taken))
        return job.submitted.submitter
    }

    /// Takes a job out; returns whether the close is that of a job.
    mutating func close(_ event: RoundClosed) throws(FoldError) -> Bool {
        guard let job = jobs[event.about] else { return false }
        guard job.decided != nil else {
            throw .contradicts(kind: .roundClosed, field: "about")
        }
        jobs[job.entry] = nil
        open.removeOrdered(job.entry)
        let record = JobCloseRecord(
            event: event, id: job.id, validators: job.assigned?.validators ?? [],
            results: job.results.map { $0?.event.resultDigest ?? .zero })
        places[job.entry]?.close = history.append(record.encoded)
        invariant(
            places[job.entry]?.close != nil, "job \(job.entry.rawValue) closes without a record")
        checkCounts()
        return true
    }
}

// MARK: - Its root and its part of a snapshot

extension JobsComponent {
    func encodeRoot(to writer: inout BorshWriter) {
        writer.write(history.history)
        writer.write(UInt32(open.count))
        for case let job? in open.map({ jobs[$0] }) {
            writer.write(job.entry)
            writer.write(job.id)
            writer.write(job.submitted.signature)
            writer.write(optional: job.assigned)
            writer.write(job.results)
            writer.write(optional: job.decided)
        }
    }

    func encodeFixed(to writer: inout BorshWriter) {
        writer.write(UInt32(open.count))
        for case let job? in open.map({ jobs[$0] }) {
            writer.write(job.entry)
            writer.write(job.submitted)
            writer.write(optional: job.assigned)
            writer.write(job.results)
            writer.write(optional: job.decided)
        }
    }

    /// - Parameter identify: The identity of a job; nil where it names an unknown submitter.
    init(
        fixed reader: inout BorshReader, identify: (JobSubmitted) -> JobID?
    ) throws(DecodingError) {
        // Each job has its own bytes, so a count beyond them ends the reading early.
        for _ in 0..<(try reader.count(of: "jobs", bound: Int(UInt32.max))) {
            let start = reader.offset
            let entry = try EntryIndex(from: &reader)
            let submitted = try JobSubmitted(from: &reader)
            let assigned = try reader.optional(JobAssigned.self)
            let results = try reader.optionals(of: RecordedResult.self, bound: Limits.membersMax)
            let decided = try reader.optional(JobDecided.self)
            guard (open.last).map({ $0 < entry }) ?? true, let id = identify(submitted),
                results.count == assigned?.validators.count ?? 0
            else { throw .notCanonical(type: "jobs", offset: start) }
            jobs[entry] = Job(
                entry: entry, id: id, submitted: submitted, assigned: assigned, results: results,
                decided: decided)
            open.append(entry)
            entries[id] = entry
        }
    }

    /// Finds the records again of those that are decided, behind what `init(fixed:)` read.
    mutating func restore(_ records: RecordStore) throws(SnapshotError) {
        try records.forEachRange { place, chunk, range throws(SnapshotError) in
            if chunk[range.lowerBound] == 75 {
                let event: Event = try RecordStore.decode(chunk, range, of: Self.kind)
                guard case .jobDecided(let decided) = event, places[decided.job] == nil else {
                    throw .malformed(part: "jobs")
                }
                places[decided.job] = JobPlaces(decision: place)
            } else {
                let record: JobCloseRecord = try RecordStore.decode(chunk, range, of: Self.kind)
                let entry = record.event.about
                guard let decided = places[entry], decided.close == nil else {
                    throw .malformed(part: "jobs")
                }
                places[entry]?.close = place
                guard (entries.updateValue(entry, forKey: record.id) ?? entry) == entry else {
                    throw .malformed(part: "jobs")
                }
            }
        }
        history = RecordedHistory(unverified: records)
    }
}

// MARK: - Its soundness

extension JobsComponent {
    /// Whether entries come before the end of the log.
    func isWithinBounds(size: UInt64) -> Bool { open.allSatisfy { $0.rawValue < size } }

    /// What is named must be there, so that later events and rules find it.
    func checkReferences(_ validators: ValidatorsComponent) throws(SnapshotError) {
        for entry in open {
            guard let job = jobs[entry], (job.decided != nil) == (places[entry] != nil),
                validators.hold(job.assigned?.validators ?? [])
            else { throw .malformed(part: "jobs") }
        }
    }

    /// Whose the jobs without a decision are.
    var owners: [SubmitterIndex] {
        open.compactMap { jobs[$0] }.filter { $0.decided == nil }.map(\.submitted.submitter)
    }
}
