// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Ledger

/// Recounts a part of a ledger: the same checks and findings as of the whole, for less work.
package struct RangeAuditor {
    /// Entries after which what was found so far is handed on.
    package static let chunkEntries: UInt64 = 1 << 18

    private let request: AuditRangeRequest
    private var options: AuditOptions
    private let disk: any Disk
    private let log: any SweptLog
    /// The same where it lies in files of its own, with what lies beside it; nil of tiles.
    private let own: AuditedLog.Own?
    private let chunk: UInt64
    /// The entry before which the range ends.
    private let end: UInt64
    private var state = LedgerState()
    /// What was found so far.
    private var report: AuditReport
    /// Whether there is nothing more to look at, or nothing more can be.
    private var isDone = false
    /// What of the log's tree the entries give that were looked at; nil where it is not computed,
    /// or they end within a batch.
    private var tree: MerkleRange?

    /// Checks a part of a home, of a ledger directory, or of a log in a folder of tiles, and
    /// returns what was found.
    ///
    /// Damage is a finding, as in `Auditor.run`.
    /// - Parameters:
    ///   - done: What was found of the start of the same range before.
    ///   - chunk: Entries after which `didFinish` hears what was found so far.
    package static func run(
        directory path: String, _ request: AuditRangeRequest, disk: any Disk = POSIXDisk(),
        options: AuditOptions = AuditOptions(), done: AuditReport? = nil,
        chunk: UInt64 = chunkEntries, progress: (AuditProgress) -> Void = { _ in },
        didFinish: (AuditReport) -> Void = { _ in }
    ) throws(RangeError) -> AuditReport {
        do throws(RangeError) {
            let log = try AuditedLog(path, disk)
            return try run(
                log, request, disk: disk, options: options, done: done, chunk: chunk,
                progress: progress, didFinish: didFinish)
        } catch {
            guard case .log(let damage) = error, case .damaged = damage else { throw error }
            return try report(of: damage, LedgerDirectory.locate(path, disk: disk), options)
        }
    }

    /// The same of a log that is open.
    static func run(
        _ log: AuditedLog, _ request: AuditRangeRequest, disk: any Disk, options: AuditOptions,
        done: AuditReport? = nil, chunk: UInt64 = chunkEntries,
        progress: (AuditProgress) -> Void = { _ in },
        didFinish: (AuditReport) -> Void = { _ in }
    ) throws(RangeError) -> AuditReport {
        let watch = Stopwatch()
        let before = done?.seconds ?? 0
        var auditor = try RangeAuditor(log, request, disk, options, chunk)
        if let done { try auditor.resume(done) } else { try auditor.start() }
        do throws(LogError) {
            while !auditor.isDone {
                try auditor.takeChunk(progress)
                auditor.report.seconds = before + watch.seconds
                if !auditor.isDone { didFinish(auditor.report) }
            }
            try auditor.finish()
        } catch { try auditor.stop(error) }
        var report = auditor.report
        report.set(seconds: before + watch.seconds)
        report.digest = report.contentDigest
        return report
    }

    /// What there is to say where the log cannot even be opened, or read up to the range.
    private static func report(
        of damage: LogError, _ directory: String, _ options: AuditOptions
    ) throws(RangeError) -> AuditReport {
        var report = AuditReport(directory: directory)
        report.checks.skip(options)
        do throws(LogError) { try report.add(damage: damage) } catch { throw .log(error) }
        report.notes.append("The log is damaged: nothing of the range was checked.")
        return report
    }

    private init(
        _ opened: AuditedLog, _ request: AuditRangeRequest, _ disk: any Disk,
        _ options: AuditOptions, _ chunk: UInt64
    ) throws(RangeError) {
        self.request = request
        self.options = options
        self.disk = disk
        self.chunk = max(1, chunk)
        log = opened.log
        own = opened.own
        report = AuditReport(directory: log.directory)
        end = request.to ?? log.size
        guard log.size > 0 else { throw .empty }
        // A checkpoint may be of the whole log, or of more.
        guard end <= log.size, request.since != nil || request.from < end else {
            throw .outOfRange(from: request.from, to: end, size: log.size)
        }
    }

    /// Finds the state before the range, and what it rests on.
    private mutating func start() throws(RangeError) {
        let base = try RangeBase(log, before: min(request.from, log.size), request.base, disk)
        state = base.state
        report.checks.begin(options)
        report.notes = base.notes
        if !base.isSealed { leaveDerivation() }
        tree = options.checkTree ? MerkleRange(start: state.size) : nil
        do throws(LogError) {
            let place = try state.end(in: log)
            report.range = AuditRange(
                from: request.from, to: request.to, start: place, end: place, base: base.kind,
                isSealed: base.isSealed, snapshot: base.snapshot, folded: base.folded)
            try describeLog()
        } catch { throw .log(error) }
        if let (checkpoint, file) = request.since { try judge(checkpoint, file) }
    }

    /// Goes on where what was done before ends.
    private mutating func resume(_ done: AuditReport) throws(RangeError) {
        guard let range = done.range, range.from == request.from, range.to == request.to else {
            throw .otherProgress("it is of another range")
        }
        var checks = AuditChecks()
        checks.skip(options)
        guard done.checks.hasSkipped(asIn: checks) else {
            throw .otherProgress("other levels were asked for")
        }
        let base = try RangeBase(log, before: min(range.end.size, log.size), .piece, disk)
        guard try isSame(log, range, base.state) else {
            throw .otherProgress("the log is another one")
        }
        do throws(LogError) {
            state = base.state
            report = done
            try describeLog()
        } catch { throw .log(error) }
        tree = MerkleRange(range)
        if done.checks.derivation == .failed || !range.isSealed { options.derives = false }
    }

    /// Derives nothing, since the log does not seal the state at the start.
    private mutating func leaveDerivation() {
        guard options.derives else { return }
        options.derives = false
        report.checks.derivation = .incomplete
        report.notes.append(
            "Nothing was derived again: the log does not seal the state with which the range"
                + " starts. It is wrong before, or what the state was taken from is.")
    }

    /// Whether a log has the roots with which a range starts and ends.
    private func isSame(
        _ log: any SweptLog, _ range: AuditRange, _ state: LedgerState
    ) throws(RangeError) -> Bool {
        do throws(LogError) {
            guard range.start.size <= log.size, try state.end(in: log) == range.end else {
                return false
            }
            return try log.root(at: range.start.size).hex == range.start.root
        } catch { throw .log(error) }
    }

    private mutating func describeLog() throws(LogError) {
        report.size = log.size
        report.root = try log.root(at: log.size).hex
        report.isClosed = own?.log.recovery.wasClosed ?? false
        report.tornBytes = own?.log.recovery.tornBytes ?? 0
        report.set(identityOf: state)
    }

    /// Holds the checkpoint from which the range starts against the log.
    private mutating func judge(
        _ checkpoint: SignedCheckpoint, _ file: String
    ) throws(RangeError) {
        guard checkpoint.checkpoint.origin == Checkpoint.origin(ofLedger: state.ledger.digest)
        else { throw .otherLedger(file: file) }
        let signers = FolderWitnesses.signers(checkpoint, state.validators.map(\.key))
        guard !signers.isEmpty else { throw .unsigned(file: file) }
        report.range?.trusted = AuditRange.Trusted(
            size: checkpoint.head.size, signers: signers.map { state.validators[$0].name },
            needed: state.parameters.threshold)
        do throws(LogError) {
            guard let log = own?.log,
                let found = try FolderWitnesses.contradiction(of: checkpoint.head, to: log)
            else { return }
            report.findings.append(
                Finding(
                    entry: min(checkpoint.head.size, log.size), kind: .contradicted,
                    expected: "\(checkpoint.head.size) entries with root"
                        + " \(checkpoint.head.root.hex), which \(file) says", found: found))
        } catch { throw .log(error) }
    }

    /// Looks at the next entries, up to the end of a batch.
    private mutating func takeChunk(_ progress: (AuditProgress) -> Void) throws(LogError) {
        guard state.size < end else {
            isDone = true
            return
        }
        var part = AuditReport(directory: log.directory)
        part.checks.skip(options)
        let recomputer = options.recompute.map {
            Recomputer(
                $0, BlobStore(logDirectory: log.directory, disk: disk), cores: options.cores)
        }
        defer { recomputer?.stop() }
        let stop = min(end, state.size + min(chunk, end - state.size))
        var pass = try EntryPass(log, options, recomputer, from: state, to: stop)
        defer { pass.end() }
        state = try pass.run(into: &part, progress)
        part.checks.log = .passed
        try pass.checkTree(into: &part)
        report.join(part)
        if part.checks.derivation == .failed { options.derives = false }
        isDone = state.size >= end || !pass.isWhole
        guard !state.isBatchOpen else { return tree = nil }
        let place = try state.end(in: log)
        report.range?.end = place
        guard let part = pass.range, part.start == tree?.end, part.end == state.size else {
            report.range?.subtrees = nil
            return tree = nil
        }
        tree?.append(part)
        report.range?.subtrees = tree?.nodes.map(\.hash.hex)
    }

    /// Says what was not looked at, and holds what lies beside the log against it.
    private mutating func finish() throws(LogError) {
        if let own {
            try own.witnesses.judge(
                own.log, state, from: report.range?.start.size ?? 0,
                to: state.size < log.size ? state.size : nil, into: &report)
        }
        if state.size < log.size || own == nil { report.checks.quorum = .skipped }
        finishFindings()
    }

    private mutating func stop(_ error: LogError) throws(RangeError) {
        do throws(LogError) { try report.add(damage: error) } catch { throw .log(error) }
        report.checks.breakOff()
        report.notes.append(
            "The log is damaged: entries from \(state.size) on were not looked at.")
        finishFindings()
    }

    private mutating func finishFindings() {
        report.sortFindings()
        guard let range = report.range else { return }
        report.range?.subtrees = tree.flatMap { tree in
            tree.end == range.end.size ? tree.nodes.map(\.hash.hex) : nil
        }
        var left = [
            own == nil
                ? "Blobs, checkpoints and precommits, which a folder of tiles does not hold."
                : "Blobs, and the files of the log but for the frames of the range."
        ]
        if !options.checkTree { left.append("The tree: checksums stand for the entries.") }
        if range.start.size > 0 {
            left.append(
                "Entries before \(range.start.size), but for the state that they came to.")
        }
        if range.end.size < log.size {
            left.append(
                "Entries from \(range.end.size) to \(log.size - 1), and so who agreed to batch"
                    + " \(range.end.height), and what else lies beside the log of them.")
        }
        report.range?.notChecked = left
    }
}
