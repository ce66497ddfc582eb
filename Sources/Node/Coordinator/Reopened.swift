// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// A ledger that was opened, with what a node needs beside its state.
struct Reopened {
    let ledger: OpenedLedger
    /// The opening of the last batch.
    private(set) var lastOpening: BatchOpened?
    /// The requests whose payment the bridge has reported, among the newest entries.
    private(set) var settled: [RequestID] = []
    /// The requests that each validator's votes are on, among the newest entries.
    private(set) var voted: [ValidatorIndex: [RequestID]] = [:]

    /// The jobs that each validator's results are on, among the newest entries.
    private(set) var reported: [ValidatorIndex: [JobID]] = [:]
    /// The batch time at which open jobs were assigned, among the newest entries.
    private(set) var assigned: [EntryIndex: Time] = [:]

    private let path: String

    /// Opens the ledger in a directory.
    init(_ directory: String, _ access: LogAccess = .readWrite) throws(NodeError) {
        path = directory
        do throws(StorageError) {
            ledger = try LedgerStore.open(
                directory: path, disk: POSIXDisk(), access: access)
        } catch {
            throw Self.error(error, path)
        }
        if ledger.state.height > Height(0),
            case .batchOpened(let opening) = try event(ledger.state.batchEntry.rawValue)
        {
            lastOpening = opening
        }
        let size = ledger.log.size
        let start = size - min(size, NodeLimits.comparedEntriesMax)
        var settled: [RequestID] = []
        var voted: [ValidatorIndex: [RequestID]] = [:]
        var reported: [ValidatorIndex: [JobID]] = [:]
        var assigned: [EntryIndex: Time] = [:]
        var time: Time?
        try forEach(from: start) { [ledger] event, _ in
            switch event {
            case .settlementReported(let report) where report.result == .settled:
                if let id = ledger.state.requestID(at: report.request) { settled.append(id) }
            case .voteCast(let vote):
                if let id = ledger.state.requestID(at: vote.request) {
                    voted[vote.validator, default: []].append(id)
                }
            case .batchOpened(let opening): time = opening.time
            case .jobAssigned(let event) where ledger.state.job(at: event.job) != nil:
                assigned[event.job] = time
            case .resultReported(let result):
                if let id = ledger.state.jobID(at: result.job) {
                    reported[result.validator, default: []].append(id)
                }
            default: break
            }
        }
        self.settled = settled
        self.voted = voted
        self.reported = reported
        self.assigned = assigned
    }

    /// What a person hears of a ledger that cannot be opened.
    static func error(_ error: StorageError, _ path: String) -> NodeError {
        switch error {
        case .log(let error): .log(of: "the ledger", path: path, error)
        case .entry(let entry, let problem): .entryUnusable(entry: entry, problem: problem)
        case .unsealed(let entries): .batchUnsealed(entries: entries)
        default: .storage(path: path, error)
        }
    }

    /// The settlements that are ordered and not reported, by request.
    func orders() throws(NodeError) -> [(
        request: EntryIndex, order: (entry: EntryIndex, event: SettlementOrdered)
    )] {
        var orders: [(EntryIndex, (entry: EntryIndex, event: SettlementOrdered))] = []
        for request in ledger.state.pendingSettlements {
            guard let decided = ledger.state.decided(at: request) else { continue }
            // The order follows the vote that decided, the outcome, and the nullifiers.
            var entry = decided.decision.deciding.rawValue
            while true {
                if case .settlementOrdered(let order) = try event(entry), order.request == request {
                    orders.append((request, (EntryIndex(entry), order)))
                    break
                }
                entry += 1
            }
        }
        return orders
    }

    /// The changes that T validators agreed on, from this running number on.
    func changes(from number: UInt64) throws(NodeError) -> [GovernanceMessage] {
        guard number < ledger.state.nextChange else { return [] }
        var changes: [GovernanceMessage] = []
        try forEach(from: 0) { [ledger] event, _ in
            guard case .governanceApproved(let change) = event, change.number >= number,
                case .governance(let message)? = ledger.state.message(of: event)
            else { return }
            changes.append(message)
        }
        return changes
    }

    /// The votes and results of a validator among the newest entries, as they were signed.
    func said(
        by validator: ValidatorIndex
    ) throws(NodeError) -> (votes: [VoteMessage], results: [ResultMessage]) {
        let size = ledger.log.size
        var votes: [VoteMessage] = []
        var results: [ResultMessage] = []
        try forEach(from: size - min(size, NodeLimits.comparedEntriesMax)) { [ledger] event, _ in
            switch event {
            case .voteCast(let vote) where vote.validator == validator:
                if let message = ledger.state.voteMessage(of: vote) { votes.append(message) }
            case .resultReported(let result) where result.validator == validator:
                if case .result(let message)? = ledger.state.message(of: event) {
                    results.append(message)
                }
            default: break
            }
        }
        return (votes, results)
    }

    private func event(_ entry: UInt64) throws(NodeError) -> Event {
        do {
            return try Event(decoding: try ledger.log.entry(at: entry))
        } catch let error as LogError {
            throw .log(of: "the ledger", path: path, error)
        } catch {
            throw .entryUnusable(entry: entry, problem: "\(error)")
        }
    }

    private func forEach(
        from start: UInt64, _ body: (Event, UInt64) -> Void
    ) throws(NodeError) {
        do {
            try ledger.log.forEach(from: start, to: ledger.log.size) { index, bytes in
                var copy: [UInt8] = []
                copy.reserveCapacity(bytes.count)
                for position in bytes.indices { copy.append(bytes[position]) }
                do throws(DecodingError) { body(try Event(decoding: copy), index) } catch {
                    throw NodeError.entryUnusable(entry: index, problem: "\(error)")
                }
            }
        } catch let error as NodeError {
            throw error
        } catch let error as LogError {
            throw .log(of: "the ledger", path: path, error)
        } catch {
            fatalError("an error of an unknown kind: \(error)")
        }
    }
}
