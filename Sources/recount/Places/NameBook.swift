// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Ledger

/// What a log calls those who stand in its entries.
///
/// Most stand in the first entry, which is read at once; who was added later is asked for from
/// the ledger, when an entry needs it.
struct NameBook {
    private var names = LedgerNames(validators: [])
    /// The size of the log when the projections were last asked.
    private var asked: UInt64?

    /// Reads the first entry of a log; an empty log has no names yet.
    init(_ log: OpenLog) throws(Failure) {
        var reader = log.entries(from: 0, to: min(1, log.size))
        if let entry = try reader.entry(), case .ledgerOpened(let opened) = entry.event {
            names = LedgerNames(opened)
        }
    }

    /// The fields of an entry of the log, with names.
    mutating func fields(_ entry: LoggedEntry, in log: OpenLog) throws(Failure) -> [NamedField] {
        let fields = entry.event.fields
        if asked != log.size, fields.contains(where: { $0.value.isBeyond(names) }) {
            asked = log.size
            if let known = try log.names() { names = known }
        }
        return fields.map { $0.named(by: names) }
    }
}
