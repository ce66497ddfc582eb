// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

extension LedgerRecovery {
    /// Reads the new log back and adds what belongs beside it.
    mutating func complete(
        _ state: LedgerState, _ blobs: Set<Digest>, _ salvage: LogSalvage
    ) throws(RecoveryError) {
        let log = try readBack(state)
        tell(RecoveryProgress(step: .completing, entries: log.size, total: log.size))
        try copyBlobs(neededBy: blobs)
        try copyCheckpoints(log)
        try countKnown(salvage)
        let ledger = OpenedLedger(
            log: log, state: state, snapshot: nil, checkpoint: nil, folded: state.size,
            notices: [])
        do throws(LogError) {
            report.snapshot = try LedgerStore.takeSnapshot(
                of: ledger, directory: swap.unfinished, disk: disk, kept: 1
            ).height
        } catch {
            throw .log(error)
        }
        for (file, error) in salvage.unreadable {
            report.notices.append("\(file) could not be read to its end: \(error)")
        }
    }

    private mutating func readBack(_ state: LedgerState) throws(RecoveryError) -> EventLog {
        let path = swap.unfinished
        let log: EventLog
        do throws(LogError) {
            log = try EventLog.open(directory: path, disk: disk, access: .readOnly)
            let total = log.size
            _ = try log.verifyAll { done in
                tell(RecoveryProgress(step: .verifying, entries: done, total: total))
            }
            guard log.size == state.size, try log.root(at: trust.size) == trust.root,
                log.recovery.wasClosed
            else {
                throw .damaged(
                    file: path, offset: 0, entry: trust.size,
                    .root(of: "log", stored: trust.root, computed: log.root))
            }
        } catch {
            if case .disk = error { throw .log(error) }
            throw .writtenOtherwise(path: path, problem: "\(error)")
        }
        report.size = log.size
        report.root = log.root
        return log
    }

    /// The blobs that either side has by name, ascending, once each.
    func allBlobs() throws(RecoveryError) -> [Digest] {
        let own = try onDisk { () throws(DiskError) in try blobHashes(in: directory, disk) }
        return Set(own + (try sourceBlobs())).sorted()
    }

    private func sourceBlobs() throws(RecoveryError) -> [Digest] {
        try fromSource { () throws(SourceError) in try source.blobs() }
    }

    /// A blob of the damaged ledger; nil where it is missing or damaged.
    func blob(_ hash: Digest) throws(RecoveryError) -> [UInt8]? {
        do { return try goodBlob(hash, in: directory, disk) } catch { throw .log(error) }
    }

    private mutating func copyBlobs(neededBy needed: Set<Digest>) throws(RecoveryError) {
        let store = BlobStore(logDirectory: swap.unfinished, disk: disk)
        for hash in Set(try allBlobs()).union(needed).sorted() {
            var bytes = try blob(hash)
            let isOwn = bytes != nil
            if bytes == nil {
                do { bytes = try source.blob(hash) } catch {
                    if case .disk(let error) = error { throw .disk(error) }
                }
            }
            guard let bytes, Digest(hashing: bytes) == hash else {
                report.blobsMissing.append(hash)
                continue
            }
            do { _ = try store.put(bytes) } catch { throw .log(error) }
            if isOwn { report.blobsKept += 1 } else { report.blobsFetched += 1 }
        }
    }

    /// Copies the checkpoints of the damaged ledger that the new log agrees with.
    private mutating func copyCheckpoints(_ log: EventLog) throws(RecoveryError) {
        let names = try names(in: "checkpoints")
        guard !names.isEmpty else { return }
        let folder = "\(swap.unfinished)/checkpoints"
        try onDisk { () throws(DiskError) in
            try disk.createDirectory(folder)
            try disk.syncDirectory(swap.unfinished)
        }
        for name in names where !name.hasSuffix(".tmp") {
            if CheckpointFile.isPrecommits(name) {
                try copyPrecommits(name, to: folder)
                continue
            }
            guard let (bytes, head) = try checkpoint(named: name, in: directory, disk) else {
                report.checkpointsDropped.append(name)
                continue
            }
            report.sizeKnownBefore = max(report.sizeKnownBefore, head.size)
            let root: Digest?
            do { root = head.size <= log.size ? try log.root(at: head.size) : nil } catch {
                throw .log(error)
            }
            guard root == head.root else {
                report.checkpointsDropped.append(name)
                continue
            }
            try onDisk { () throws(DiskError) in
                try disk.place(bytes, in: folder, as: name)
            }
            report.checkpointsKept += 1
        }
    }

