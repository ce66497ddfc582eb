// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
internal import Ledger
package import Storage

/// Snapshots of a log at a chosen spacing, from one fold at the word of the log.
///
/// Whoever starts from one computes its roots and holds them against the log and its seal, and the
/// piece before it ends with the state that the rules give: so nobody trusts the fold.
package enum SnapshotSeries {
    /// What was done.
    package struct Report: Sendable {
        /// The entries of the log.
        package var size: UInt64 = 0
        /// The snapshots that were there and fit.
        package var kept = 0
        /// Those that were written.
        package var written: [SnapshotHeader] = []
        /// The entries that were folded.
        package var folded: UInt64 = 0
        /// Why the log could not be folded to its end; nil where it could.
        package var problem: String?
    }

    /// Writes a snapshot behind the first batch that ends at or behind each multiple of `every`
    /// entries, but for those that are in the folder already, and none at the end of the log.
    ///
    /// - Parameters:
    ///   - path: A home, a ledger directory, or a folder of tiles.
    ///   - folder: An absolute path; made where absent, its parent is there.
    /// Throws where the log cannot be read, or the folder holds snapshots of another one.
    package static func run(
        of path: String, every: UInt64, to folder: String, disk: any Disk = POSIXDisk(),
        progress: (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) throws(RangeError) -> Report {
        let every = max(1, every)
        let log = try AuditedLog(path, disk).log
        let store = SnapshotStore(folder: folder, disk: disk)
        var report = Report(size: log.size)
        let state = try newest(in: store, log, disk, &report)
        let start = state.size
        var fold: BatchFold
        do throws(LogError) { fold = try BatchFold(log, from: state, to: log.size) } catch {
            throw .log(error)
        }
        defer { fold.end() }
        var next = (start / every + 1) * every
        while true {
            do throws(FoldFailure) { guard try fold.advance() else { break } } catch {
                if case .log(let error) = error { throw .log(error) }
                report.problem =
                    "entry \(fold.state.size) or one behind it cannot be folded:"
                    + " \(error.problem)"
                break
            }
            guard fold.state.size >= next, fold.state.size < log.size else { continue }
            do throws(LogError) {
                let state = fold.state
                report.written.append(
                    try store.write(
                        state.snapshot(), height: state.height, ledger: state.ledger,
                        components: state.componentRoots(), size: state.size, log: log))
            } catch { throw .log(error) }
            next = (fold.state.size / every + 1) * every
            progress(fold.state.size, log.size)
        }
        report.folded = fold.state.size - start
        return report
    }

    /// The state of the newest snapshot in the folder; what is of another log is an error.
    private static func newest(
        in store: SnapshotStore, _ log: any SweptLog, _ disk: any Disk, _ report: inout Report
    ) throws(RangeError) -> LedgerState {
        let heights: [Height]
        do throws(DiskError) { heights = try store.heights() } catch { throw .log(.disk(error)) }
        var newest: SnapshotHeader?
        for height in heights {
            let file = store.path(height)
            do throws(SnapshotFlaw) {
                let header = try store.header(of: height)
                guard header.size <= log.size else {
                    throw .otherSeal(entry: header.size - 1)
                }
                newest = header
                do throws(LogError) {
                    guard try log.root(at: header.size) == header.root else {
                        throw .outOfRange(index: header.size, size: log.size)
                    }
                } catch { throw SnapshotFlaw.otherSeal(entry: header.size - 1) }
            } catch {
                throw .snapshot(file: file, problem: "\(error)")
            }
            report.kept += 1
        }
        guard let newest else { return LedgerState() }
        do throws(SnapshotFlaw) { return try store.load(newest) } catch {
            throw .snapshot(file: store.path(newest.height), problem: "\(error)")
        }
    }
}
