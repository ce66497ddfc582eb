// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import EventLog
internal import Foundation
internal import Hosting
internal import Ledger
internal import Projections
internal import Storage

/// What the coordinator's own thread works on.
struct Engine: Sendable {
    /// A payment that is ordered and not yet reported.
    struct PendingOrder: Sendable {
        /// The entry of the `SettlementOrdered`.
        let ordered: EntryIndex
        /// When the first in rank that is up may submit it.
        let turn: Time
        /// Whether the bridge is being told.
        var isOut = false
    }

    /// A request that waits for its batch.
    struct Waiting: Sendable {
        let line: Int
        let request: ReadRequest
    }

    let home: Home
    let options: CoordinatorOptions
    let clock: any NodeClock
    let inbox: Inbox
    let pool: WorkerPool
    let log: EventLog
    let vault: SingleVault
    /// By index; later members are not run here.
    let validators: [LocalValidator]

    var state: LedgerState
    var summary = RunSummary()
    var onEvent: @Sendable (CoordinatorEvent) -> Void = { _ in }

    // What waits for the next batch.
    var requests: [Waiting] = []
    var votes: [Checked<Message>] = []
    var reports: [SettlementMessage] = []

    /// Compute jobs.
    var desk: JobDesk

    /// The events of the batch that is being made.
    var batchEvents: [Event] = []

    // What is being worked on elsewhere.
    var tasksOut = 0
    /// Verdicts that wait for the validator's journal, by index.
    var verdicts: [[(RequestID, Verdict)]]
    var isJournaling: [Bool]
    /// Until when a validator says nothing, by index; nil for one that may speak.
    var silent: [Time?]
    /// Snapshots and checkpoints.
    var keeper: Keeper
    /// Keeps the projections up to date; nil before and after the run.
    var follower: ProjectionsFollower?

    // What the next events refer to.
    var lines: [RequestID: Int] = [:]
    var answers: [RequestID: [Int]] = [:]
    var answersWaiting = 0
    /// The votes of open rounds, in the order of the log.
    var roundVotes: [EntryIndex: [VoteMessage]] = [:]
    /// The place in rank of the first validator that is up, by open round.
    var turns: [EntryIndex: Int] = [:]
    var orders: [EntryIndex: PendingOrder] = [:]
    /// Orders that the bridge did not believe: a fault of ours, told once.
    var stuckOrders: Set<EntryIndex> = []
    var isBridgeBusy = false
    /// The opening of the last batch, whose root proves what was ordered before it.
    var lastOpening: BatchOpened?

    // Time.
    var knownTime: Time
    var knownUptime: UInt64
    var isJumpAccepted: Bool
    var isStepTold = false
    var toldWaiting: Time?
    var hasInputEnded = false
    var recoveries: [String] = []

    init(
        home: Home, options: CoordinatorOptions, clock: any NodeClock, inbox: Inbox
    ) throws(NodeError) {
        self.home = home
        self.options = options
        self.clock = clock
        self.inbox = inbox
        let reopened = try Reopened(home.ledgerDirectory)
        let ledger = reopened.ledger
        let validators = try Self.openValidators(home, options, reopened)
        let vault = try SingleVault.open(
            path: home.vaultPath, ledger: home.ledger, balance: home.configuration.vaultBalance,
            key: home.bridge)
        try Self.compare(vault, reopened)
        for change in try reopened.changes(from: try vault.nextChange()) {
            try vault.follow(change)
        }
        log = ledger.log
        self.vault = vault
        self.validators = validators
        state = ledger.state
        lastOpening = reopened.lastOpening
        desk = JobDesk(home: home, assigned: reopened.assigned)
        verdicts = Array(repeating: [], count: validators.count)
        isJournaling = Array(repeating: false, count: validators.count)
        silent = validators.map(\.silentUntil)
        keeper = Keeper(
            directory: home.ledgerDirectory, keeping: home.configuration.keeping,
            snapshotSize: ledger.snapshot?.size ?? 0,
            checkpointSize: ledger.checkpoint?.head.size ?? 0)
        knownTime = state.time
        knownUptime = clock.uptime()
        isJumpAccepted = options.acceptClockJump
        pool = WorkerPool(threads: options.workers)
        if log.recovery.tornBytes > 0 {
            recoveries.append(
                "\(log.recovery.tornBytes) bytes of an unfinished batch were cut off"
                    + (log.recovery.keptIn.map { " and kept in \($0)" } ?? ""))
        }
        recoveries += ledger.notices
        for (number, until) in silent.enumerated() {
            guard let until, until >= state.time else { continue }
            recoveries.append(
                "\(validators[number].name) lost its journal and says nothing until ledger time"
                    + " has passed \(TimeText.of(until))")
        }
        for (request, order) in try reopened.orders() {
            let isLeaderUp = isUp(order.event.leader)
            orders[request] = PendingOrder(
                ordered: order.entry, turn: isLeaderUp ? Time(0) : order.event.nextTurn)
        }
        for entry in state.openRounds {
            if let round = state.openRound(at: entry) { adopt(round) }
        }
        if state.unfinishedCount > 0 {
            recoveries.append(
                "\(state.openRounds.count) open rounds, \(state.openJobs.count) jobs and"
                    + " \(orders.count) settlements are taken up again")
        }
    }

