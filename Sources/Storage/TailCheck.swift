// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// Why a batch that no trusted checkpoint covers is not taken.
struct TailFault: Error {
    /// The entry where it shows.
    let entry: UInt64
    /// What is wrong with it.
    let problem: String
}

/// Takes in batches that nobody vouches for: each entry is an input that its party signed and the
/// rules take, or follows from those before it.
///
/// A batch after height 1 opens with T precommits of the one before, which are signatures like the
/// others: so of a tail all batches but the last are shown to be a quorum's.
struct TailCheck {
    /// The state after the batches taken.
    private(set) var state: LedgerState
    /// The tree of the log after them.
    private(set) var frontier: MerkleFrontier

    /// Starts after what `state` and `frontier` hold, at the end of a batch.
    init(state: LedgerState, frontier: MerkleFrontier) {
        invariant(!state.isBatchOpen, "a tail begins within a batch")
        invariant(state.size == frontier.count, "a state and a tree of other sizes")
        self.state = state
        self.frontier = frontier
    }

    /// Takes in the entries of one whole batch; after a fault nothing has changed.
    mutating func take(_ batch: [Entry]) throws(TailFault) {
        var run = BatchRun(state: state, frontier: frontier)
        while run.entries.count < batch.count {
            let start = run.entries.count
            guard start == 0 || run.state.isBatchOpen else {
                throw TailFault(
                    entry: run.state.size, problem: "it stands behind the end of its batch")
            }
            try Self.step(batch[start...], &run)
            for place in start..<run.entries.count {
                guard place < batch.count, batch[place].event == run.entries[place].event else {
                    let found = place < batch.count ? batch[place].event.kind : "nothing"
                    throw TailFault(
                        entry: state.size + UInt64(place),
                        problem: "\(found) stands where the rules give"
                            + " \(run.entries[place].event.kind), or one with other contents")
                }
            }
        }
        guard !run.state.isBatchOpen, !batch.isEmpty else {
            throw TailFault(entry: run.state.size, problem: "its batch is not sealed")
        }
        state = run.state
        frontier = run.frontier
    }

    /// Decides again on the input behind the first of these entries, or closes and seals where it
    /// is none.
    private static func step(
        _ entries: ArraySlice<Entry>, _ run: inout BatchRun
    ) throws(TailFault) {
        let event = entries[entries.startIndex].event
        let (index, ledger) = (run.state.size, run.state.ledger)
        let command: Command?
        switch event {
        case .ledgerOpened: command = nil
        case .batchOpened(let opened):
            command = run.state.opening(of: opened).flatMap { Checked($0, in: ledger) }.map {
                .openBatch($0, root: run.frontier.root)
            }
        case .messageRefused(let refused):
            command = Checked(refused.message, in: ledger).map { .recordRefusal($0) }
        case _ where !event.isDerived:
            command = run.state.message(of: event).flatMap { Checked($0, in: ledger) }.map {
                .message($0)
            }
        default:
            do throws(Refusal) { try run.seal(recorded: entries) } catch {
                throw TailFault(entry: index, problem: "\(error)")
            }
            return
        }
        guard let command else {
            throw TailFault(
                entry: index, problem: "the signature of \(event.kind) does not hold")
        }
        do throws(Refusal) { try run.take(command, recorded: entries) } catch {
            throw TailFault(entry: index, problem: "the rules refuse it: \(error)")
        }
    }
}
