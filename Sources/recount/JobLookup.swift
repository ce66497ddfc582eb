// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Projections

/// A job that was submitted and is in no log yet, as machines read it.
struct WaitingJob: Encodable {
    let jobID: String
    let submitterKey: String
    let module: String
    let input: String
    let fuel: UInt64
    let memoryBytes: UInt64
    let milliseconds: UInt64
    let engine: String
    let engineVersion: String
    let timestamp: UInt64
    let decision = Self.decision

    /// What stands where the decision of other jobs stands.
    static let decision = "waiting"

    init(_ id: JobID, _ message: JobMessage) {
        jobID = id.hex
        submitterKey = message.submitter.hex
        module = message.module.hex
        input = message.input.hex
        fuel = message.fuel
        memoryBytes = message.memoryBytes
        milliseconds = message.milliseconds
        engine = message.engine
        engineVersion = message.engineVersion
        timestamp = message.timestamp.rawValue
    }
}

/// A job that people have named.
enum FoundJob {
    /// It is in the log.
    case logged(JobView)
    /// It waits for a node to take it.
    case waiting(WaitingJob)
}

/// The jobs of a ledger, those that wait for a node included.
struct Jobs {
    /// The projections of the ledger.
    let views: OpenedViews
    /// The jobs that wait, in the order in which a node takes them.
    let waiting: [WaitingJob]
    private let place: String

    /// Opens a home, or the directory of a ledger, which knows of no waiting jobs.
    init(_ path: String) throws(Failure) {
        // First the folder, then the log: a job that a node takes meanwhile is seen in either.
        let spooled = try Self.spooled(path)
        place = path
        views = try OpenedViews(path)
        guard !spooled.isEmpty else {
            waiting = []
            return
        }
        let ids = spooled.map(\.jobID)
        let logged = try views.ask { views throws(ViewError) in
            var logged: [String] = []
            for id in ids {
                do throws(ViewError) {
                    _ = try views.job(called: id)
                    logged.append(id)
                } catch .notFound {}
            }
            return logged
        }
        waiting = spooled.filter { !(logged ?? []).contains($0.jobID) }
    }

    /// The jobs in the folder of a home; a file that holds none is told of.
    private static func spooled(_ path: String) throws(Failure) -> [WaitingJob] {
        guard Home.ledgerDirectory(of: path) != path else { return [] }
        let log = try openLedger(path)
        let files: [SpooledJob]
        do {
            let ledger = LedgerID(Digest(hashing: try log.entry(at: 0)))
            files = try JobSpool(home: path).list(in: ledger)
        } catch let error as LogError {
            throw failure(error, path)
        } catch {
            throw Failure("\(error)")
        }
        for case let problem? in files.map(\.problem) {
            Output.standardError("note: \(problem)\n")
        }
        return files.compactMap { file in
            if let id = file.id, let message = file.message {
                WaitingJob(id, message)
            } else {
                nil
            }
        }
    }

    /// Finds the job that is called so: by the first digits of its identity, or by its entry.
    func find(_ id: String) throws(Failure) -> FoundJob {
        let digits = id.lowercased()
        let waiting = waiting.filter { !digits.isEmpty && $0.jobID.hasPrefix(digits) }
        guard !waiting.isEmpty else { return .logged(try logged(id)) }
        let others = try views.ask { views throws(ViewError) -> [NamedThing] in
            do throws(ViewError) {
                let entry = try views.job(called: id)
                return [NamedThing(number: entry, name: try views.job(at: entry)?.jobID ?? "")]
            } catch .ambiguous(let things) {
                return things
            } catch .notFound {
                return []
            }
        }
        let names =
            waiting.map { "\($0.jobID.prefix(16))… (waiting)" }
            + (others ?? []).map { "\($0.name.prefix(16))… (entry \($0.number))" }
        guard names.count == 1 else {
            throw Failure(
                "several are called \(id): \(names.joined(separator: ", ")); give more digits")
        }
        return .waiting(waiting[0])
    }

    private func logged(_ id: String) throws(Failure) -> JobView {
        let count = try views.ask { views throws(ViewError) in try views.jobCount() } ?? 0
        return try views.find(
            "job", id,
            hint: count == 0 && waiting.isEmpty
                ? "there are no jobs yet"
                : "recount job list \(place) lists those that are there"
        ) { views throws(ViewError) -> JobView in
            guard let row = try views.job(at: try views.job(called: id)) else { throw .notFound }
            return row
        }
    }
}
