// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger
internal import Replication

/// How much a journal has gained since it was opened or cut.
package struct JournalGrowth: Equatable, Sendable {
    private(set) var entries: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    mutating func note(_ count: Int) {
        entries += 1
        bytes += UInt64(count)
    }

    /// Whether a cut pays.
    func isAbove(_ bound: JournalGrowth) -> Bool {
        entries >= bound.entries || bytes >= bound.bytes
    }

    package init() {}

    /// Entries and bytes, of which either is enough to be above it.
    package init(entries: UInt64, bytes: UInt64) {
        self.entries = entries
        self.bytes = bytes
    }
}

/// What of the ledger was known when a journal was cut: from there on the journal says everything,
/// and of what is before it what the ledger does not say.
package struct JournalCut: BorshCodable, Equatable, Sendable {
    /// The last batch.
    package let height: Height
    /// Its time.
    package let time: Time
    /// The size of the log after it.
    package let size: UInt64
    /// The root of the log after it.
    package let root: Digest

    /// The end of what a ledger holds.
    package init(height: Height, time: Time, size: UInt64, root: Digest) {
        self.height = height
        self.time = time
        self.size = size
        self.root = root
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(time)
        writer.write(size)
        writer.write(root)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        time = try Time(from: &reader)
        size = try reader.integer()
        root = try reader.digest()
    }
}

/// Leaving out of a journal what the ledger says for ever.
///
/// A new journal is made beside the old one, read back, and given its name in one step of the file
/// system; the old one is kept under `<directory>.before` until the next cut, for whoever traces a
/// fork. Before that step the old journal is the journal and after it the new one, each of them
/// whole: there is no moment at which a start would find neither.
///
/// Carried over: that the journal was lost once; the last checkpoint cosigned; the votes on
/// requests and results of jobs that are not closed in the ledger; the validator's own proposals,
/// prevotes and precommits of its newest height and of the ledger's last one, which no later batch
/// certifies yet, with the prevotes of others there; batches that are not in the ledger. Then where
/// it was cut: on a ledger that is behind that the validator says nothing.
extension VoteJournal {
    /// Cuts the journal where it has gained enough since it was opened or cut last.
    ///
    /// Returns false where it has not, where the ledger is behind the last cut, or where the file
    /// system cannot exchange two names: the journal then stays as it is. After an error nothing
    /// may be said; open it again.
    /// - Parameters:
    ///   - state: After the last batch of the ledger, which is durable there.
    ///   - root: The root of the log after it.
    ///   - bound: What it is to have gained.
    package mutating func cut(
        at state: LedgerState, root: Digest,
        above bound: JournalGrowth = JournalGrowth(
            entries: HostingLimits.cutEntries, bytes: HostingLimits.cutBytes)
    ) throws(JournalError) -> Bool {
        guard growth.isAbove(bound), !state.isBatchOpen, state.height > Height(0) else {
            return false
        }
        // On a ledger that is behind, the last cut says more of what was said than another would.
        guard state.height >= self.cut?.height ?? Height(0) else { return false }
        if !waiting.isEmpty { try write(waiting) }
        let cut = JournalCut(
            height: state.height, time: state.time, size: state.size, root: root)
        let entries = try carried(over: state) + [.cut(cut)]
        let next = "\(directory).next"
        try make(next, of: entries)
        var made = try VoteJournal(directory: next, disk: disk, key: key, ledger: ledger)
        check(made, carries: entries)
        try made.close()
        guard try Self.inLog({ () throws(LogError) in try exchange(with: next) }) else {
            return false
        }
        made = try VoteJournal(directory: directory, disk: disk, key: key, ledger: ledger)
        // The old log goes without an end mark: its name is another's.
        self = made
        try Self.inLog { () throws(LogError) in try keepAside(next) }
        return true
    }

