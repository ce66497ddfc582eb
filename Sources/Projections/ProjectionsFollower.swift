// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
internal import Foundation
internal import Synchronization

/// Follows a log on a thread of its own, so that whoever commits never waits for it.
///
/// A commit raises a flag, which is all that it costs; one look takes in whatever has come since.
/// The first failure ends the following and is told once: the log goes on without it.
package final class ProjectionsFollower: Sendable {
    /// How far the following has come.
    package struct Status: Equatable, Sendable {
        /// Entries that the projections hold.
        package var entries: UInt64 = 0
        /// Entries of the log that they do not.
        package var behind: UInt64 = 0
        /// Why it ended; nil while it goes on.
        package var failure: String?
    }

    private struct Contents {
        var isWoken = true
        var isEnding = false
        var isDone = false
        var deadline: Date?
        var entries: UInt64 = 0
        var failure: String?
    }

    /// How long an idle follower leaves the file alone: whoever changes a row of it is found out
    /// by then.
    private static let lookSeconds: TimeInterval = 2

    private let condition = NSCondition()
    private let contents = Mutex(Contents())
    private let log: EventLog
    private let directory: String

    /// Starts to follow.
    ///
    /// - Parameters:
    ///   - directory: That of the ledger.
    ///   - log: Stays open until `finish` has returned.
    ///   - onNotice: Told, on the follower's thread, what a person should hear.
    ///   - onFailure: Told, on the follower's thread, why it ends; at most once.
    package init(
        directory: String, log: EventLog, onNotice: @escaping @Sendable (String) -> Void,
        onFailure: @escaping @Sendable (ProjectionsError) -> Void
    ) {
        self.directory = directory
        self.log = log
        let thread = Thread { [self] in
            follow(onNotice, onFailure)
            condition.lock()
            contents.withLock { $0.isDone = true }
            condition.broadcast()
            condition.unlock()
        }
        thread.name = "recount-projections"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Says that the log has committed more. Returns at once.
    package func wake() { signal { $0.isWoken = true } }

    /// Lets it take in what is left, for at most so long, and ends it; returns how far it came.
    package func finish(withinSeconds seconds: Int) -> Status {
        signal {
            $0.isEnding = true
            $0.deadline = Date(timeIntervalSinceNow: TimeInterval(seconds))
        }
        condition.lock()
        while !contents.withLock({ $0.isDone }) { condition.wait() }
        condition.unlock()
        return status
    }

    /// How far it has come.
    package var status: Status {
        let (entries, failure) = contents.withLock { ($0.entries, $0.failure) }
        let size = log.size
        return Status(
            entries: entries, behind: size > entries ? size - entries : 0, failure: failure)
    }

    private func signal(_ change: (inout sending Contents) -> Void) {
        condition.lock()
        contents.withLock { change(&$0) }
        condition.broadcast()
        condition.unlock()
    }

    /// Waits for a commit, or until the file is to be looked at again; false where there will be
    /// no commit any more.
    private func wait() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while true {
            let (isWoken, isEnding) = contents.withLock { contents in
                defer { contents.isWoken = false }
                return (contents.isWoken, contents.isEnding)
            }
            if isWoken || isEnding { return !isEnding }
            let next = Date(timeIntervalSinceNow: Self.lookSeconds)
            if !condition.wait(until: next) { return !contents.withLock(\.isEnding) }
        }
    }

    private func follow(
        _ onNotice: (String) -> Void, _ onFailure: (ProjectionsError) -> Void
    ) {
        let writer = ProjectionsWriter(
            directory: directory, log: log,
            isCancelled: { [self] in
                contents.withLock { $0.deadline.map { $0 < Date() } ?? false }
            })
        var told = 0
        do throws(ProjectionsError) {
            var goesOn = true
            while goesOn {
                goesOn = wait()
                do throws(ProjectionsError) {
                    let position = try writer.catchUp()
                    contents.withLock { $0.entries = position.entries }
                } catch .empty {
                    // The first batch is still to come.
                }
                for notice in writer.notices.dropFirst(told) { onNotice(notice) }
                told = writer.notices.count
            }
            try writer.close()
        } catch {
            for notice in writer.notices.dropFirst(told) { onNotice(notice) }
            contents.withLock { $0.entries = writer.position?.entries ?? 0 }
            // Being ended at the deadline is no failure: the next to follow goes on from there.
            if case .cancelled = error {
            } else {
                contents.withLock { $0.failure = "\(error)" }
                onFailure(error)
            }
            do throws(ProjectionsError) { try writer.close() } catch {
                // Why the following ended has been told.
            }
        }
    }
}
