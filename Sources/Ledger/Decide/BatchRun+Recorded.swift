// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// Where a batch of a log does not follow from what was before it.
package enum RecordedFault: Error {
    /// An input is not signed by those whom it speaks for, or the ledger does not know them.
    case unsigned(EntryIndex, Event)
    /// The rules refuse an input.
    case refused(EntryIndex, Event, Refusal)
    /// Another entry stands, or none, where the rules derive this event.
    case unlike(EntryIndex, recorded: Event?, derived: Event)
    /// An entry stands behind the seal.
    case beyondSeal(EntryIndex, Event)
    /// The batch ends without a seal.
    case unsealed(EntryIndex)
}

extension BatchRun {
    /// Derives a whole batch of a log again: each entry is an input that the rules take, or follows
    /// from those before it.
    ///
    /// After a fault the run is of no more use.
    /// - Parameter admits: Whether an input may pass, as far as its signatures go.
    /// - Precondition: The run starts between two batches, and holds nothing yet.
    package mutating func take(
        recorded batch: [Entry], admits: (Input, EntryIndex, Event) -> Bool
    ) throws(RecordedFault) {
        invariant(entries.isEmpty, "a recorded batch is taken behind other entries")
        invariant(!state.isBatchOpen, "a recorded batch begins within another")
        while entries.count < batch.count {
            let place = entries.count
            guard place == 0 || state.isBatchOpen else {
                throw .beyondSeal(EntryIndex(state.size), batch[place].event)
            }
            let first = state.size - UInt64(place)
            try take(next: batch[place...], admits)
            // Or this would go on for ever.
            invariant(entries.count > place, "nothing follows from entry \(first + UInt64(place))")
            for place in place..<entries.count {
                let recorded = place < batch.count ? batch[place].event : nil
                guard recorded == entries[place].event else {
                    throw .unlike(
                        EntryIndex(first + UInt64(place)), recorded: recorded,
                        derived: entries[place].event)
                }
            }
        }
        guard !state.isBatchOpen, !batch.isEmpty else { throw .unsealed(EntryIndex(state.size)) }
    }

    /// Decides again on the input behind the first of these entries, or closes and seals where it
    /// is none.
    private mutating func take(
        next recorded: ArraySlice<Entry>, _ admits: (Input, EntryIndex, Event) -> Bool
    ) throws(RecordedFault) {
        let event = recorded[recorded.startIndex].event
        let entry = EntryIndex(state.size)
        let input: Input?
        do throws(UnknownParty) { input = try state.input(of: event) } catch {
            throw .unsigned(entry, event)
        }
        if let input, !admits(input, entry, event) { throw .unsigned(entry, event) }
        do throws(Refusal) {
            if let input {
                try take(input.command(root: frontier.root), recorded: recorded)
            } else {
                try seal(recorded: recorded)
            }
        } catch { throw .refused(entry, event, error) }
    }
}
