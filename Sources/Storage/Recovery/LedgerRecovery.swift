// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Ledger

/// Rebuilds a damaged or empty ledger directory from another copy, against a head that is trusted.
///
/// The roots of the copy's tiles of 256 entries must combine to the trusted root; then a tile of
/// the damaged ledger that has its root is kept, and every other is fetched and checked. Nothing is
/// taken on the word of either side. The new ledger is written beside the old one, folded by the
/// rules, read back, and then takes its place (see `DirectorySwap`); the old directory is kept.
///
/// It makes no ledger that was not there before: every entry is one that the checkpoint vouches
/// for, or a whole batch of the damaged ledger that follows on.
package struct LedgerRecovery {
    let source: any EntrySource
    let trust: TrustedHead
    let swap: DirectorySwap
    let disk: any Disk
    let options: LogOptions
    let tell: (RecoveryProgress) -> Void
    var report = RecoveryReport()

    var directory: String { swap.directory }

    /// Recovers the ledger in `directory`, which may be missing; its parent may not.
    ///
    /// Throws, in this order: `.emptyCheckpoint`, `.sameDirectory`, `.notALedger`, `.running`, what
    /// is wrong with the copy as a whole, `.targetIsOtherLedger`, what is wrong with an entry.
    /// `.log` and `.disk` at any time. An interrupted run is finished by repeating it.
    ///
    /// - Parameters:
    ///   - source: Another copy. One that is live serves.
    ///   - trust: From a checkpoint of which the caller has checked the signatures.
    ///   - progress: Called now and then.
    package static func run(
        directory: String, from source: any EntrySource, trust: TrustedHead, disk: any Disk,
        options: LogOptions = LogOptions(),
        progress: @escaping (RecoveryProgress) -> Void = { _ in }
    ) throws(RecoveryError) -> RecoveryReport {
        var trimmed = directory
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        var recovery = LedgerRecovery(
            source: source, trust: trust, swap: DirectorySwap(directory: trimmed, disk: disk),
            disk: disk, options: options, tell: progress)
        try recovery.run()
        return recovery.report
    }

    private mutating func run() throws(RecoveryError) {
        guard trust.size > 0 else { throw .emptyCheckpoint }
        guard source.place != directory else { throw .sameDirectory(path: directory) }
        let isThere = try onDisk { () throws(DiskError) in try swap.exists(directory) }
        let isFinished = try onDisk { () throws(DiskError) in try swap.exists(swap.finished) }
        if isFinished && !isThere { return try finishEarlierRun() }
        var locks: [any DiskLock] = []
        defer { for lock in locks { lock.release() } }
        if isThere {
            try checkIsLedger()
            locks.append(try takeLock(directory))
        }
        let tree = try checkSource()
        if isThere, try isWhole() { return }
        let salvage: LogSalvage
        do { salvage = try LogSalvage(directory: directory, disk: disk) } catch {
            throw .log(error)
        }
        try checkIdentity(salvage)
        for path in [swap.unfinished, swap.finished] {
            let isLeft = try onDisk { () throws(DiskError) in try swap.exists(path) }
            if isLeft { locks.append(try takeLock(path)) }
        }
        try onDisk { () throws(DiskError) in try swap.removeLeftovers() }
        do throws(RecoveryError) {
            try write(tree, salvage)
            try onDisk { () throws(DiskError) in try swap.finish() }
        } catch {
            removeUnfinished()
            throw error
        }
        try onDisk { () throws(DiskError) in
            if isThere { report.damagedCopy = try swap.putAside() }
            try swap.putInPlace()
        }
        report.outcome = .recovered
    }

    /// Gives back the room that a failed run took; the next run would, too.
    private func removeUnfinished() {
        do throws(DiskError) {
            if try swap.exists(swap.unfinished) { try swap.disk.removeTree(swap.unfinished) }
        } catch {}
    }

    private mutating func finishEarlierRun() throws(RecoveryError) {
        let path = swap.finished
        let lock = try takeLock(path)
        defer { lock.release() }
        var isRight = false
        do throws(LogError) {
            let log = try EventLog.open(directory: path, disk: disk, access: .readOnly)
            let ledger = Digest(hashing: try log.entry(at: 0))
            if log.recovery.wasClosed, log.size >= trust.size, ledger == trust.ledger.digest {
                isRight = try log.root(at: trust.size) == trust.root
            }
            _ = try log.verifyAll()
            report.size = log.size
            report.root = log.root
            report.entriesBeyond = isRight ? log.size - trust.size : 0
        } catch {
            throw .writtenOtherwise(path: path, problem: "\(error)")
        }
        guard isRight else { throw .otherRecovery(path: path) }
        try onDisk { () throws(DiskError) in
            report.damagedCopy = try swap.lastPutAside()
            try swap.putInPlace()
        }
        report.outcome = .finishedEarlierRun
    }

    private func checkIsLedger() throws(RecoveryError) {
        let known = ["LOCK", "END", "segments", "blobs", "snapshots", "checkpoints", "torn"]
        let names = try onDisk { () throws(DiskError) in try disk.list(directory) }
        guard let first = names.first, !names.contains(where: { known.contains($0) }) else {
            return
        }
        throw .notALedger(path: directory, found: first)
    }

    private func takeLock(_ path: String) throws(RecoveryError) -> any DiskLock {
        do {
            let lock = try disk.lock("\(path)/LOCK")
            // The name of the lock is on disk before the directory's own name changes.
            try disk.syncDirectory(path)
            return lock
        } catch {
            if case .locked(_, let holder) = error { throw .running(path: path, holder: holder) }
            throw .disk(error)
        }
    }

    /// Whether the ledger is whole and the one that is vouched for, blobs included.
    private mutating func isWhole() throws(RecoveryError) -> Bool {
        var notices: [String] = []
        do {
            let opened = try LedgerStore.open(
                directory: directory, disk: disk, access: .readOnly, options: options)
            guard opened.log.size >= trust.size,
                try opened.log.root(at: trust.size) == trust.root
            else { return false }
            let total = opened.log.size
            _ = try opened.log.verifyAll { done in
                tell(RecoveryProgress(step: .examining, entries: done, total: total))
            }
            notices = opened.notices
            report.size = total
            report.root = opened.log.root
        } catch {
            // Whatever is wrong with it, it is not whole.
            return false
        }
        for hash in try allBlobs() {
            guard try blob(hash) != nil else {
                report.notices.append("the blob \(hash.hex) is missing or damaged")
                return false
            }
        }
        report.notices = notices
        report.sizeKnownBefore = report.size
        return true
    }

    private func checkIdentity(_ salvage: LogSalvage) throws(RecoveryError) {
        let first: [UInt8]?
        do { first = try salvage.entry(at: 0, isCertain: true) } catch { throw .log(error) }
        guard let first else { return }
        let found = LedgerID(Digest(hashing: first))
        guard found == trust.ledger else {
            throw .targetIsOtherLedger(path: directory, expected: trust.ledger, found: found)
        }
    }

    /// Runs file operations and wraps their error.
    func onDisk<R>(_ body: () throws(DiskError) -> R) throws(RecoveryError) -> R {
        do { return try body() } catch { throw .disk(error) }
    }
}
