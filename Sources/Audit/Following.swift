// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

extension LedgerState {
    /// Takes in an entry of a log that nobody has judged yet.
    ///
    /// Numbers beyond the bounds of the ledger are refused first: with them the state's own
    /// arithmetic could overflow, and a forged log must not stop an audit.
    mutating func follow(_ entry: LoggedEntry) throws(FoldError) {
        switch entry.event {
        case .ledgerOpened(let opened):
            if opened.parameters.fault != nil {
                throw .contradicts(kind: entry.event.kind, field: "parameters")
            }
        case .governanceApproved(let approved):
            guard approved.number < .max else {
                throw .contradicts(kind: entry.event.kind, field: "number")
            }
            guard isBounded(approved.change) else {
                throw .contradicts(kind: entry.event.kind, field: "change")
            }
        case .reputationChanged(let changed):
            guard changed.after <= Limits.reputationMax else {
                throw .contradicts(kind: entry.event.kind, field: "after")
            }
        default: break
        }
        try apply(entry.event, encodedBytes: entry.bytes.count)
    }

    private func isBounded(_ change: Change) -> Bool {
        switch change {
        case .parametersChanged(let parameters): parameters.fault == nil
        case .validatorJoined: validators.count < Limits.validatorsMax
        case .circuitRegistered: circuits.count < Limits.circuitsMax
        default: true
        }
    }
}
