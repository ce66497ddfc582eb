// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger
internal import Storage

/// Everything that the log says about one job, read from the entries about it and no others.
package struct JobHistory: Sendable {
    /// The entry that introduced the job.
    package let entry: UInt64
    /// Its identity.
    package let id: JobID
    /// The job.
    package let submitted: JobSubmitted
    /// What is said about it later: draw, results, decision, changes of reputation; by entry.
    package let events: [LoggedEntry]
    /// What the log calls those who stand in its entries.
    package let names: LedgerNames
}

/// Why there is no history of a job.
package enum JobHistoryError: Error {
    /// The log cannot be read.
    case replay(ReplayError)
    /// No job is called so.
    case notFound
    /// Several are; these are the first, by entry.
    case ambiguous([JobID])
}

extension JobHistory {
    /// Finds a job and what the log says about it.
    ///
    /// - Parameter name: Its entry, or the first digits of its identity.
    package static func find(
        _ name: String, in log: EventLog
    ) throws(JobHistoryError) -> JobHistory {
        let size = log.size
        guard let selector = RequestSelector(name, size: size) else { throw .notFound }
        let found: [Job]
        let roster: Roster
        do throws(ReplayError) {
            let ledger: LedgerID
            (ledger, roster) = try Roster.read(log, in: 0..<size)
            found = try jobs(selector, in: log, ledger, roster)
        } catch { throw .replay(error) }
        guard let job = found.first else { throw .notFound }
        guard found.count == 1 else { throw .ambiguous(found.prefix(5).map(\.id)) }
        do throws(FoldFailure) {
            return JobHistory(
                entry: job.entry, id: job.id, submitted: job.event,
                events: try events(about: EntryIndex(job.entry), in: log), names: roster.names)
        } catch { throw .replay(ReplayError(error)) }
    }

    private struct Job: Sendable {
        let entry: UInt64
        let event: JobSubmitted
        let id: JobID
    }

    /// The jobs that are meant, by entry.
    private static func jobs(
        _ selector: RequestSelector, in log: EventLog, _ ledger: LedgerID, _ roster: Roster
    ) throws(ReplayError) -> [Job] {
        let keys = roster.submitters.map(\.key)
        @Sendable func job(_ entry: UInt64, _ event: Event) -> Job? {
            guard case .jobSubmitted(let event) = event,
                keys.indices.contains(Int(event.submitter.rawValue))
            else { return nil }
            let key = keys[Int(event.submitter.rawValue)]
            let id = event.naming(submitter: key).id(in: ledger)
            if case .prefix(let digits) = selector, !id.hex.hasPrefix(digits) { return nil }
            return Job(entry: entry, event: event, id: id)
        }
        let range =
            switch selector {
            case .entry(let entry): entry..<(entry + 1)
            case .prefix: 0..<log.size
            }
        do throws(FoldFailure) {
            let found = try EntryPicker.pick([[4]], from: log, in: range) { job($0, $1) != nil }
            return found.compactMap { job($0.index, $0.event) }
        } catch { throw ReplayError(error) }
    }

    /// Draws, results, decisions, and what they did to reputations.
    private static func events(
        about job: EntryIndex, in log: EventLog
    ) throws(FoldFailure) -> [LoggedEntry] {
        let named = job.encoded
        let found = try EntryPicker.pick(
            [[5] + named, [69], [74] + named, [75] + named], from: log,
            in: job.rawValue..<log.size
        ) { _, event in
            guard case .reputationChanged(let event) = event else { return true }
            return event.about == job && event.cause != .equivocation
        }
        return found.map { LoggedEntry(index: $0.index, entry: Entry($0.event)) }
    }
}
