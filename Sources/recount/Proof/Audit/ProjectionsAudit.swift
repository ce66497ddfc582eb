// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Projections

/// The comparison of projections with their log, as a part of an audit.
///
/// Folds the log once more into a temporary file of the size of the projections.
enum ProjectionsAudit {
    /// Adds to a report how the projections beside its log compare; a log that is damaged has none.
    static func run(_ report: inout AuditReport) {
        guard report.checks.log == .passed, report.size > 0 else { return }
        do throws(Failure) {
            let log = try openLedger(report.directory)
            report.projections = check(try verdict(log))
        } catch {
            report.notes.append("The projections were not compared: \(error.message)")
        }
    }

    private static func verdict(_ log: EventLog) throws(Failure) -> ProjectionsVerdict {
        let meter = EntryMeter("projections")
        defer { meter.end() }
        do throws(ProjectionsError) {
            return try Projections.verify(
                ledgerDirectory: log.directory, log: log, progress: meter.show)
        } catch { throw Failure("\(error)") }
    }

    private static func check(_ verdict: ProjectionsVerdict) -> ProjectionsCheck {
        switch verdict {
        case .equal(_, let rows): ProjectionsCheck(.equal, rows: rows)
        case .different(_, let difference):
            ProjectionsCheck(.different, problem: "\(difference)")
        case .unfit(let problem): ProjectionsCheck(.unfit, problem: problem)
        case .absent: ProjectionsCheck(.absent)
        }
    }
}