    /// Neither may be an older copy than the other.
    private static func compare(_ vault: SingleVault, _ reopened: Reopened) throws(NodeError) {
        let payments = try vault.payments()
        let state = reopened.ledger.state
        for payment in payments where state.entry(of: payment.request) == nil {
            throw .ledgerBehind(holder: "the vault", request: payment.request)
        }
        let paid = Set(payments.filter(\.isPaid).map(\.request))
        for request in reopened.settled where !paid.contains(request) {
            throw .vaultBehind(request: request)
        }
    }

    static func openValidators(
        _ home: Home, _ options: CoordinatorOptions, _ reopened: Reopened
    ) throws(NodeError) -> [LocalValidator] {
        let state = reopened.ledger.state
        let circuits = state.circuits.map(\.circuit)
        var validators: [LocalValidator] = []
        for (number, named) in home.validators.enumerated() {
            let journal: VoteJournal
            do throws(JournalError) {
                journal = try VoteJournal(
                    directory: home.journalDirectory(of: named.name), disk: POSIXDisk(),
                    key: named.key, ledger: home.ledger)
            } catch {
                throw LocalValidator.error(error, named.name)
            }
            for request in reopened.voted[ValidatorIndex(UInt16(number))] ?? []
            where journal.verdict(on: request) == nil {
                throw .journalBehind(validator: named.name, request: request)
            }
            for job in reopened.reported[ValidatorIndex(UInt16(number))] ?? []
            where journal.report(on: job) == nil {
                throw .journalLacksResult(validator: named.name, job: job)
            }
            for request in journal.requests where state.entry(of: request) == nil {
                throw .ledgerBehind(holder: "journals/\(named.name)", request: request)
            }
            for job in journal.jobs where state.entry(of: job) == nil {
                throw .ledgerLacksJob(validator: named.name, job: job)
            }
            validators.append(
                LocalValidator(
                    name: named.name, index: ValidatorIndex(UInt16(number)), key: named.key,
                    ledger: home.ledger, behaviour: options.behaviour(number),
                    circuits: circuits, journal: journal))
        }
        return validators
    }

    /// Whether a validator runs here and takes part.
    func isUp(_ index: ValidatorIndex) -> Bool {
        let number = Int(index.rawValue)
        return validators.indices.contains(number) && validators[number].behaviour != .offline
    }

    /// Keeps what later events of a round refer to.
    mutating func adopt(_ round: Round) {
        roundVotes[round.entry] = round.votes.compactMap { $0 }.sorted { $0.entry < $1.entry }
            .compactMap { state.voteMessage(of: $0.event) }
        turns[round.entry] = state.requestRanking(round.pinned, round.id).firstIndex { isUp($0) }
    }

    /// Closes the logs with their end marks, and the vault; all of them, whatever fails.
    func close() throws(NodeError) {
        desk.runner?.stop()
        pool.stop()
        var first: NodeError?
        log.discardStaged()
        do throws(NodeError) { try keepLastCheckpoint() } catch { first = error }
        do throws(LogError) {
            try log.close()
        } catch {
            first = first ?? .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
        for validator in validators {
            do throws(NodeError) { try validator.close() } catch { first = first ?? error }
        }
        do throws(NodeError) { try vault.close() } catch { first = first ?? error }
        if let first { throw first }
    }
}
