// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Dispatch
package import EventLog
internal import Foundation
internal import Ledger
internal import Storage
internal import Synchronization

/// Recounts a ledger in pieces, several at a time, and joins them to one report on the whole.
///
/// Each piece is audited as a part by itself (`RangeAuditor`), from a snapshot where there is one
/// near enough to where it should begin, else from the state that folding the log came to, which
/// the piece before it rechecks. Where the pieces do not fit, an audit in one piece has the word.
package enum SplitAuditor {
    /// A piece of fewer entries is not worth its own base.
    package static let pieceEntriesMin: UInt64 = 50_000
    /// So many pieces a job, so that none waits long for the last.
    private static let piecesPerJob: UInt64 = 4

    /// Checks a home or ledger directory and returns what was found: what `Auditor.run` finds.
    ///
    /// - Parameters:
    ///   - jobs: How many pieces are looked at at a time, from 1 on.
    ///   - snapshots: The folder of the snapshots; that of the ledger where nil.
    ///   - pieceEntries: The fewest entries of a piece, but for the last.
    package static func run(
        directory path: String, disk: any Disk = POSIXDisk(), jobs: Int,
        snapshots: String? = nil, options: AuditOptions = AuditOptions(),
        pieceEntries: UInt64 = pieceEntriesMin, progress: (AuditProgress) -> Void = { _ in }
    ) throws(LogError) -> AuditReport {
        let watch = Stopwatch()
        do throws(RangeError) {
            let log = try AuditedLog(path, disk)
            if log.log.size > 0, let own = log.own, options.readsEntries, options.checkTree {
                let store = snapshots.map { SnapshotStore(folder: $0, disk: disk) }
                let split = Split(
                    log: log, disk: disk, options: options, jobs: max(1, jobs),
                    store: store
                        ?? SnapshotStore(ledgerDirectory: log.log.directory, disk: disk))
                let plan = try split.plan(
                    pieces: min(
                        UInt64(max(1, jobs)) * piecesPerJob,
                        max(1, log.log.size / max(1, pieceEntries))))
                let reports = split.run(plan, watch, progress)
                if let report = try join(reports, own.log, disk, watch) { return report }
            }
        } catch {
            // What cannot be split is audited in one piece, which says what is wrong.
        }
        return try Auditor.run(directory: path, disk: disk, options: options, progress: progress)
    }

    /// Joins the pieces, and looks at what none of them did; nil where they do not fit.
    private static func join(
        _ reports: [Result<AuditReport, RangeError>], _ log: EventLog, _ disk: any Disk,
        _ watch: Stopwatch
    ) throws(RangeError) -> AuditReport? {
        var verdicts: [PartialVerdict] = []
        for (number, result) in reports.enumerated() {
            guard case .success(let report) = result else { return nil }
            verdicts.append(PartialVerdict(file: "piece \(number + 1)", report: report))
        }
        let combination = AuditCombination(verdicts)
        guard combination.isWhole else { return nil }
        var report = combination.report
        do throws(LogError) {
            guard try log.root(at: log.size).hex == report.root else { return nil }
            report.add(try log.verifyChecksums())
            try Auditor.verifyBlobs(of: log, on: disk, &report)
        } catch { throw .log(error) }
        report.range = nil
        report.addNotes()
        report.sortFindings()
        report.set(seconds: watch.seconds)
        return report
    }
}

/// A ledger that is audited in pieces.
private struct Split: Sendable {
    /// A piece, and what it starts from.
    struct Piece: Sendable {
        let number: Int
        let from: UInt64
        let to: UInt64
        let base: AuditBase
    }

    let log: AuditedLog
    let disk: any Disk
    let options: AuditOptions
    let jobs: Int
    let store: SnapshotStore

    /// Where pieces end, the end of the log included; with the snapshots there, where they are near
    /// enough.
    struct Plan {
        var ends: [UInt64]
        var snapshots: [UInt64: String]?
    }

    func plan(pieces: UInt64) throws(RangeError) -> Plan {
        let size = log.log.size
        let wanted = (1...max(1, pieces)).map { size / pieces * $0 }.dropLast()
        guard !wanted.isEmpty else { return Plan(ends: [size], snapshots: [:]) }
        let there = try snapshots()
        let sizes = there.keys.sorted()
        let near = Set(
            wanted.compactMap { want in
                sizes.min { Self.distance($0, want) < Self.distance($1, want) }
            })
        let ends = near.filter { $0 < size }.sorted() + [size]
        let longest = zip([0] + ends, ends).map { $1 - $0 }.max() ?? 0
        // Two pieces' length at most, or the jobs would wait for one.
        guard longest <= 2 * (size / pieces + 1) else {
            return Plan(ends: wanted + [size], snapshots: nil)
        }
        return Plan(ends: ends, snapshots: there)
    }

    private static func distance(_ one: UInt64, _ other: UInt64) -> UInt64 {
        max(one, other) - min(one, other)
    }

