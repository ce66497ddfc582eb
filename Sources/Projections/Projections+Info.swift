// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// What can be said of projections without changing anything.
package struct ProjectionsInfo: Sendable {
    /// Whether there are any, and whether they fit the log.
    package enum Condition: Sendable {
        /// There are none; whoever needs them makes them.
        case absent
        /// They fit, and are so many entries behind the log.
        case follows(ProjectionsPosition, behind: UInt64)
        /// They do not, and why; the next to follow builds them anew.
        case unfit(String)
        /// It cannot be told.
        case unreadable(String)
    }

    /// What everybody opens.
    package let path: String
    /// The file that it leads to; nil where there is none.
    package let file: String?
    /// Its size in bytes, without what is still in its write-ahead log.
    package let bytes: UInt64?
    /// Whether there are any, and whether they fit the log.
    package let condition: Condition
}

extension Projections {
    /// Looks at the projections of a ledger, and changes nothing.
    package static func info(ledgerDirectory: String, log: EventLog) -> ProjectionsInfo {
        let place = ProjectionsPlace(directory: ledgerDirectory)
        var condition = place.inspect(log)
        for _ in 0..<10 {
            guard case .gone = condition else { break }
            condition = place.inspect(log)
        }
        var file: String?
        if case .file(let name) = place.target() { file = name }
        return ProjectionsInfo(
            path: place.link, file: file, bytes: file.flatMap { place.size(of: $0) },
            condition: told(condition, log))
    }

    private static func told(
        _ condition: ProjectionsPlace.Condition, _ log: EventLog
    ) -> ProjectionsInfo.Condition {
        switch condition {
        case .absent: return .absent
        case .gone: return .unreadable("they are replaced again and again")
        case .unfit(let problem): return .unfit(problem)
        case .failed(let error): return .unreadable("\(error)")
        case .fits(_, let position):
            let behind = log.size > position.entries ? log.size - position.entries : 0
            return .follows(position, behind: behind)
        }
    }

    /// Builds a new file beside the one in use and puts it in its place; readers go on meanwhile.
    ///
    /// Throws `.busy` where another process does the same. What the log gained meanwhile is
    /// followed at the end.
    package static func rebuild(
        ledgerDirectory: String, log: EventLog,
        progress: @escaping (_ entries: UInt64, _ of: UInt64) -> Void = { _, _ in }
    ) throws(ProjectionsError) -> ProjectionsPosition {
        let place = ProjectionsPlace(directory: ledgerDirectory)
        let end: UInt64
        do throws(LogError) {
            end = try Projector.sealedSize(of: log, upTo: log.size)
        } catch { throw .log(error) }
        guard end > 0 else { throw .empty(directory: ledgerDirectory) }
        let lock: any DiskLock
        do throws(DiskError) { lock = try place.disk.lock(place.lock) } catch {
            if case .locked = error { throw .busy(path: place.lock) }
            throw .disk(error)
        }
        do throws(ProjectionsError) {
            _ = try place.rebuild(log, to: end, progress: progress)
        } catch {
            lock.release()
            throw error
        }
        lock.release()
        // A log that was not closed has a writer, which may have gone on meanwhile.
        var newest = log
        if log.access == .readOnly, !log.recovery.wasClosed {
            do throws(LogError) {
                newest = try EventLog.open(
                    directory: log.directory, disk: POSIXDisk(), access: .readOnly)
            } catch { throw .log(error) }
        }
        let writer = ProjectionsWriter(directory: ledgerDirectory, log: newest)
        let position = try writer.catchUp()
        try writer.close()
        return position
    }
}