    /// Copies a file of precommits as it is: whoever reads it verifies it.
    private func copyPrecommits(_ name: String, to folder: String) throws(RecoveryError) {
        let bytes: [UInt8]?
        do {
            bytes = try CheckpointFile.readPrecommits(name: name, in: directory, disk: disk)
        } catch {
            if case .failed = error { return }
            throw .disk(error)
        }
        guard let bytes else { return }
        try onDisk { () throws(DiskError) in try disk.place(bytes, in: folder, as: name) }
    }

    private func checkpoint(
        named name: String, in directory: String, _ disk: any Disk
    ) throws(RecoveryError) -> (bytes: [UInt8], head: TreeHead)? {
        do {
            return try CheckpointFile.read(
                name: name, in: directory, ledger: trust.ledger, disk: disk)
        } catch {
            if case .failed = error { return nil }
            throw .disk(error)
        }
    }

    private func names(in folder: String) throws(RecoveryError) -> [String] {
        do { return try disk.list("\(directory)/\(folder)") } catch {
            switch error {
            case .notFound, .failed: return []
            default: throw .disk(error)
            }
        }
    }

    /// Finds out how much the damaged ledger is known to have held.
    private mutating func countKnown(_ salvage: LogSalvage) throws(RecoveryError) {
        var known = max(report.sizeKnownBefore, salvage.endIndex)
        do throws(LogError) {
            if let mark = try EventLog.endMark(in: directory, disk: disk) {
                known = max(known, mark.size)
            }
        } catch {
            throw .log(error)
        }
        let store = SnapshotStore(ledgerDirectory: directory, disk: disk)
        let heights: [Height]
        do { heights = try store.heights() } catch {
            if case .failed = error { heights = [] } else { throw .disk(error) }
        }
        report.snapshotsDropped = heights.count
        for height in heights {
            do throws(SnapshotFlaw) {
                let header = try store.header(of: height)
                if header.ledger == trust.ledger { known = max(known, header.size) }
            } catch {}
        }
        report.sizeKnownBefore = known
        if known > report.size {
            report.notices.append(
                "the ledger had reached \(known) entries, and \(report.size) could be recovered:"
                    + " find a newer copy before it takes part again")
        }
    }
}

/// Files of checkpoints, as far as copying them goes.
enum CheckpointFile {
    /// The bytes of a checkpoint file and the head that it names; nil where it is none of this
    /// ledger or its name is not that of its size. No signature is checked.
    static func read(
        name: String, in directory: String, ledger: LedgerID, disk: any Disk
    ) throws(DiskError) -> (bytes: [UInt8], head: TreeHead)? {
        let bytes: [UInt8]
        do {
            bytes = try disk.contents(
                of: "\(directory)/checkpoints/\(name)", max: SignedNote.bytesMax)
        } catch {
            if case .notFound = error { return nil }
            throw error
        }
        do throws(NoteError) {
            let checkpoint = try SignedCheckpoint(bytes).checkpoint
            guard checkpoint.origin == Checkpoint.origin(ofLedger: ledger.digest),
                name == self.name(checkpoint.size)
            else { return nil }
            return (bytes, checkpoint.head)
        } catch {
            return nil
        }
    }

    /// Whether a file beside the checkpoints holds the precommits of a batch.
    static func isPrecommits(_ name: String) -> Bool { name.hasSuffix(".precommits") }

    /// The bytes of a file of precommits; nil where it is gone or too long. Nothing is verified.
    static func readPrecommits(
        name: String, in directory: String, disk: any Disk
    ) throws(DiskError) -> [UInt8]? {
        do {
            let bytes = try disk.contents(
                of: "\(directory)/checkpoints/\(name)", max: SignedNote.bytesMax)
            return bytes.count > SignedNote.bytesMax ? nil : bytes
        } catch {
            if case .notFound = error { return nil }
            throw error
        }
    }

    private static func name(_ size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits + ".checkpoint"
    }
}
