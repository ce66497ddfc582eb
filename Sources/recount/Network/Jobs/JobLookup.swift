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
    fileprivate(set) var submitterName: String?
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
        let home = Place.node(path)
        let spooled = try Self.spooled(home)
        place = path
        views = try OpenedViews(home)
        guard !spooled.isEmpty else {
            waiting = []
            return
        }
        let asked = try views.ask { views throws(ViewError) in
            var waiting: [WaitingJob] = []
            for var job in spooled {
                do throws(ViewError) { _ = try views.job(called: job.jobID) } catch .notFound {
                    job.submitterName = try views.submitterName(
                        ofKey: [UInt8](hex: job.submitterKey) ?? [])
                    waiting.append(job)
                }
            }
            return waiting
        }
        waiting = asked ?? spooled
    }

    /// The jobs in the spool of a home; a file that is damaged is told of.
    private static func spooled(_ path: String) throws(Failure) -> [WaitingJob] {
        guard NodeHome.isHome(path) else { return [] }
        let files: [SpooledMessage]
        do throws(NodeError) {
            let client = try NodeClient(home: path)
            files = try client.spool.readAll(in: client.ledger)
        } catch {
            throw Failure("\(error)")
        }
        for case let problem? in files.map(\.problem) {
            Output.notice(problem)
        }
        let jobs = files.compactMap { file -> (JobMessage, Digest)? in
            guard case .job(let message)? = file.message, let id = file.id else { return nil }
            return (message, id)
        }
        return jobs.sorted { ($0.0.timestamp, $0.1.hex) < ($1.0.timestamp, $1.1.hex) }
            .map { WaitingJob(JobID($0.1), $0.0) }
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
