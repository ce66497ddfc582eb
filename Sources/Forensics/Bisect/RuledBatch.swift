// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import Ledger

/// A batch as the rules give it from the inputs of a recorded one.
struct RuledBatch {
    /// An input of the recorded batch that the rules do not take.
    struct Refused {
        /// The place of its entry in the log, from 0.
        let entry: UInt64
        /// Why, in words.
        let reason: String
    }

    /// What the rules give, in order, each at its own place.
    let entries: [LoggedEntry]
    /// The state and the tree after it.
    let after: StateBefore
    /// Inputs that are left out of it.
    let refused: [Refused]

    /// Derives the batch behind a state; `recorded` are the entries of the log.
    init(of recorded: [LoggedEntry], on before: StateBefore) {
        var run = BatchRun(state: before.state, frontier: before.frontier)
        var refused: [Refused] = []
        for entry in recorded where !entry.event.isDerived {
            if let reason = Self.take(entry, &run) {
                refused.append(Refused(entry: entry.index, reason: reason))
            }
        }
        if run.state.isBatchOpen {
            do throws(Refusal) { try run.seal() } catch {
                let end = recorded.last?.index ?? before.state.size
                refused.append(Refused(entry: end, reason: "the seal is refused: \(error)"))
            }
        }
        self.refused = refused
        let start = before.state.size
        after = StateBefore(run)
        entries = run.entries.enumerated().map {
            LoggedEntry(index: start + UInt64($0.offset), entry: $0.element)
        }
    }

    /// Takes an input; returns why not, where the rules refuse it or it is not signed.
    private static func take(_ entry: LoggedEntry, _ run: inout BatchRun) -> String? {
        let input: Input
        do throws(UnknownParty) {
            guard let found = try run.state.input(of: entry.event) else { return nil }
            input = found
        } catch {
            return "it names a party, request or job that the ledger does not hold"
        }
        guard input.isSigned(in: run.state.ledger) else {
            return "it is not signed by those whom it speaks for"
        }
        do throws(Refusal) {
            try run.take(input.command(root: run.frontier.root))
            return nil
        } catch {
            return "the rules refuse it: \(error)"
        }
    }
}
