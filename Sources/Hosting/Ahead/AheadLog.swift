// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// What a node writes from the snapshot on that it started from, while it lacks what is before it.
///
/// `ahead/` is a log whose entry k is entry `start + k` of the ledger, with the snapshot at `start`
/// in `ahead/snapshots/`. It is made as `ahead.unfinished/` and renamed when it is whole and
/// durable; once `ledger/` holds all that it does, it is renamed to `ahead.done/` and removed.
///
/// Invariant: `frontier.count == end == start + log.size`, once it is folded.
struct AheadLog {
    /// The log of the entries from `start` on.
    let log: EventLog
    /// The snapshot that the node started from.
    let snapshot: SnapshotHeader
    /// The tree of the whole ledger after the last entry.
    private(set) var frontier: MerkleFrontier

    /// The entries before it.
    var start: UInt64 { snapshot.size }
    /// The entries of the ledger that are durable here or before.
    var end: UInt64 { start + log.size }

    /// Where it is, in the directory of a node.
    static func path(in directory: String) -> String { "\(directory)/ahead" }
    /// Where it is made.
    static func unfinishedPath(in directory: String) -> String { "\(directory)/ahead.unfinished" }
    /// Where it is removed.
    static func donePath(in directory: String) -> String { "\(directory)/ahead.done" }

    /// Opens it where there is one, and gives the state after its last entry.
    ///
    /// Removes what was not finished, and what is done with, first.
    /// - Parameters:
    ///   - log: The log of `ledger/`; where it holds all that is here, this is removed.
    ///   - heads: What the ledger is known to have been: each is compared with.
    static func open(
        in directory: String, disk: any Disk, with log: EventLog, ledger: LedgerID,
        heads: [TreeHead]
    ) throws(HostError) -> (ahead: AheadLog, state: LedgerState)? {
        try onHostDisk { () throws(DiskError) in
            var isChanged = false
            for path in [unfinishedPath(in: directory), donePath(in: directory)]
            where try disk.exists(path) {
                try disk.removeTree(path)
                isChanged = true
            }
            if isChanged { try disk.syncDirectory(directory) }
        }
        let path = path(in: directory)
        guard try onHostDisk({ () throws(DiskError) in try disk.exists(path) }) else { return nil }
        let (snapshot, state) = try loadSnapshot(in: path, disk: disk, ledger: ledger)
        var ahead = try AheadLog(opening: path, disk: disk, snapshot: snapshot)
        try heads.check(ahead.frontier)
        let folded = try ahead.fold(from: state, heads)
        try [
            TreeHead(size: snapshot.size, root: snapshot.root),
            TreeHead(size: ahead.end, root: ahead.frontier.root),
        ].check(log)
        guard log.size < ahead.end else {
            try ahead.remove(from: directory, disk: disk)
            return nil
        }
        return (ahead, folded)
    }

    /// Opens the log, of which nothing is folded yet.
    init(opening path: String, disk: any Disk, snapshot: SnapshotHeader) throws(HostError) {
        do throws(LogError) {
            log = try EventLog.open(directory: path, disk: disk)
        } catch { throw .log(error) }
        guard let frontier = MerkleFrontier(count: snapshot.size, subtrees: snapshot.subtrees)
        else { fatalError("a snapshot was loaded that has not the subtrees of its size") }
        self.snapshot = snapshot
        self.frontier = frontier
    }

    private static func loadSnapshot(
        in path: String, disk: any Disk, ledger: LedgerID
    ) throws(HostError) -> (SnapshotHeader, LedgerState) {
        let store = SnapshotStore(ledgerDirectory: path, disk: disk)
        let heights = try onHostDisk { () throws(DiskError) in try store.heights() }
        guard let height = heights.last else { throw .start(path: path, nil) }
        do throws(SnapshotFlaw) {
            let (header, state) = try store.load(height)
            guard header.ledger == ledger else { throw .otherLedger(header.ledger) }
            return (header, state)
        } catch {
            throw .start(path: store.path(height), error)
        }
    }

    private mutating func fold(
        from state: LedgerState, _ heads: [TreeHead]
    ) throws(HostError) -> LedgerState {
        var state = state
        var frontier = self.frontier
        var flaw: HostError?
        do throws(FoldFailure) {
            try LedgerFold.run(
                log, base: start, into: &state,
                didApply: { entry, _ in
                    frontier.append(leafHash: entry.leafHash)
                    do throws(HostError) { try heads.check(frontier) } catch { flaw = error }
                    return flaw == nil
                })
        } catch { throw .ledger(StorageError(error)) }
        if let flaw { throw flaw }
        self.frontier = frontier
        invariant(frontier.count == end, "a tree of \(frontier.count) for \(end) entries")
        invariant(state.size == end, "a state of \(state.size) entries for a log to \(end)")
        guard !state.isBatchOpen else { throw .ledger(.unsealed(entries: state.size)) }
        return state
    }

    /// Appends a batch, durably.
    mutating func append(
        _ entries: [Entry], _ heads: [TreeHead]
    ) throws(HostError) {
        for entry in entries {
            frontier.append(leafHash: entry.leafHash)
            try heads.check(frontier)
        }
        do throws(LogError) {
            _ = try log.stage(entries)
            try log.commit()
        } catch { throw .log(error) }
        invariant(end == frontier.count, "a tree of \(frontier.count) for \(end) entries")
    }

    /// Removes it, with all that is in it; nothing of it is missing in `ledger/`.
    func remove(from directory: String, disk: any Disk) throws(HostError) {
        do throws(LogError) { try log.close() } catch { throw .log(error) }
        try onHostDisk { () throws(DiskError) in
            let done = Self.donePath(in: directory)
            try disk.rename(Self.path(in: directory), to: done)
            // From here on no crash brings it back.
            try disk.syncDirectory(directory)
            try disk.removeTree(done)
            try disk.syncDirectory(directory)
        }
    }
}

extension [TreeHead] {
    /// Compares a tree with the head of its size, where there is one.
    func check(_ frontier: MerkleFrontier) throws(HostError) {
        for head in self where head.size == frontier.count {
            guard head.root == frontier.root else {
                throw .otherHistory(head, found: frontier.root)
            }
        }
    }

    /// Compares the log of a ledger with each head that it holds.
    func check(_ log: EventLog) throws(HostError) {
        for head in self where head.size <= log.size {
            let root: Digest
            do throws(LogError) { root = try log.root(at: head.size) } catch { throw .log(error) }
            guard root == head.root else { throw .otherHistory(head, found: root) }
        }
    }
}

/// Does something with the disk, whose errors are then a host's.
func onHostDisk<R>(_ body: () throws(DiskError) -> R) throws(HostError) -> R {
    do throws(DiskError) { return try body() } catch { throw .disk(error) }
}