    /// What the new journal begins with, in order.
    private func carried(over state: LedgerState) throws(JournalError) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        if let begunAnew { entries.append(.begunAnew(begunAnew)) }
        if let silentThrough { entries.append(.silentThrough(silentThrough)) }
        if let lastCosigned { entries.append(.cosigned(lastCosigned)) }
        entries += votes { request in
            state.entry(of: request).map { state.openRound(at: $0) != nil } ?? true
        }.map { .voted($0) }
        for job in jobs where state.entry(of: job).map({ state.job(at: $0) != nil }) ?? true {
            if let report = report(on: job) { entries.append(.reported(sign(report, job))) }
        }
        return entries + (try carriedWords(state.height))
    }

    private func carriedWords(_ last: Height) throws(JournalError) -> [JournalEntry] {
        let newest = min(spokenHeight ?? last, last)
        guard let first = window.firstEntry(from: newest) else { return [] }
        var entries: [JournalEntry] = []
        try log.forEach(from: first, to: log.size, orThrow: JournalError.log) {
            index, bytes throws(JournalError) in
            let entry = try Self.entry(bytes, index)
            let isKept =
                switch entry {
                case .proposed(let proposal): proposal.height >= newest
                case .cast(let vote): vote.height >= newest
                case .received(let vote): vote.height >= last
                case .held(let part): part.height > last
                case .voted, .votedList, .cosigned, .begunAnew, .silentThrough, .reported, .cut:
                    false
                }
            if isKept { entries.append(entry) }
        }
        return entries
    }

    private func make(_ path: String, of entries: [JournalEntry]) throws(JournalError) {
        try Self.inLog { () throws(LogError) in
            try Self.onDisk { () throws(DiskError) in
                if try disk.exists(path) { try disk.removeTree(path) }
            }
            let log = try EventLog.create(directory: path, disk: disk)
            for start in stride(from: 0, to: entries.count, by: Self.committedTogether) {
                let end = min(entries.count, start + Self.committedTogether)
                _ = try log.stage(entries[start..<end].map(\.encoded)[...])
                try log.commit()
            }
            try log.close()
        }
    }

    /// So many of the longest entries fit a commit.
    static let committedTogether = 512

    /// Stops the process where the new journal would let the validator say something else.
    private func check(_ made: VoteJournal, carries entries: [JournalEntry]) {
        invariant(made.log.size == UInt64(entries.count), "a cut journal of another length")
        let votes = entries.count { if case .voted = $0 { true } else { false } }
        invariant(made.count == votes, "\(made.count) verdicts in a cut journal of \(votes) votes")
        let results = entries.count { if case .reported = $0 { true } else { false } }
        invariant(
            made.reports.count == results,
            "\(made.reports.count) jobs in a cut journal of \(results) results")
        invariant(made.cut != nil, "a cut journal says that it is whole")
        invariant(
            made.growth == JournalGrowth(),
            "a cut journal has gained \(made.growth.entries) entries")
        invariant(
            made.begunAnew == begunAnew && made.silentThrough == silentThrough,
            "a cut journal forgets that it was lost")
        invariant(made.lastCosigned == lastCosigned, "a cut journal forgets a checkpoint")
        invariant(made.spokenHeight == spokenHeight, "a cut journal forgets a height")
        let said = window.ownByEntry.map { ($0.slot, $0.own.value, $0.own.validRound) }
        let kept = made.window.ownByEntry.map { ($0.slot, $0.own.value, $0.own.validRound) }
        invariant(
            said.elementsEqual(kept) { $0 == $1 }, "a cut journal forgets what was said at a height"
        )
    }

    /// Gives the journal the name of the new one and the new one its name; false where the file
    /// system cannot, and then the new one is gone.
    private func exchange(with next: String) throws(LogError) -> Bool {
        do throws(DiskError) {
            try disk.exchange(directory, with: next)
        } catch {
            guard case .failed(.rename, _, let code) = error, Self.cannot.contains(code) else {
                throw .disk(error)
            }
            try Self.onDisk { () throws(DiskError) in try disk.removeTree(next) }
            return false
        }
        try Self.onDisk { () throws(DiskError) in
            try disk.syncDirectory(disk.parent(of: directory))
        }
        return true
    }

    /// What systems say where a file system cannot exchange names: EINVAL, ENOSYS, ENOTSUP.
    private static let cannot: Set<Int32> = [22, 38, 45, 95]

    private func keepAside(_ old: String) throws(LogError) {
        try Self.onDisk { () throws(DiskError) in
            let before = Self.before(directory)
            if try disk.exists(before) { try disk.removeTree(before) }
            try disk.rename(old, to: before)
            try disk.syncDirectory(disk.parent(of: directory))
        }
    }

    private static func before(_ directory: String) -> String { "\(directory).before" }

    /// The directories that hold what is left of a journal, the oldest first.
    static func parts(of directory: String, _ disk: any Disk) throws(LogError) -> [String] {
        let before = before(directory)
        let isThere = try onDisk { () throws(DiskError) in try disk.exists("\(before)/segments") }
        return isThere ? [before, directory] : [directory]
    }

    static func inLog<R>(_ body: () throws(LogError) -> R) throws(JournalError) -> R {
        do { return try body() } catch { throw .log(error) }
    }
}
