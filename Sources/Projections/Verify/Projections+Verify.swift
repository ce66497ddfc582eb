// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
internal import Foundation
internal import GRDB

/// What a comparison of projections with their log came to.
package enum ProjectionsVerdict: Sendable {
    /// Every row is what a fresh fold gives.
    case equal(ProjectionsPosition, rows: UInt64)
    /// The first row that is not.
    case different(ProjectionsPosition, ProjectionsDifference)
    /// The file is not one that a fold could be compared with, and why.
    case unfit(String)
    /// There is no file.
    case absent
}

extension Projections {
    /// Compares every row with a fresh fold up to the same position, and changes nothing.
    ///
    /// The file may be followed and replaced meanwhile: one position of one file is looked at.
    package static func verify(
        ledgerDirectory: String, log: EventLog,
        progress: (_ entries: UInt64, _ of: UInt64) -> Void = { _, _ in }
    ) throws(ProjectionsError) -> ProjectionsVerdict {
        let place = ProjectionsPlace(directory: ledgerDirectory)
        for _ in 0..<10 {
            switch place.inspect(log, seal: false) {
            case .absent: return .absent
            case .unfit(let problem): return .unfit(problem)
            case .gone: continue
            case .failed(let error): throw error
            case .fits(let name, _):
                do throws(ProjectionsError) {
                    return try verify(place.path(name), log, progress)
                } catch {
                    // It may have been replaced and removed before it was open.
                    if place.target() == .file(name) { throw error }
                }
            }
        }
        throw .unsettled(path: place.link)
    }

    private static func verify(
        _ path: String, _ log: EventLog, _ progress: (UInt64, UInt64) -> Void
    ) throws(ProjectionsError) -> ProjectionsVerdict {
        try ProjectionsPlace.working(path) {
            let queue = try ProjectionsPlace.connect(path, .read)
            let verdict: ProjectionsVerdict
            do {
                verdict = try queue.read { db in try compare(db, log, progress) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                verdict = .unfit("it is damaged: \(error.message ?? "\(error.resultCode)")")
            }
            try queue.close()
            return verdict
        }
    }

    private static func compare(
        _ found: Database, _ log: EventLog, _ progress: (UInt64, UInt64) -> Void
    ) throws -> ProjectionsVerdict {
        guard let position = try ProjectionsPosition(found) else {
            return .unfit("it does not say how far it has come")
        }
        if let problem = try ProjectionsPlace.compare(position, log) { return .unfit(problem) }
        let path = ProjectionsReader.temporaryPath()
        defer { ProjectionsReader.remove(path) }
        let whole = try ProjectionsPlace.log(log, holding: position.entries)
        _ = try ProjectionsBuilder.build(
            path, from: whole, to: position.entries, progress: progress)
        let fresh = try ProjectionsPlace.connect(path, .read)
        var comparison = TableComparison()
        let difference = try fresh.read { try comparison.first(found, $0) }
        try fresh.close()
        if let difference { return .different(position, difference) }
        // Equal tables may still be found through an index that is not.
        let problem = try String.fetchOne(found, sql: "PRAGMA integrity_check(1)")
        if let problem, problem != "ok" { return .unfit("it is damaged: \(problem)") }
        return .equal(position, rows: comparison.rows)
    }
}