    /// The sizes of the snapshots under roots of the log, with their files.
    private func snapshots() throws(RangeError) -> [UInt64: String] {
        var found: [UInt64: String] = [:]
        let heights: [Height]
        do throws(DiskError) { heights = try store.heights() } catch { throw .log(.disk(error)) }
        for height in heights {
            do {
                let header = try store.header(of: height)
                guard header.size <= log.log.size,
                    try log.log.root(at: header.size) == header.root
                else { continue }
                found[header.size] = store.path(height)
            } catch {
                // It is not used; the audit tells of it where it lies beside the log.
            }
        }
        return found
    }

    /// Audits the pieces, and returns what was found of each, in order.
    func run(
        _ plan: Plan, _ watch: Stopwatch, _ progress: (AuditProgress) -> Void
    ) -> [Result<AuditReport, RangeError>] {
        let queue = PieceQueue<Piece>(bound: jobs)
        let results = Results()
        let group = DispatchGroup()
        let meter = Meter()
        for _ in 0..<jobs {
            group.enter()
            let thread = Thread {
                while let piece = queue.pop() {
                    results.put(piece.number, audit(piece) { meter.set(piece.number, $0) })
                }
                group.leave()
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        let total = log.log.size
        func show() {
            progress(
                AuditProgress(
                    phase: .entries, done: meter.sum, total: total, seconds: watch.seconds))
        }
        hand(out: plan, to: queue, show)
        queue.close()
        while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut { show() }
        return results.all
    }

    /// Hands out the pieces with their bases, as those are there.
    private func hand(out plan: Plan, to queue: PieceQueue<Piece>, _ show: () -> Void) {
        var start: UInt64 = 0
        var number = 0
        func put(_ end: UInt64, _ base: AuditBase) {
            queue.put(Piece(number: number, from: start, to: end, base: base))
            number += 1
            start = end
        }
        if let snapshots = plan.snapshots {
            for end in plan.ends { put(end, snapshots[start].map(AuditBase.file) ?? .piece) }
            return
        }
        var base = LedgerState()
        do {
            var fold = try BatchFold(log.log, from: base, to: log.log.size)
            defer { fold.end() }
            for end in plan.ends.dropLast() {
                while fold.state.size < end, try fold.advance() {}
                guard fold.state.size > start, fold.state.size < log.log.size else { break }
                put(fold.state.size, .state(base))
                base = fold.state
                show()
            }
        } catch {
            // The last piece says why the log cannot be folded on.
        }
        put(log.log.size, .state(base))
    }

    private func audit(
        _ piece: Piece, _ show: (UInt64) -> Void
    ) -> Result<AuditReport, RangeError> {
        var options = options
        options.cores = max(1, options.cores / jobs)
        func run(_ base: AuditBase) throws(RangeError) -> AuditReport {
            try RangeAuditor.run(
                log, AuditRangeRequest(from: piece.from, to: piece.to, base: base), disk: disk,
                options: options, progress: { show($0.done) })
        }
        do throws(RangeError) {
            do throws(RangeError) { return .success(try run(piece.base)) } catch {
                // A snapshot that is damaged is passed over.
                guard case .snapshot = error else { throw error }
                return .success(try run(.piece))
            }
        } catch { return .failure(error) }
    }

    /// How far the pieces are.
    private final class Meter: Sendable {
        private let done = Mutex<[Int: UInt64]>([:])

        func set(_ piece: Int, _ count: UInt64) {
            done.withLock { $0[piece] = max($0[piece] ?? 0, count) }
        }

        var sum: UInt64 { done.withLock { $0.values.reduce(0, +) } }
    }

    /// What was found of the pieces.
    private final class Results: Sendable {
        private let found = Mutex<[Int: Result<AuditReport, RangeError>]>([:])

        func put(_ piece: Int, _ result: Result<AuditReport, RangeError>) {
            found.withLock { $0[piece] = result }
        }

        var all: [Result<AuditReport, RangeError>] {
            found.withLock { found in found.keys.sorted().compactMap { found[$0] } }
        }
    }
}

/// Pieces that wait for somebody to take them, at most `bound` of them. `@unchecked`: what changes
/// is changed within the monitor.
private final class PieceQueue<Piece: Sendable>: @unchecked Sendable {
    private let monitor = Monitor()
    private let bound: Int
    private var waiting: [Piece] = []
    private var isClosed = false

    init(bound: Int) { self.bound = bound }

    /// Adds one; waits while it is full.
    func put(_ piece: Piece) {
        monitor.locked {
            while waiting.count >= bound { monitor.wait() }
            waiting.append(piece)
            monitor.wakeAll()
        }
    }

    /// Says that no more come.
    func close() {
        monitor.locked {
            isClosed = true
            monitor.wakeAll()
        }
    }

    /// The next; nil where there is none and none will come.
    func pop() -> Piece? {
        monitor.locked {
            while waiting.isEmpty, !isClosed { monitor.wait() }
            guard !waiting.isEmpty else { return nil }
            monitor.wakeAll()
            return waiting.removeFirst()
        }
    }
}
