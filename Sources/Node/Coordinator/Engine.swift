// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import Ledger

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
    let vault: Vault
    /// By index; later members are not run here.
    let validators: [LocalValidator]

    var state: LedgerState
    var summary = RunSummary()
    var onEvent: @Sendable (CoordinatorEvent) -> Void = { _ in }

    // What waits for the next batch.
    var requests: [Waiting] = []
    var votes: [Checked<Message>] = []
    var reports: [SettlementMessage] = []

    /// The events of the batch that is being made.
    var batchEvents: [Event] = []

    // What is being worked on elsewhere.
    var tasksOut = 0
    /// Verdicts that wait for the validator's journal, by index.
    var verdicts: [[(RequestID, Verdict)]]
    var isJournaling: [Bool]

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
        let log = try Self.openLog(home)
        var replay = Replay()
        try replay.run(log)
        let validators = try Self.openValidators(home, options, replay)
        let vault = try Vault.open(
            path: home.vaultPath, ledger: home.ledger, balance: home.configuration.vaultBalance,
            key: home.bridge)
        try Self.compare(vault, replay)
        let next = try vault.nextChange()
        for change in replay.changes where change.number >= next { try vault.follow(change) }
        self.log = log
        self.vault = vault
        self.validators = validators
        state = replay.state
        lastOpening = replay.lastOpening
        verdicts = Array(repeating: [], count: validators.count)
        isJournaling = Array(repeating: false, count: validators.count)
        knownTime = replay.state.time
        knownUptime = clock.uptime()
        isJumpAccepted = options.acceptClockJump
        pool = WorkerPool(threads: options.workers)
        if log.recovery.tornBytes > 0 {
            recoveries.append(
                "\(log.recovery.tornBytes) bytes of an unfinished batch were cut off"
                    + (log.recovery.keptIn.map { " and kept in \($0)" } ?? ""))
        }
        for (request, order) in replay.orders.sorted(by: { $0.key < $1.key }) {
            let isLeaderUp = isUp(order.event.leader)
            orders[request] = PendingOrder(
                ordered: order.entry, turn: isLeaderUp ? Time(0) : order.event.nextTurn)
        }
        for entry in state.openRounds {
            if let round = state.openRound(at: entry) { adopt(round) }
        }
        if !state.openRounds.isEmpty || !orders.isEmpty {
            recoveries.append(
                "\(state.openRounds.count) open rounds and \(orders.count) settlements are"
                    + " taken up again")
        }
    }

    private static func openLog(_ home: Home) throws(NodeError) -> EventLog {
        do throws(LogError) {
            return try EventLog.open(directory: home.ledgerDirectory, disk: POSIXDisk())
        } catch {
            throw .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
    }

    /// Neither may be an older copy than the other.
    private static func compare(_ vault: Vault, _ replay: Replay) throws(NodeError) {
        let payments = try vault.payments()
        for payment in payments where replay.state.entry(of: payment.request) == nil {
            throw .ledgerBehind(holder: "the vault", request: payment.request)
        }
        let paid = Set(payments.filter(\.isPaid).map(\.request))
        for request in replay.settled where !paid.contains(request) {
            throw .vaultBehind(request: request)
        }
    }

    private static func openValidators(
        _ home: Home, _ options: CoordinatorOptions, _ replay: Replay
    ) throws(NodeError) -> [LocalValidator] {
        let circuits = replay.state.circuits.map(\.circuit)
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
            for request in replay.voted[ValidatorIndex(UInt16(number))] ?? []
            where journal.verdict(on: request) == nil {
                throw .journalBehind(validator: named.name, request: request)
            }
            for request in journal.requests where replay.state.entry(of: request) == nil {
                throw .ledgerBehind(holder: "journals/\(named.name)", request: request)
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
        pool.stop()
        var first: NodeError?
        do throws(LogError) {
            log.discardStaged()
            try log.close()
        } catch {
            first = .log(of: "the ledger", path: home.ledgerDirectory, error)
        }
        for validator in validators {
            do throws(NodeError) { try validator.close() } catch { first = first ?? error }
        }
        do throws(NodeError) { try vault.close() } catch { first = first ?? error }
        if let first { throw first }
    }
}

/// Rebuilds the state from the log, with what a node needs beside it.
struct Replay {
    var state = LedgerState()
    var lastOpening: BatchOpened?
    var changes: [GovernanceMessage] = []
    var orders: [EntryIndex: (entry: EntryIndex, event: SettlementOrdered)] = [:]
    /// The requests whose payment the bridge has reported.
    var settled: [RequestID] = []
    /// The requests that each validator's votes in the ledger are on.
    var voted: [ValidatorIndex: [RequestID]] = [:]

    mutating func run(_ log: EventLog) throws(NodeError) {
        do {
            try log.forEach(from: 0, to: log.size) { index, bytes in
                try take(bytes, EntryIndex(index))
            }
        } catch let error as NodeError {
            throw error
        } catch let error as LogError {
            throw .log(of: "the ledger", path: log.directory, error)
        } catch {
            fatalError("an error of an unknown kind: \(error)")
        }
        guard !state.isBatchOpen, state.size > 0 else {
            throw .batchUnsealed(entries: state.size)
        }
    }

    private mutating func take(_ bytes: Span<UInt8>, _ entry: EntryIndex) throws(NodeError) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for position in bytes.indices { copy.append(bytes[position]) }
        let event: Event
        do throws(Ledger.DecodingError) {
            event = try Event(decoding: copy)
        } catch {
            throw .entryUnusable(entry: entry.rawValue, problem: "\(error)")
        }
        switch event {
        case .batchOpened(let opening): lastOpening = opening
        case .settlementOrdered(let order): orders[order.request] = (entry, order)
        case .settlementReported(let report):
            orders[report.request] = nil
            if report.result == .settled, let id = state.requestID(at: report.request) {
                settled.append(id)
            }
        case .voteCast(let vote):
            if let id = state.requestID(at: vote.request) {
                voted[vote.validator, default: []].append(id)
            }
        case .governanceApproved:
            if case .governance(let change)? = state.message(of: event) { changes.append(change) }
        default: break
        }
        do throws(FoldError) {
            try state.apply(event, encodedBytes: copy.count)
        } catch {
            throw .entryUnusable(entry: entry.rawValue, problem: "\(error)")
        }
    }
}
