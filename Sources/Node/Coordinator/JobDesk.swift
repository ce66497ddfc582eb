// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Foundation
internal import Ledger

/// What the coordinator has at hand of compute jobs.
struct JobDesk: Sendable {
    /// A submitted job that waits for its batch.
    struct Waiting: Sendable {
        let id: JobID
        /// The name of its file in the spool.
        let file: String
        let checked: Checked<Message>
    }

    let spool: JobSpool
    let options: JobRunnerOptions
    /// Started with the first job.
    var runner: JobRunner?

    // What waits for the next batch.
    var jobs: [Waiting] = []
    var results: [Checked<Message>] = []

    // What is to be run.
    /// In the order in which the jobs came.
    var runs: [JobRun] = []
    var runsOut = 0
    /// The batch time at which each open job was assigned, as far as that is known.
    var assigned: [EntryIndex: Time]

    // What is known of the spool.
    /// The files that are not to be read again: those at hand, and damaged ones.
    var known: Set<String> = []
    var isLooking = false
    var lastLook: ContinuousClock.Instant?
    /// How many files the last look might have read, and whether there were as many.
    var looked = 0
    var hasMore = false
    /// Whether the last look found nothing new, and nothing has happened since.
    var isSpoolClear = false
    var isSpoolFailureTold = false
    var isEngineTold = false

    init(home: Home, assigned: [EntryIndex: Time]) {
        spool = JobSpool(home: home.path)
        options = home.configuration.compute.runnerOptions
        self.assigned = assigned
    }

    /// Jobs whose payloads are in memory at once: those that run, and the next ones.
    var runsOutMax: Int { options.jobsAtOnce + NodeLimits.loadedJobsAhead }

    /// Submitted jobs that may still be taken into memory.
    var room: Int { NodeLimits.waitingJobsMax - jobs.count }

    /// Real milliseconds until the next look at the spool.
    var untilLook: UInt64 {
        guard !isLooking, room > 0 else { return NodeLimits.pauseMillisecondsMax }
        // A look reads the names of all files, so it is not worth it for one of them.
        if hasMore {
            return room < NodeLimits.waitingJobsMax / 2 ? NodeLimits.pauseMillisecondsMax : 0
        }
        guard let lastLook else { return 0 }
        let passed = Milliseconds.from(lastLook, to: .now)
        return passed < NodeLimits.spoolMilliseconds ? NodeLimits.spoolMilliseconds - passed : 0
    }
}

/// Whole milliseconds between two readings of the clock that never steps.
enum Milliseconds {
    /// Rounded down; 0 where `end` is not later.
    static func from(
        _ start: ContinuousClock.Instant, to end: ContinuousClock.Instant
    ) -> UInt64 {
        let (seconds, attoseconds) = start.duration(to: end).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
    }
}
