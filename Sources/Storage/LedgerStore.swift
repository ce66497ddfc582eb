// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger

/// Why a ledger could not be opened.
package enum StorageError: Error, Sendable {
    /// The log cannot be read, or is damaged.
    case log(LogError)
    /// An entry cannot be decoded, or cannot follow those before it.
    case entry(UInt64, problem: String)
    /// The log ends within a batch.
    case unsealed(entries: UInt64)
    /// The log is another than the one that a snapshot or checkpoint was made of.
    case otherHistory(witness: String, entry: UInt64)
    /// The log holds less than a snapshot or checkpoint has seen.
    case shorterThan(witness: String, known: UInt64, LogError)
    /// The checkpoints cannot be read.
    case checkpoints(CheckpointStoreError)
    /// The disk failed.
    case disk(DiskError)
}

extension StorageError: CustomStringConvertible {
    /// What happened and what to do, for a person.
    package var description: String {
        switch self {
        case .log(let error): "\(error)"
        case .entry(let entry, let problem): "entry \(entry) cannot be used: \(problem)"
        case .unsealed(let entries): "the log ends within a batch, after \(entries) entries"
        case .otherHistory(let witness, let entry):
            "\(witness) was made of another history: the logs differ before entry \(entry);"
                + " find out which is right, and recover the log or remove that file"
        case .shorterThan(let witness, let known, let error):
            "\(witness) was made of \(known) entries: \(error)"
        case .checkpoints(let error): "\(error)"
        case .disk(let error): "the disk failed: \(error)"
        }
    }
}

/// A ledger with its log and the state that the log has reached.
package struct OpenedLedger: Sendable {
    /// The log.
    package let log: EventLog
    /// The state after its last entry.
    package var state: LedgerState
    /// The snapshot that served; nil where the whole log was folded.
    package let snapshot: SnapshotHeader?
    /// The newest good checkpoint; nil where there is none.
    package let checkpoint: SignedCheckpoint?
    /// The entries that were folded.
    package let folded: UInt64
    /// What a person should hear: snapshots and checkpoints that did not serve, and why.
    package let notices: [String]
}

