// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// Starting from far behind: a snapshot, the batches after it, and beside them those before it.
extension ReplicaHost {
    /// Whether the node waits for a snapshot to start from.
    package var isJoining: Bool { fetch != nil }

    /// Whether the node lacks older entries, and `ledger/` is only the beginning of its ledger.
    package var isBackfilling: Bool { ahead != nil }

    /// The number of entries of the ledger that the node follows, those that it lacks included.
    package var ledgerSize: UInt64 { ahead?.end ?? log.size }

    /// The uptime at which what is done beside the replica is to go on.
    var nextAheadWake: UInt64 {
        if let fetch { return fetch.nextWake }
        guard let backfill else { return .max }
        return backfill.isWhole ? 0 : backfill.nextWake
    }

    /// Goes on with what is done beside the replica.
    func goOn(at now: Instant) throws(HostError) {
        fetch?.wake(at: now.uptime, &outputs)
        if let fetch, fetch.isExhausted {
            self.fetch = nil
            outputs.append(
                .notice(
                    "nobody has a snapshot under the checkpoint to start from: every batch from"
                        + " height \(replica.height.rawValue) on is replayed"))
            if isStarted { try step([.start], at: now) }
        }
        guard backfill != nil else { return }
        if backfill?.isWhole == true { return try merge() }
        backfill?.wake(at: now.uptime, &outputs)
    }

    /// Receives a part of a snapshot.
    func receive(
        _ part: SnapshotPart, from peer: ValidatorIndex, at now: Instant
    ) throws(HostError) {
        guard let found = try fetch?.receive(part, from: peer, at: now.uptime, &outputs) else {
            return
        }
        fetch = nil
        let start = try AheadLog(
            opening: AheadLog.path(in: directory), disk: disk, snapshot: found.header)
        invariant(
            start.log.size == 0,
            "a snapshot that has just come has \(start.log.size) entries behind")
        invariant(
            start.start > log.size,
            "a snapshot of \(start.start) entries is begun with, and \(log.size) are here")
        let base = replica
        ahead = start
        replica = try Self.makeReplica(
            key: base.key, settings: base.settings, weakening: weakening, state: found.state,
            frontier: start.frontier, precommits: precommits, journal: journal,
            quietThrough: cases.quietThrough, checker: memory.checker, at: now
        ).replica
        intake.update(replica.state)
        backfill = Backfill(
            log: log, state: base.state, frontier: base.frontier, target: found.header,
            quorum: weakening.quorum, peers: peers)
        outputs.append(
            .notice(
                "starts from the snapshot of height \(found.header.height.rawValue),"
                    + " \(found.header.size) entries, under the checkpoint; those from entry"
                    + " \(log.size) on are fetched behind it"))
        if isStarted { try step([.start], at: now) }
    }

    /// Receives a batch from before the snapshot; returns whether it is that.
    func receiveOld(
        _ batch: DecidedBatch, from peer: ValidatorIndex?, at now: Instant
    ) throws(HostError) -> Bool {
        guard let backfill, backfill.covers(batch) else { return false }
        if let peer, try fill(with: batch, from: peer, backfill, at: now) { try append(batch) }
        // The precommits of the last batch may be those that the replica lacks.
        return batch.precommits.height < state.height
    }

    /// Lets the next batch be checked; returns whether it is one.
    private func fill(
        with batch: DecidedBatch, from peer: ValidatorIndex, _ held: Backfill, at now: Instant
    ) throws(HostError) -> Bool {
        do throws(HostError) {
            return try backfill?.receive(batch, from: peer, at: now.uptime, &outputs) == true
        } catch {
            guard case .diverged(let divergence, case: nil) = error else { throw error }
            throw diverged(divergence, batch, on: held.state, held.frontier, at: now)
        }
    }

    private func append(_ batch: DecidedBatch) throws(HostError) {
        do throws(LogError) {
            _ = try log.stage(batch.entries.map(\.bytes)[...])
            try log.commit()
        } catch { throw .log(error) }
        try heads(from: log.size - UInt64(batch.entries.count)).check(log)
        guard let backfill else { return }
        invariant(
            log.size == backfill.frontier.count,
            "a log of \(log.size) entries for a tree of \(backfill.frontier.count)")
        invariant(
            log.root == backfill.frontier.root, "a batch is written that another was derived to")
        try backfill.compare()
        try keepSnapshot(of: self.backfill?.state ?? backfill.state)
        if backfill.isWhole {
            outputs.append(
                .notice(
                    "has every entry before the snapshot, with the same state; \(ahead?.end ?? 0)"
                        + " entries become one log"))
        }
    }

    /// The head that the operator named, where the log has not passed it long ago.
    func heads(from size: UInt64) -> [TreeHead] {
        trusted.map { $0.size > size ? [$0] : [] } ?? []
    }

    /// Moves some of the entries of `ahead/` to `ledger/`; removes it after the last.
    private func merge() throws(HostError) {
        guard let ahead else { return }
        let first = TreeHead(size: ahead.start, root: ahead.snapshot.root)
        // Only a ledger that somebody put there since is shorter.
        guard log.size >= first.size else { throw .otherHistory(first, found: log.root) }
        try [first].check(log)
        var bytes = 0
        do throws(LogError) {
            while log.size < ahead.end, bytes < HostingLimits.mergeBytes {
                var place = log.size
                // Whole batches only: a ledger does not end within one.
                var isSealed = false
                while !isSealed {
                    let entry = try ahead.log.entry(at: place - ahead.start)
                    _ = try log.stage(entry)
                    bytes += entry.count
                    place += 1
                    isSealed = Self.seal(entry) != nil
                }
                try log.commit()
            }
        } catch { throw .log(error) }
        invariant(
            log.size <= ahead.end, "\(log.size) entries are moved of \(ahead.end)")
        guard log.size == ahead.end else { return }
        try [TreeHead(size: ahead.end, root: ahead.frontier.root)].check(log)
        try ahead.remove(from: directory, disk: disk)
        self.ahead = nil
        backfill = nil
        outputs.append(.notice("holds the whole ledger, \(log.size) entries"))
    }

    /// Those who can be asked: all members but the node itself.
    var peers: [ValidatorIndex] { state.members.filter { $0 != replica.index } }
}
