// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
package import Replication
internal import Storage

/// One validator's replica on a disk: the ledger in `ledger/`, what it has signed in `journal/`,
/// and in `ahead/`, while older entries are lacking, what follows the snapshot it started from.
///
/// Does what the replica asks in the order in which it is asked: a message leaves when what it
/// rests on is durable. Not safe to use from two threads at once. After an error it is to be
/// dropped, and opened again.
///
/// Invariants: `backfill` is there exactly with `ahead`, and neither with `fetch`;
/// `snapshotSize <= log.size`; between two calls `replica.state.size == ledgerSize`.
package final class ReplicaHost {
    /// The directory of them.
    package let directory: String
    /// The log of the ledger from its first entry on; all of it but while `isBackfilling`.
    package let log: EventLog
    /// What opening found that a person should hear.
    package let notices: [String]

    /// What stands between the wire and the host; it may be used from any thread.
    package let intake: Intake

    var replica: Replica
    var journal: VoteJournal
    let precommits: PrecommitStore
    let disk: any Disk
    let weakening: Weakening
    let memory: SignatureMemory
    let versions: ProgramVersions
    /// What became of earlier divergences.
    var cases: OpenCases
    private let snapshotEntries: UInt64
    private var snapshotSize: UInt64
    private let journalBound: JournalGrowth
    private let snapshotWriter: SnapshotWriter?
    var outputs: [HostOutput] = []
    var isStarted = false

    // MARK: Starting from far behind

    /// The head of the ledger that the operator named.
    let trusted: TreeHead?
    /// The ledger from the snapshot on that the node started from, until `log` holds all of it.
    var ahead: AheadLog?
    /// What fetches the entries before it.
    var backfill: Backfill?
    /// What fetches the snapshot.
    var fetch: SnapshotFetch?

    // MARK: Serving others

    /// Where the newest batches of `log` begin.
    var recentBatches = RecentBatches()
    var partBudget = PartBudget()
    /// What each peer that fetches old batches was sent last.
    var served: [ValidatorIndex: Served] = [:]

    /// Makes a ledger of batch 0 alone, and an empty journal.
    ///
    /// - Parameter opened: Its first entry.
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
        let run: BatchRun
        do throws(Refusal) {
            run = try BatchRun(opening: opened)
        } catch { throw .genesisRefused(error) }
        do throws(LogError) {
            do throws(DiskError) {
                _ = try disk.makeDirectory(directory)
                // Also where it was there: nobody else may have made its name durable.
                try disk.syncDirectory(disk.parent(of: directory))
            } catch { throw .disk(error) }
            let log = try EventLog.create(directory: "\(directory)/ledger", disk: disk)
            _ = try log.stage(run.entries)
            try log.commit()
            try log.close()
        } catch { throw .log(error) }
    }

    /// Opens them where they were left.
    ///
    /// - Parameters:
    ///   - snapshotEntries: Entries between two snapshots.
    ///   - writesSnapshotsBeside: Whether snapshots are written on a thread of their own.
    ///   - journalBound: What the journal gains before it is cut.
    ///   - trusted: A checkpoint of the ledger that the operator vouches for. A node that has less
    ///     starts from a peer's snapshot under it; one that has other entries does not open.
    ///   - checksTail: Whether what lies beyond snapshots and checkpoints is derived again.
    ///   - memory: What was found signed; hosts of one ledger in one process may share it.
    ///   - versions: What the validator runs, for cases.
    package init(
        directory: String, disk: any Disk, key: SigningKey,
        settings: ReplicationSettings = ReplicationSettings(), snapshotEntries: UInt64 = 100_000,
        writesSnapshotsBeside: Bool = false,
        journalBound: JournalGrowth = JournalGrowth(
            entries: HostingLimits.cutEntries, bytes: HostingLimits.cutBytes),
        trusted: TreeHead? = nil, checksTail: Bool = false, weakening: Weakening = Weakening(),
        memory: SignatureMemory = SignatureMemory(),
        versions: ProgramVersions = ProgramVersions(), at now: Instant
    ) throws(HostError) {
        HostingLimits.check()
        self.versions = versions
        self.memory = memory
        self.directory = directory
        self.disk = disk
        self.snapshotEntries = snapshotEntries
        self.journalBound = journalBound
        snapshotWriter = writesSnapshotsBeside ? SnapshotWriter() : nil
        self.trusted = trusted
        self.weakening = weakening
        let ledger: OpenedLedger
        do throws(StorageError) {
            ledger = try LedgerStore.open(
                directory: "\(directory)/ledger", disk: disk, checksTail: checksTail)
        } catch { throw .ledger(error) }
        let heads = trusted.map { [$0] } ?? []
        try heads.check(ledger.log)
        let start = try AheadLog.open(
            in: directory, disk: disk, with: ledger.log, ledger: ledger.state.ledger, heads: heads)
        do throws(JournalError) {
            journal = try VoteJournal(
                directory: "\(directory)/journal", disk: disk, key: key,
                ledger: ledger.state.ledger)
            if start == nil {
                _ = try journal.cut(at: ledger.state, root: ledger.log.root, above: journalBound)
            }
        } catch { throw .journal(error) }
        precommits = PrecommitStore(ledgerDirectory: "\(directory)/ledger", disk: disk)
        let frontier = try Self.frontier(of: ledger.log)
        cases = try OpenCases(
            CaseStore(home: directory, disk: disk), start?.state ?? ledger.state,
            log: start == nil ? ledger.log : nil, versions)
        let made = try Self.makeReplica(
            key: key, settings: settings, weakening: weakening,
            state: start?.state ?? ledger.state, frontier: start?.ahead.frontier ?? frontier,
            precommits: precommits, journal: journal, quietThrough: cases.quietThrough,
            checker: memory.checker, at: now)
        replica = made.replica
        if start == nil { try replica.remember(votesIn: Self.openLists(ledger.state, ledger.log)) }
        intake = Intake(Parties(replica.state), memory: memory)
        log = ledger.log
        notices = ledger.notices + made.notices + cases.notices
        snapshotSize = ledger.snapshot?.size ?? 0
        if let start {
            ahead = start.ahead
            backfill = Backfill(
                log: log, state: ledger.state, frontier: frontier, target: start.ahead.snapshot,
                quorum: weakening.quorum, peers: peers)
            try backfill?.compare()
        } else if let trusted, trusted.size > log.size {
            fetch = SnapshotFetch(
                directory: directory, disk: disk, trusted: trusted, ledger: state.ledger,
                ownSize: log.size, peers: peers)
        }
    }

    /// The lists with votes on rounds that are open, which the state knows only by their entries.
    private static func openLists(
        _ state: LedgerState, _ log: EventLog
    ) throws(HostError) -> [Event] {
        var places: Set<EntryIndex> = []
        for entry in state.openRounds {
            for case let vote? in state.openRound(at: entry)?.votes ?? [] where vote.isListed {
                places.insert(vote.entry)
            }
        }
        var events: [Event] = []
        for place in places.sorted() {
            do throws(LogError) {
                let bytes = try log.entry(at: place.rawValue)
                if let event = Self.event(bytes) { events.append(event) }
            } catch { throw .log(error) }
        }
        return events
    }

    private static func frontier(of log: EventLog) throws(HostError) -> MerkleFrontier {
        let subtrees: [Digest]
        do throws(LogError) {
            subtrees = try log.subtrees(at: log.size)
        } catch { throw .log(error) }
        guard let frontier = MerkleFrontier(count: log.size, subtrees: subtrees) else {
            fatalError("the log gives \(subtrees.count) subtrees for \(log.size) entries")
        }
        return frontier
    }

    /// A replica that takes up at a state, with what the journal and the files of precommits hold.
    static func makeReplica(
        key: SigningKey, settings: ReplicationSettings, weakening: Weakening, state: LedgerState,
        frontier: MerkleFrontier, precommits: PrecommitStore, journal: VoteJournal,
        quietThrough: Height, checker: SignatureChecker, at now: Instant
    ) throws(HostError) -> (replica: Replica, notices: [String]) {
        var notices: [String] = []
        var last: Precommits?
        do throws(PrecommitStoreError) {
            last = try precommits.load(state.height)
        } catch .missing {
            // Batch 0 has none; those of another batch are asked of the peers.
        } catch .damaged(let damage) {
            notices.append("\(damage); the precommits are asked of the peers")
        } catch { throw .precommits(error) }
        let items: [JournalItem]
        do throws(JournalError) {
            items = try journal.consensusItems(from: Height(state.height.rawValue + 1))
        } catch { throw .journal(error) }
        let replica = Replica(
            key: key, settings: settings, state: state, frontier: frontier,
            lastPrecommits: last.flatMap { $0.root == frontier.root ? $0 : nil },
            journal: items, silentUntil: journal.quietUntil,
            silentThrough: journal.quietThrough,
            firstHeight: max(
                journal.spokenHeight ?? Height(0), Height(quietThrough.rawValue + 1)),
            weakening: weakening,
            checker: checker, at: now)
        return (replica, notices)
    }

    // MARK: What others ask

    /// The state after the last batch.
    package var state: LedgerState { replica.state }

    /// The uptime, in milliseconds, at which `wake` is wanted.
    package var nextWake: UInt64 {
        if stopped != nil { return .max }
        return isJoining ? nextAheadWake : min(look { $0.nextWake }, nextAheadWake)
    }

    /// Looks at the replica where it lies: read from the property, it would be copied whole.
    private func look<T>(_ body: (inout Replica) -> T) -> T { body(&replica) }

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

    /// How much the node keeps that no batch holds.
    package var waiting: WaitingCounts { replica.waiting }

    /// The round of the batch that is being agreed on.
    package var round: UInt32 { replica.round }

    /// The operator says that the clock is right, however far it has jumped; until the next batch.
    package func acceptClockJump() { replica.acceptClockJump() }

    // MARK: What happens

    /// Begins: says again what the journal holds of the height in progress.
    package func start(at now: Instant) throws(HostError) -> [HostOutput] {
        isStarted = true
        return try goOn(with: [.start], at: now)
    }

    /// Receives a message of a peer, or of a client where `peer` is nil.
    ///
    /// Bytes that are no message are dropped: they cost their sender what they cost here.
    package func receive(
        _ bytes: [UInt8], from peer: ValidatorIndex?, at now: Instant
    ) throws(HostError) -> [HostOutput] {
        try receive(intake.check([(bytes, peer)], at: now.uptime), at: now)
    }

    /// Receives a message that was decoded before.
    package func receive(
        _ arrived: ArrivedMessage, from peer: ValidatorIndex?, at now: Instant
    ) throws(HostError) -> [HostOutput] {
        guard intake.admits(arrived.bytes, from: peer, at: now.uptime) else { return [] }
        return try receive(intake.check([(arrived, peer)], at: now.uptime), at: now)
    }

    /// Receives what `intake` has checked, here or on another thread: in the order of the list.
    package func receive(
        _ arrivals: [CheckedArrival], at now: Instant
    ) throws(HostError) -> [HostOutput] {
        outputs = []
        guard stopped == nil else { return [] }
        for arrival in arrivals { try receive(arrival, at: now) }
        try goOn(at: now)
        checkParts()
        return outputs
    }

    /// Stops the process where the parts of the host are not those of one ledger.
    private func checkParts() {
        invariant(
            (ahead == nil) == (backfill == nil), "one of `ahead` and `backfill` without the other")
        invariant(fetch == nil || ahead == nil, "a snapshot is fetched beside another")
        invariant(
            look { $0.state.size } == ledgerSize,
            "a state of \(look { $0.state.size }) entries, a ledger of \(ledgerSize)")
    }

    /// Whether a message that was just taken in is kept, so that others may want it too.
    package func keeps(_ arrival: CheckedArrival) -> Bool {
        stopped == nil && !isJoining
            && look { $0.keeps(arrival.message.message, from: arrival.peer) }
    }

    /// The validator that says what a message says, and tells all that it reaches; nil where it is
    /// a client's.
    package func author(of arrival: CheckedArrival) -> PublicKey? {
        switch arrival.message.message {
        case .proposal(let proposal): state.validator(proposal.proposer)?.key
        case .vote(let vote): state.validator(vote.validator)?.key
        case .command(.vote(let message)): message.validator
        case .command(.votes(let message)): message.validator
        case .command(.result(let message)): message.validator
        case .command, .status, .want, .batch, .wantSnapshot, .snapshotPart: nil
        }
    }

    /// The job that a message hands in for a client, and the validator that passed it on.
    package func passedJob(_ arrival: CheckedArrival) -> (job: JobID, by: PublicKey)? {
        guard case .command(.job(let job)) = arrival.message.message, let peer = arrival.peer,
            let key = state.validator(peer)?.key
        else { return nil }
        return (job.id(in: state.ledger), key)
    }

    private func receive(_ arrival: CheckedArrival, at now: Instant) throws(HostError) {
        let peer = arrival.peer
        switch arrival.message.message {
        case .wantSnapshot(let want):
            if let peer { try serve(want, to: peer, at: now.uptime) }
        case .snapshotPart(let part):
            if let peer { try receive(part, from: peer, at: now) }
        case .batch(let batch) where try receiveOld(batch, from: peer, at: now): break
        case .status(let status) where status.round == Backfill.round:
            if let peer { try serve(status, to: peer, at: now.uptime) }
        default:
            // A node that waits for its snapshot has no state to judge anything by.
            guard !isJoining else { return }
            try step(
                [.message(arrival.message, from: peer, bytes: arrival.bytes)], at: now)
        }
    }

    /// The time of `nextWake` has come.
    package func wake(at now: Instant) throws(HostError) -> [HostOutput] {
        try goOn(with: [.wake], at: now)
    }

    /// Takes in the verdict on a request that was to be verified.
    package func verified(
        _ request: RequestID, _ vote: Vote, _ reason: VoteReason, at now: Instant
    ) throws(HostError) -> [HostOutput] {
        try goOn(with: [.verified(request, vote, reason)], at: now)
    }

    /// Takes in several verdicts: their votes are made durable together.
    package func verified(
        _ verdicts: [(RequestID, Vote, VoteReason)], at now: Instant
    ) throws(HostError) -> [HostOutput] {
        try goOn(with: verdicts.map { .verified($0.0, $0.1, $0.2) }, at: now)
    }

    /// Closes them with their end marks, once no snapshot is being written.
    package func close() throws(HostError) {
        snapshotWriter?.wait()
        do throws(JournalError) { try journal.close() } catch { throw .journal(error) }
        do throws(LogError) {
            try log.close()
            try ahead?.log.close()
        } catch { throw .log(error) }
    }

    // MARK: Doing what is asked

    /// Has the replica step, and goes on with what is done beside it.
    private func goOn(
        with inputs: [ReplicaInput], at now: Instant
    ) throws(HostError) -> [HostOutput] {
        outputs = []
        guard stopped == nil else { return [] }
        // A node that waits for its snapshot has no state to judge anything by.
        if !isJoining { try step(inputs, at: now) }
        try goOn(at: now)
        checkParts()
        return outputs
    }

    func step(_ inputs: [ReplicaInput], at now: Instant) throws(HostError) {
        var effects = inputs.flatMap { replica.step($0, at: now) }
        while !effects.isEmpty {
            var verdicts: [(RequestID, Verdict)] = []
            for effect in effects {
                if case .sign(let id, let vote, let reason) = effect {
                    verdicts.append((id, Verdict(vote, reason)))
                } else {
                    try perform(effect, at: now)
                }
            }
            effects = []
            verdicts.removeAll { isForgotten($0.0) }
            guard !verdicts.isEmpty else { break }
            let votes: [Message]
            do throws(JournalError) {
                votes = try journal.votes(for: verdicts, at: now.time)
            } catch { throw .journal(error) }
            for vote in votes { effects += replica.step(.signed(vote), at: now) }
        }
    }

    /// Whether a request is closed whose verdict a cut may have left out of the journal: nothing
    /// more is said of it.
    private func isForgotten(_ request: RequestID) -> Bool {
        guard journal.cut != nil, journal.verdict(on: request) == nil,
            let entry = replica.state.entry(of: request)
        else { return false }
        return replica.state.openRound(at: entry) == nil
    }

    private func perform(_ effect: ReplicaEffect, at now: Instant) throws(HostError) {
        switch effect {
        case .journal(let items):
            do throws(JournalError) { try journal.note(items) } catch { throw .journal(error) }
        case .send(let message, let peer): outputs.append(.send(message.encoded, to: peer))
        case .broadcast(let message): outputs.append(.broadcast(message.encoded))
        case .sendBatches(let height, let peer):
            var bytes = 0
            for batch in try batches(from: height) {
                let message = PeerMessage.batch(batch).encoded
                bytes += message.count
                outputs.append(.send(message, to: peer))
            }
            replica.pay(bytes, from: peer)
        case .verify(let request): outputs.append(.verify(request))
        case .commit(let batch): try commit(batch)
        case .stop(let divergence, let batch):
            throw diverged(divergence, batch, on: replica.state, replica.frontier, at: now)
        case .notice(let text): outputs.append(.notice(text))
        case .sign: break
        }
    }

    private func commit(_ batch: CommittedBatch) throws(HostError) {
        let end = ledgerSize + UInt64(batch.entries.count)
        invariant(!batch.entries.isEmpty, "a batch without a seal is decided")
        invariant(
            end <= look { $0.state.size },
            "a batch up to entry \(end) is written of a state of \(look { $0.state.size })")
        // First the precommits: without them nobody could propose the next batch after a crash.
        do throws(DiskError) {
            try precommits.save(batch.precommits)
        } catch { throw .precommits(.disk(error)) }
        if ahead != nil {
            let heads = heads(from: ledgerSize)
            try ahead?.append(batch.entries, heads)
        } else {
            recentBatches.note(batch.precommits.height, first: log.size)
            do throws(LogError) {
                _ = try log.stage(batch.entries)
                // What is not durable yet is lost with the process.
                invariant(
                    log.stagedRoot == batch.precommits.root,
                    "a batch gives another root than was decided")
                try log.commit()
            } catch { throw .log(error) }
            try heads(from: log.size - UInt64(batch.entries.count)).check(log)
            try keepSnapshot(of: replica.state)
            try cutJournal(at: replica.state)
        }
        invariant(
            ahead?.frontier.root ?? log.root == batch.precommits.root,
            "the log has another root than was decided")
        invariant(ledgerSize == end, "the ledger has \(ledgerSize) entries, not \(end)")
        intake.update(replica.state)
        try closeCases(with: batch.precommits)
        outputs.append(
            .committed(
                batch.precommits.height, root: batch.precommits.root,
                batch.entries.map(\.event)))
    }
}

extension ReplicaHost {
    /// Writes a snapshot where the last one is old, so that opening folds a bounded tail.
    func keepSnapshot(of state: LedgerState) throws(HostError) {
        // The replica may be a batch ahead of what is written here.
        invariant(
            snapshotSize <= log.size, "a snapshot of \(snapshotSize) of \(log.size) entries")
        guard log.size - snapshotSize >= snapshotEntries, state.size == log.size else { return }
        let store = SnapshotStore(ledgerDirectory: "\(directory)/ledger", disk: disk)
        if let snapshotWriter, snapshotWriter.isBusy { return }
        let job = SnapshotWriter.Job(of: state, log: log, store: store, kept: 2)
        do throws(LogError) {
            if let snapshotWriter {
                guard try snapshotWriter.begin(job) else { return }
            } else {
                try job.run()
            }
        } catch { throw .log(error) }
        snapshotSize = state.size
    }

    /// Cuts the journal where it is long.
    private func cutJournal(at state: LedgerState) throws(HostError) {
        // The replica may be a batch ahead of what is written here.
        guard state.size == log.size else { return }
        do throws(JournalError) {
            _ = try journal.cut(at: state, root: log.root, above: journalBound)
        } catch { throw .journal(error) }
    }
}
