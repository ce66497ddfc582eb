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
            try state.apply(Event(decoding: bytes), encodedBytes: bytes.count)
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