/// Opening a ledger: the newest good snapshot, and the entries after it.
package enum LedgerStore {
    /// Opens the log in a directory and folds what no snapshot holds.
    ///
    /// A snapshot that is damaged, or of another ledger, is told of in `notices`, and the next
    /// older one or the whole log serves. A log that holds less than a snapshot or checkpoint has
    /// seen, or another history, is an error: there the log is damaged.
    ///
    /// - Parameter checksTail: What lies beyond the newest snapshot, and beyond the newest
    ///   checkpoint that a validator signed, is derived again and its signatures are checked: for
    ///   who goes on from there. Whoever could write to the disk could have added it.
    package static func open(
        directory: String, disk: any Disk, access: LogAccess = .readWrite,
        options: LogOptions = LogOptions(), checksTail: Bool = false
    ) throws(StorageError) -> OpenedLedger {
        let witnesses = try Witnesses(directory, disk)
        var options = options
        options.knownSize = max(options.knownSize, witnesses.largest?.size ?? 0)
        let log: EventLog
        do throws(LogError) {
            log = try EventLog.open(
                directory: directory, disk: disk, access: access, options: options)
        } catch {
            if case .damaged(_, _, _, .shorterThanKnown) = error, let largest = witnesses.largest {
                throw .shorterThan(witness: largest.path, known: largest.size, error)
            }
            throw .log(error)
        }
        do throws(StorageError) {
            return try fold(log, witnesses, checksTail: checksTail)
        } catch {
            do throws(LogError) { try log.close() } catch { throw .log(error) }
            throw error
        }
    }

    /// The ledger that the log's first entry opens.
    package static func identity(
        of directory: String, disk: any Disk
    ) throws(LogError) -> LedgerID {
        LedgerID(Digest(hashing: try EventLog.firstEntry(in: directory, disk: disk)))
    }

    private static func fold(
        _ log: EventLog, _ witnesses: Witnesses, checksTail: Bool
    ) throws(StorageError) -> OpenedLedger {
        var notices = witnesses.notices
        var served: SnapshotHeader?
        var state = LedgerState()
        for header in witnesses.headers {
            let path = witnesses.snapshots.path(header.height)
            try compare(TreeHead(size: header.size, root: header.root), path, with: log)
            do throws(SnapshotFlaw) {
                try check(header, against: log)
                state = try witnesses.snapshots.load(header.height).state
                served = header
                break
            } catch {
                notices.append(Witnesses.notice(path, error))
            }
        }
        let start = state.size
        if checksTail { state = try trustedState(log, from: state, witnesses) }
        if checksTail, state.size > 0 {
            try derive(log, from: &state)
        } else {
            try fold(log, into: &state)
        }
        let checkpoint = try witnesses.checkpoint(
            signedBy: state.validators.map(\.key), &notices)
        if let checkpoint {
            try compare(
                checkpoint.head, witnesses.checkpoints.path(checkpoint.head.size), with: log)
        }
        return OpenedLedger(
            log: log, state: state, snapshot: served, checkpoint: checkpoint,
            folded: state.size - start, notices: notices)
    }

    /// The state at the newest checkpoint in the log that somebody signed who is a validator there;
    /// `state` itself where there is none beyond it, or the state after batch 0.
    private static func trustedState(
        _ log: EventLog, from state: LedgerState, _ witnesses: Witnesses
    ) throws(StorageError) -> LedgerState {
        let newest: SignedCheckpoint?
        do throws(CheckpointStoreError) {
            newest = try witnesses.checkpoints.newest(below: log.size).checkpoint
        } catch {
            throw .checkpoints(error)
        }
        if let head = newest?.head, head.size > state.size {
            var later = state
            do throws(FoldFailure) { try LedgerFold.run(log, into: &later, to: head.size) } catch {
                throw StorageError(error)
            }
            var unheard: [String] = []
            let signed = try witnesses.checkpoint(
                signedBy: later.validators.map(\.key), &unheard)
            if signed?.head == head, !later.isBatchOpen {
                try compare(head, witnesses.checkpoints.path(head.size), with: log)
                return later
            }
        }
        guard state.size == 0 else { return state }
        // Batch 0 has no signature: its hash is the ledger's name.
        var opened = LedgerState()
        do throws(FoldFailure) {
            try LedgerFold.run(log, into: &opened, didApply: { $1.isBatchOpen })
        } catch {
            throw StorageError(error)
        }
        return opened
    }

    /// Takes in the batches from the size of the state on, and believes nothing of them.
    private static func derive(
        _ log: EventLog, from state: inout LedgerState
    ) throws(StorageError) {
        guard !state.isBatchOpen else { throw .unsealed(entries: state.size) }
        let subtrees: [Digest]
        do throws(LogError) { subtrees = try log.subtrees(at: state.size) } catch {
            throw .log(error)
        }
        guard let frontier = MerkleFrontier(count: state.size, subtrees: subtrees) else {
            fatalError("the subtrees of a log do not fit \(state.size) entries")
        }
        var tail = TailCheck(state: state, frontier: frontier)
        var batch: [Entry] = []
        var fault: TailFault?
        do throws(FoldFailure) {
            try LedgerFold.forEach(log, from: state.size) { _, entry in
                batch.append(entry)
                guard case .batchSealed = entry.event else { return true }
                do throws(TailFault) { try tail.check(batch) } catch { fault = error }
                batch = []
                return fault == nil
            }
        } catch { throw StorageError(error) }
        if let fault { throw .entry(fault.entry, problem: fault.problem) }
        state = tail.state
        guard batch.isEmpty else { throw .unsealed(entries: state.size) }
    }

    private static func compare(
        _ head: TreeHead, _ witness: String, with log: EventLog
    ) throws(StorageError) {
        let root: Digest
        do throws(LogError) { root = try log.root(at: head.size) } catch { throw .log(error) }
        guard root == head.root else { throw .otherHistory(witness: witness, entry: head.size) }
    }

    /// Compares a snapshot with the seal in the log that it was taken after.
    private static func check(
        _ header: SnapshotHeader, against log: EventLog
    ) throws(SnapshotFlaw) {
        let place = header.size - 1
        do {
            let bytes = try log.entry(at: place)
            guard case .batchSealed(let seal) = try Event(decoding: bytes),
                seal.height == header.height, seal.components == header.components
            else { throw SnapshotFlaw.otherSeal(entry: place) }
        } catch let flaw as SnapshotFlaw {
            throw flaw
        } catch {
            throw .otherSeal(entry: place)
        }
    }

    /// Folds the entries from the size of the state on.
    package static func fold(
        _ log: EventLog, into state: inout LedgerState, to end: UInt64? = nil
    ) throws(StorageError) {
        do throws(FoldFailure) { try LedgerFold.run(log, into: &state, to: end) } catch {
            throw StorageError(error)
        }
        guard !state.isBatchOpen, state.size > 0 else { throw .unsealed(entries: state.size) }
    }
}

extension LedgerStore {
    /// Writes a snapshot of what an opened ledger has reached, and removes older ones.
    ///
    /// - Parameter kept: How many stay.
    package static func takeSnapshot(
        of ledger: OpenedLedger, directory: String, disk: any Disk, kept: Int
    ) throws(LogError) -> SnapshotHeader {
        let store = SnapshotStore(ledgerDirectory: directory, disk: disk)
        let header = try store.write(
            ledger.state.snapshot(), height: ledger.state.height, ledger: ledger.state.ledger,
            components: ledger.state.componentRoots(), size: ledger.state.size, log: ledger.log)
        do { try store.prune(kept: kept) } catch { throw .disk(error) }
        return header
    }
}
