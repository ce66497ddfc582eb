// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Foundation
internal import Ledger

/// The number of cores that are there.
func defaultCores() -> Int { ProcessInfo.processInfo.activeProcessorCount }

/// Recounts a ledger: everything in it is checked without trust in whoever wrote it.
package enum Auditor {
    /// Checks a home or ledger directory and returns what was found.
    ///
    /// In one pass: every byte of every frame and the whole Merkle tree, every derived event, every
    /// root, every signature and every proof, and every decided job where that is asked for; and
    /// every blob. Damage is a finding, beside which nothing is said of the entries. Throws where
    /// there is nothing to judge: no log, a newer format, a disk that fails.
    package static func run(
        directory path: String, disk: any Disk = POSIXDisk(),
        options: AuditOptions = AuditOptions(),
        progress: (AuditProgress) -> Void = { _ in }
    ) throws(LogError) -> AuditReport {
        let watch = Stopwatch()
        var report = AuditReport(directory: LedgerDirectory.locate(path, disk: disk))
        report.checks.skip(options)
        do throws(LogError) {
            var witnesses = try FolderWitnesses(report.directory, disk)
            let log = try LedgerDirectory.open(path, disk: disk)
            try witnesses.lookAgain()
            report.size = log.size
            report.root = log.root.hex
            report.isClosed = log.recovery.wasClosed
            report.tornBytes = log.recovery.tornBytes
            guard options.readsEntries else {
                try verifyFiles(of: log, options, &report, progress)
                try verifyBlobs(of: log, on: disk, &report)
                return report.withoutEntries(watch.seconds)
            }
            let state = try look(into: log, on: disk, options, &report, progress)
            try witnesses.judge(log, state, into: &report)
        } catch {
            try report.add(damage: error)
            report.notes.append(
                "The log is damaged: nothing that rests on its entries was checked.")
        }
        report.addNotes()
        report.sortFindings()
        report.seconds = watch.seconds
        report.entriesPerSecond =
            report.seconds > 0 ? Double(report.counts.entries) / report.seconds : 0
        return report
    }

    /// Checks the files and the tree, and nothing of what the entries say.
    private static func verifyFiles(
        of log: EventLog, _ options: AuditOptions, _ report: inout AuditReport,
        _ progress: (AuditProgress) -> Void
    ) throws(LogError) {
        let watch = Stopwatch()
        let total = log.size
        let show: (UInt64) -> Void = { done in
            progress(AuditProgress(phase: .log, done: done, total: total, seconds: watch.seconds))
        }
        report.add(
            options.checkTree
                ? try log.verifyAll(progress: show) : try log.verifyChecksums(progress: show))
    }

    /// Checks everything, and takes in what was found only where the log is not damaged.
    private static func look(
        into log: EventLog, on disk: any Disk, _ options: AuditOptions,
        _ report: inout AuditReport, _ progress: (AuditProgress) -> Void
    ) throws(LogError) -> LedgerState {
        var found = report
        do throws(LogError) {
            try verifyBlobs(of: log, on: disk, &found)
            let recomputer = options.recompute.map {
                Recomputer(
                    $0, BlobStore(logDirectory: log.directory, disk: disk), cores: options.cores)
            }
            defer { recomputer?.stop() }
            var pass = try EntryPass(log, options, recomputer)
            defer { pass.end() }
            let state = try pass.run(into: &found, progress)
            if let verified = try pass.verifyRest() { found.add(verified) }
            report = found
            return state
        } catch {
            guard case .damaged = error else { throw error }
            // The first deviation, as whoever verifies the log alone is told.
            _ = try options.checkTree ? log.verifyAll() : log.verifyChecksums()
            throw error
        }
    }

    /// Checks every blob beside the log, and counts them; without a folder there is none.
    ///
    /// A damaged one is a finding. The entries do not rest on it, so they are still checked.
    static func verifyBlobs(
        of log: EventLog, on disk: any Disk, _ report: inout AuditReport
    ) throws(LogError) {
        do throws(LogError) {
            report.blobs = UInt64(
                try BlobStore(logDirectory: log.directory, disk: disk).verifyAll())
        } catch {
            if case .disk(.notFound) = error { return }
            try report.add(damage: error)
        }
    }
}

extension AuditReport {
    /// Adds that the files of the log are whole.
    mutating func add(_ verified: LogVerification) {
        frames = verified.frames
        segments = UInt64(verified.segments)
        if checks.log != .failed { checks.log = .passed }
    }

    /// Adds damage of a file; throws every other error again.
    mutating func add(damage error: LogError) throws(LogError) {
        guard case .damaged(let file, let offset, let entry, let flaw) = error else { throw error }
        checks.log = .failed
        findings.append(
            Finding(
                entry: entry, kind: .damage, expected: "the bytes that were committed",
                found: "\(file), byte \(offset): \(flaw)"))
    }

    /// The report where only the files were asked for.
    fileprivate func withoutEntries(_ seconds: Double) -> AuditReport {
        var report = self
        report.checks.quorum = .skipped
        report.addNotes()
        report.notes.append("What the entries say was not asked for, and not looked at.")
        report.sortFindings()
        report.seconds = seconds
        return report
    }

    mutating func addNotes() {
        if checks.log != .failed, !isClosed {
            notes.append("The log was not closed in order: a node writes it, or crashed.")
        }
        if tornBytes > 0 {
            notes.append(
                "\(tornBytes) bytes of an unfinished commit at the end are no part of the ledger.")
        }
    }
}
