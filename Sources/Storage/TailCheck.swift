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

/// Checks batches that nobody vouches for: each entry is an input that its party signed and the
/// rules take, or follows from those before it.
///
/// A batch after height 1 opens with T precommits of the one before, which are signatures like the
/// others: so of a tail all batches but the last are shown to be a quorum's.
struct TailCheck {
    /// The state after the batches checked.
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

    /// Checks the entries of one whole batch, and goes on behind it; after a fault nothing has
    /// changed.
    mutating func check(_ batch: [Entry]) throws(TailFault) {
        var run = BatchRun(state: state, frontier: frontier)
        let ledger = state.ledger
        do throws(RecordedFault) {
            try run.take(recorded: batch) { input, _, _ in input.isSigned(in: ledger) }
        } catch { throw TailFault(error) }
        state = run.state
        frontier = run.frontier
    }
}

extension TailFault {
    fileprivate init(_ fault: RecordedFault) {
        switch fault {
        case .unsigned(let entry, let event):
            self.init(
                entry: entry.rawValue, problem: "the signature of \(event.kind) does not hold")
        case .refused(let entry, _, let refusal):
            self.init(entry: entry.rawValue, problem: "the rules refuse it: \(refusal)")
        case .unlike(let entry, let recorded, let derived):
            self.init(
                entry: entry.rawValue,
                problem: "\(recorded?.kind ?? "nothing") stands where the rules give"
                    + " \(derived.kind), or one with other contents")
        case .beyondSeal(let entry, _):
            self.init(entry: entry.rawValue, problem: "it stands behind the end of its batch")
        case .unsealed(let entry):
            self.init(entry: entry.rawValue, problem: "its batch is not sealed")
        }
    }
}
