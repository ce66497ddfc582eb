// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
package import Ledger
internal import Storage

/// Where an index of a log says that a bound clamped a reputation last: what was before that no
/// longer counts, and need not be read.
///
/// Nothing of it is believed. The seal before commits to the parameters and to how many changes
/// there were; all that moves the reputation is read from there on, and a bound must clamp it.
package struct ReputationPlaces: Sendable {
    /// The validator.
    package var validator: ValidatorIndex
    /// The opening of the batch with the last change that a bound clamped; no decay is meant.
    package var opening: UInt64
    /// The changes agreed on before that batch, rising.
    package var changes: [UInt64]

    /// Entries count from 0; what is made of them holds them against the log.
    package init(validator: ValidatorIndex, opening: UInt64, changes: [UInt64]) {
        self.validator = validator
        self.opening = opening
        self.changes = changes
    }

    /// The first entry and the changes before the batch, of which none is lacking.
    func changesBefore(in log: EventLog) throws(PlacesError) -> [EntryPicker.Picked] {
        guard opening > 0, opening < log.size,
            case .batchOpened = try log.read(opening).event,
            case .batchSealed(let sealed) = try log.read(opening - 1).event
        else { throw .otherwise(entry: opening) }
        let (ledger, roster) = try Roster.read(changes, before: opening, in: log)
        guard case .ledgerOpened(let opened) = try log.read(0).event,
            sealed.seals(
                roster.parameters, changes: UInt64(changes.count), of: opened, as: ledger)
        else { throw .otherwise(entry: opening - 1) }
        var found: [EntryPicker.Picked] = []
        for place in [0] + changes {
            found.append(EntryPicker.Picked(index: place, event: try log.read(place).event))
        }
        return found
    }
}
