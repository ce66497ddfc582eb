// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
package import Replication
internal import Storage

/// One validator's replica on a disk: the ledger in `ledger/`, what it has signed in `journal/`.
///
/// Does what the replica asks in the order in which it is asked: a message leaves when what it
/// rests on is durable. Not safe to use from two threads at once. After an error it is to be
/// dropped, and opened again.
package final class ReplicaHost {
    /// The directory of both.
    package let directory: String
    /// The log of the ledger.
    package let log: EventLog
    /// What opening found that a person should hear.
    package let notices: [String]

    private var replica: Replica
    private var journal: VoteJournal
    private let precommits: PrecommitStore
    private let disk: any Disk
    private let snapshotEntries: UInt64
    private var snapshotSize: UInt64
    private var outputs: [HostOutput] = []

    /// Makes a ledger of batch 0 alone, and an empty journal.
    ///
    /// - Parameter opened: Its first entry; the ordering must be replicated.
    package static func create(
        directory: String, disk: any Disk, opened: LedgerOpened
    ) throws(HostError) {
        try createLedger(directory: directory, disk: disk, opened: opened)
        do throws(JournalError) {
            try VoteJournal.create(directory: "\(directory)/journal", disk: disk)
        } catch { throw .journal(error) }
    }

    /// Makes a ledger of batch 0 alone, where the journal is there or to be begun anew.
    package static func createLedger(
        directory: String, disk: any Disk, opened: LedgerOpened
    ) throws(HostError) {
        guard opened.ordering == .replicated else { throw .singleOrdering }
        var run = BatchRun(state: LedgerState(), frontier: MerkleFrontier())
        do throws(Refusal) {
            try run.take(.openLedger(opened))
            try run.take(.seal(size: run.state.size, root: run.frontier.root))
        } catch { throw .genesisRefused(error) }
        do throws(LogError) {
            do throws(DiskError) {
                if try !disk.list(parent(of: directory)).contains(name(of: directory)) {
                    try disk.createDirectory(directory)
                }
            } catch { throw .disk(error) }
            let log = try EventLog.create(directory: "\(directory)/ledger", disk: disk)
            for entry in run.entries { _ = try log.stage(entry.bytes) }
            try log.commit()
            try log.close()
        } catch { throw .log(error) }
    }

    /// Opens both where they were left.
    ///
    /// - Parameter snapshotEntries: Entries between two snapshots.
    package init(
        directory: String, disk: any Disk, key: SigningKey,
        settings: ReplicationSettings = ReplicationSettings(), snapshotEntries: UInt64 = 100_000,
        weakening: Weakening = Weakening(), at now: Instant
    ) throws(HostError) {
        self.directory = directory
        self.disk = disk
        self.snapshotEntries = snapshotEntries
        let ledger: OpenedLedger
        do throws(StorageError) {
            ledger = try LedgerStore.open(directory: "\(directory)/ledger", disk: disk)
        } catch { throw .ledger(error) }
        let state = ledger.state
        guard state.ordering == .replicated else { throw .singleOrdering }
        let journal: VoteJournal
        do throws(JournalError) {
            journal = try VoteJournal(
                directory: "\(directory)/journal", disk: disk, key: key, ledger: state.ledger)
        } catch { throw .journal(error) }
        precommits = PrecommitStore(ledgerDirectory: "\(directory)/ledger", disk: disk)
        var notices = ledger.notices
        var last: Precommits?
        do throws(PrecommitStoreError) {
            last = try precommits.load(state.height)
        } catch .missing {
            // Batch 0 has none; those of another batch are asked of the peers.
        } catch .damaged(let damage) {
            notices.append("\(damage); the precommits are asked of the peers")
        } catch { throw .precommits(error) }
        let subtrees: [Digest]
        do throws(LogError) {
            subtrees = try ledger.log.subtrees(at: state.size)
        } catch { throw .log(error) }
        guard let frontier = MerkleFrontier(count: state.size, subtrees: subtrees) else {
            fatalError("the log gives \(subtrees.count) subtrees for \(state.size) entries")
        }
        let items: [JournalItem]
        do throws(JournalError) {
            items = try journal.consensusItems(from: Height(state.height.rawValue + 1))
        } catch { throw .journal(error) }
        replica = Replica(
            key: key, settings: settings, state: state, frontier: frontier,
            lastPrecommits: last.flatMap { $0.root == frontier.root ? $0 : nil },
            journal: items, silentUntil: journal.silentUntil,
            silentThrough: journal.silentThrough ?? Height(0),
            firstHeight: journal.spokenHeight ?? Height(0), weakening: weakening, at: now)
        self.journal = journal
        log = ledger.log
        self.notices = notices
        snapshotSize = ledger.snapshot?.size ?? 0
    }

    // MARK: What others ask

    /// The state after the last batch.
    package var state: LedgerState { replica.state }

    /// The uptime, in milliseconds, at which `wake` is wanted.
    package var nextWake: UInt64 { replica.nextWake }

    /// Whether the node says nothing, for its journal was lost.
    package var isSilent: Bool { replica.isSilent }

    /// The precommits of the last batch, where the node has them.
    var lastPrecommits: Precommits? { replica.lastPrecommits }

    /// What the journal holds, in order: for those who trace a fork.
    package func forEachJournaled(
        _ body: (JournalItem) -> Void
    ) throws(HostError) {
        do throws(JournalError) { try journal.forEachItem(body) } catch { throw .journal(error) }
    }

    /// The operator says that the clock is right, however far it has jumped; until the next batch.
    package func acceptClockJump() { replica.isJumpAccepted = true }

    // MARK: What happens

    /// Begins: says again what the journal holds of the height in progress.
    package func start(at now: Instant) throws(HostError) -> [HostOutput] {
        try step([.start], at: now)
    }

    /// Takes in a message of a peer, or of a client where `peer` is nil.
    ///
    /// Bytes that are no message are dropped: they cost their sender what they cost here.
    package func receive(
        _ bytes: [UInt8], from peer: ValidatorIndex?, at now: Instant
    ) throws(HostError) -> [HostOutput] {
        guard bytes.count <= ReplicationLimits.messageBytesMax else { return [] }
        let message: PeerMessage
        do throws(Ledger.DecodingError) {
            message = try PeerMessage(decoding: bytes)
        } catch { return [] }
        return try step([.message(message, from: peer, bytes: bytes.count)], at: now)
    }

    /// The time of `nextWake` has come.
    package func wake(at now: Instant) throws(HostError) -> [HostOutput] {
        try step([.wake], at: now)
    }

    /// Takes in the verdict on a request that was to be verified.
    package func verified(
        _ request: RequestID, _ vote: Vote, _ reason: VoteReason, at now: Instant
    ) throws(HostError) -> [HostOutput] {
        try step([.verified(request, vote, reason)], at: now)
    }

    /// Takes in several verdicts: their votes are made durable together.
    package func verified(
        _ verdicts: [(RequestID, Vote, VoteReason)], at now: Instant
    ) throws(HostError) -> [HostOutput] {
        try step(verdicts.map { .verified($0.0, $0.1, $0.2) }, at: now)
    }

    /// Closes both with their end marks.
    package func close() throws(HostError) {
        do throws(JournalError) { try journal.close() } catch { throw .journal(error) }
        do throws(LogError) { try log.close() } catch { throw .log(error) }
    }

    // MARK: Doing what is asked

    private func step(
        _ inputs: [ReplicaInput], at now: Instant
    ) throws(HostError) -> [HostOutput] {
        outputs = []
        var effects = inputs.flatMap { replica.step($0, at: now) }
        while !effects.isEmpty {
            var verdicts: [(RequestID, Verdict)] = []
            for effect in effects {
                if case .sign(let id, let vote, let reason) = effect {
                    verdicts.append((id, Verdict(vote, reason)))
                } else {
                    try perform(effect)
                }
            }
            effects = []
            guard !verdicts.isEmpty else { break }
            let votes: [VoteMessage]
            do throws(JournalError) {
                votes = try journal.votes(for: verdicts, at: now.time)
            } catch { throw .journal(error) }
            for vote in votes { effects += replica.step(.signed(vote), at: now) }
        }
        return outputs
    }

    private func perform(_ effect: ReplicaEffect) throws(HostError) {
        switch effect {
        case .journal(let items):
            do throws(JournalError) { try journal.note(items) } catch { throw .journal(error) }
        case .send(let message, let peer): outputs.append(.send(message.encoded, to: peer))
        case .broadcast(let message): outputs.append(.broadcast(message.encoded))
        case .sendBatches(let height, let peer):
            for batch in try batches(from: height) {
                outputs.append(.send(PeerMessage.batch(batch).encoded, to: peer))
            }
        case .verify(let request): outputs.append(.verify(request))
        case .commit(let batch): try commit(batch)
        case .stop(let divergence): throw .diverged(divergence)
        case .notice(let text): outputs.append(.notice(text))
        case .sign: break
        }
    }

    private func commit(_ batch: CommittedBatch) throws(HostError) {
        // First the precommits: without them nobody could propose the next batch after a crash.
        do throws(DiskError) {
            try precommits.save(batch.precommits)
        } catch { throw .precommits(.disk(error)) }
        do throws(LogError) {
            for entry in batch.entries { _ = try log.stage(entry.bytes) }
            try log.commit()
        } catch { throw .log(error) }
        try keepSnapshot()
        invariant(log.root == batch.precommits.root, "the log has another root than was decided")
        outputs.append(
            .committed(batch.precommits.height, root: batch.precommits.root, batch.events))
    }
}

extension ReplicaHost {
    /// Writes a snapshot where the last one is old, so that opening folds a bounded tail.
    private func keepSnapshot() throws(HostError) {
        let state = replica.state
        // The replica may be a batch ahead of what is written here.
        guard log.size - snapshotSize >= snapshotEntries, state.size == log.size else { return }
        let store = SnapshotStore(ledgerDirectory: "\(directory)/ledger", disk: disk)
        do throws(LogError) {
            _ = try store.write(
                state.snapshot(), height: state.height, ledger: state.ledger,
                components: state.componentRoots(), size: state.size, log: log)
            do throws(DiskError) { try store.prune(kept: 2) } catch { throw .disk(error) }
        } catch { throw .log(error) }
        snapshotSize = state.size
    }
}

/// The path of the directory that holds a path.
private func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The last part of a path.
private func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
}
