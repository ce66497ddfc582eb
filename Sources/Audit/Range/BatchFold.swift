// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Ledger
internal import Storage

/// The fold of a log, whole batches at a time, at the word of the log: no signature, no proof, and
/// nothing is derived again.
///
/// What an audit is spared by it, and whoever makes its bases; what it comes to is held against the
/// seals by those who start from it.
struct BatchFold {
    /// The state after the last whole batch that was taken in.
    private(set) var state: LedgerState
    private var source: BatchSource
    private let stop: UInt64

    /// Begins behind the entries that came to `state`, and ends with the last batch that ends at or
    /// before `end`.
    init(_ log: any SweptLog, from state: LedgerState, to end: UInt64) throws(LogError) {
        self.state = state
        stop = end
        source = try BatchSource(
            log, AuditOptions(), from: state.size, to: end, tree: nil, verifying: nil)
    }

    /// Folds the next batch; false where there is none that is whole.
    ///
    /// - Parameter watcher: Sees each entry with the state before and after it.
    mutating func advance(watchedBy watcher: ColumnFold? = nil) throws(FoldFailure) -> Bool {
        guard state.size < stop, let batch = try next(), let last = batch.last, last.index < stop,
            case .batchSealed = last.event
        else { return false }
        // Elements of a span are read where they lie.
        let entries = batch.span
        for place in entries.indices {
            guard let watcher else {
                try LedgerFold.apply(entries[place].entry, to: &state)
                continue
            }
            let event = entries[place].event
            let before = ColumnFold.wantsValidators(event) ? state.validators : []
            watcher.willApply(entries[place], &state)
            try LedgerFold.apply(entries[place].entry, to: &state)
            watcher.didApply(event, before: before, &state)
        }
        return true
    }

    private mutating func next() throws(FoldFailure) -> ArraySlice<LoggedEntry>? {
        do throws(ReadingError) { return try source.next() } catch {
            switch error {
            case .log(let error): throw .log(error)
            case .undecodable(let entry, let error): throw .undecodable(entry: entry, error)
            }
        }
    }

    /// Ends the reading.
    func end() { source.stop() }
}

extension RangeError {
    /// What a failed fold of the entries before a range, or of the range, means.
    init(_ failure: FoldFailure) {
        switch failure {
        case .log(let error): self = .log(error)
        case .undecodable(let entry, let error):
            self = .before(entry: entry, problem: describe(error))
        case .cannotFollow(let entry, let error):
            self = .before(entry: entry, problem: "\(error)")
        }
    }
}
