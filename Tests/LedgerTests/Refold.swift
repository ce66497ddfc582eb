// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Folding a log again, as a restart and an audit do.
enum Refold {
    /// Decodes what each event was written as, and folds it.
    static func fold(_ log: [Event]) throws -> LedgerState {
        var state = LedgerState()
        for event in log {
            let bytes = event.encoded
            try state.apply(Entry(decoding: bytes))
        }
        return state
    }

    /// The command behind an input event, as the state before it tells; nil where there is none.
    static func command(of event: Event, in state: LedgerState, root: Digest) -> Command? {
        switch event {
        case .ledgerOpened(let opened): return .openLedger(opened)
        case .batchOpened(let opened):
            guard let opening = state.opening(of: opened),
                let checked = Checked(opening, in: state.ledger)
            else { return nil }
            return .openBatch(checked, root: root)
        case .messageRefused(let refused):
            return Checked(refused.message, in: state.ledger).map { .recordRefusal($0) }
        case .batchSealed: return .seal(size: state.size, root: root)
        default:
            guard let message = state.message(of: event),
                let checked = Checked(message, in: state.ledger)
            else { return nil }
            return .message(checked)
        }
    }
}

extension LedgerScenario {
    /// Submits a job and lets it be assigned; returns it and those drawn, in rank.
    mutating func assignedJob(_ number: UInt64 = 0) throws -> (JobID, [ValidatorIndex]) {
        if !state.isBatchOpen { try open() }
        let job = job(number)
        try send(.job(job))
        try next()
        let id = job.id(in: ledger)
        let assigned = state.entry(of: id).flatMap { state.job(at: $0)?.assigned }
        return (id, assigned?.validators ?? [])
    }
}

extension Refold {
    /// Derives every input of a log again and compares what follows it, as an audit does.
    ///
    /// Returns the place of the first difference, or nil where there is none.
    static func firstDifference(
        in log: [Event], after start: LedgerState = LedgerState(),
        frontier: MerkleFrontier = MerkleFrontier(), checkingSignatures: Bool
    ) -> Int? {
        var state = start
        var frontier = frontier
        var place = 0
        while place < log.count {
            let event = log[place]
            let command: Command?
            if event.isDerived, event.tag != 76 {
                command = .closeDue
            } else {
                command =
                    checkingSignatures
                    ? self.command(of: event, in: state, root: frontier.root)
                    : uncheckedCommand(of: event, in: state, root: frontier.root)
            }
            guard let command else { return place }
            do {
                let events = try state.decide(command)
                guard !events.isEmpty else { return place }
                for derived in events {
                    let bytes = derived.encoded
                    guard place < log.count, log[place].encoded == bytes else { return place }
                    try state.apply(Entry(derived))
                    frontier.append(leaf: bytes)
                    place += 1
                }
            } catch { return place }
        }
        return nil
    }

    private static func uncheckedCommand(
        of event: Event, in state: LedgerState, root: Digest
    ) -> Command? {
        switch event {
        case .ledgerOpened(let opened): .openLedger(opened)
        case .batchOpened(let opened):
            state.opening(of: opened).map { .openBatch(Checked(unchecked: $0), root: root) }
        case .messageRefused(let refused): .recordRefusal(Checked(unchecked: refused.message))
        case .batchSealed: .seal(size: state.size, root: root)
        default: state.message(of: event).map { .message(Checked(unchecked: $0)) }
        }
    }
}
