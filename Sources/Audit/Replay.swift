// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger
package import Storage

/// How far a replay goes.
package enum ReplayTarget: Sendable, Equatable {
    /// To the end of the log.
    case end
    /// Until this entry is applied.
    case entry(UInt64)
    /// Until every batch of this time or before is applied.
    case time(Time)
}

/// Why a replay did not come to its target.
package enum ReplayError: Error {
    /// The entries cannot be read.
    case reading(ReadingError)
    /// An entry cannot follow those before it.
    case cannotFollow(entry: UInt64, FoldError)
    /// The log ends before the entry.
    case beyond(entry: UInt64, size: UInt64)
    /// The ledger starts after the time.
    case before(start: Time)
}

extension ReplayError {
    /// What a failed fold means to whoever replays.
    package init(_ failure: FoldFailure) {
        switch failure {
        case .log(let error): self = .reading(.log(error))
        case .undecodable(let entry, let error):
            self = .reading(.undecodable(entry: entry, error))
        case .cannotFollow(let entry, let error): self = .cannotFollow(entry: entry, error)
        }
    }
}

extension ReplayError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .reading(let error): "\(error)"
        case .cannotFollow(let entry, let error):
            "entry \(entry) cannot follow those before it: \(error); run recount audit"
        case .beyond(let entry, let size):
            "there is no entry \(entry): the log holds \(size), from 0 to \(Int64(size) - 1)"
        case .before(let start): "the ledger starts at \(UTC.text(start)), after that time"
        }
    }
}

/// Folds a log again, without checking signatures and without deriving events.
package enum Replay {
    /// Returns the state at the target; `body` sees each entry with the state after it, whose size
    /// is one more than the entry's index.
    ///
    /// Reads a page at a time, so that the cost in memory is that of the state.
    ///
    /// - Parameter start: The state after some batch of this log, at or before the target.
    package static func state(
        of log: EventLog, at target: ReplayTarget = .end, from start: LedgerState = LedgerState(),
        _ body: (Entry, LedgerState) -> Void
    ) throws(ReplayError) -> LedgerState {
        let end = try end(of: log, target)
        var state = start
        var before: Time?
        do throws(FoldFailure) {
            try LedgerFold.run(
                log, into: &state, to: end,
                willApply: { entry in
                    guard case .time(let time) = target else { return true }
                    if case .batchOpened(let opened) = entry.event { return opened.time <= time }
                    if case .ledgerOpened(let opened) = entry.event, opened.time > time {
                        before = opened.time
                    }
                    return before == nil
                },
                didApply: { entry, state in
                    body(entry, state)
                    return true
                })
        } catch { throw ReplayError(error) }
        if let before { throw .before(start: before) }
        return state
    }

    /// Returns the state at the target.
    package static func state(
        of log: EventLog, at target: ReplayTarget = .end, from start: LedgerState = LedgerState()
    ) throws(ReplayError) -> LedgerState {
        if case .time = target { return try state(of: log, at: target, from: start) { _, _ in } }
        let end = try end(of: log, target)
        var state = start
        do throws(FoldFailure) { try LedgerFold.run(log, into: &state, to: end) } catch {
            throw ReplayError(error)
        }
        return state
    }

    /// Before which entry a replay ends at the latest.
    private static func end(
        of log: EventLog, _ target: ReplayTarget
    ) throws(ReplayError) -> UInt64 {
        guard case .entry(let entry) = target else { return log.size }
        guard entry < log.size else { throw .beyond(entry: entry, size: log.size) }
        return entry + 1
    }
}
