// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

extension DecidedBatch {
    /// Derives the batch again on what this node holds, and returns what it has come to.
    ///
    /// Checks, in order: height, root, precommits, and then entry by entry that each is an input
    /// that its party signed and the rules take, or follows from those before it.
    package func replayed(
        on state: LedgerState, _ frontier: MerkleFrontier, threshold: Int
    ) throws(DecidedBatchFault) -> ExecutedBatch {
        guard precommits.height.rawValue == state.height.rawValue + 1 else {
            throw .wrongHeight(precommits.height)
        }
        var grown = frontier
        let hashes = entries.map { MerkleFrontier.leafHash($0.bytes.span) }
        for hash in hashes { grown.append(leafHash: hash) }
        guard grown.root == precommits.root else { throw .otherRoot }
        guard
            precommits.areSigned(
                by: state.sealedLast.members, in: state.ledger, threshold: threshold)
        else { throw .wrongPrecommits }
        var decoded: [Entry] = []
        for (place, entry) in entries.enumerated() {
            do throws(DecodingError) {
                decoded.append(try Entry(decoding: entry.bytes, leafHash: hashes[place]))
            } catch { throw .undecodable(entry: place) }
        }
        do throws(Divergence) {
            return try Self.derive(decoded, on: state, frontier)
        } catch { throw .diverged(error) }
    }

    private static func derive(
        _ entries: [Entry], on state: LedgerState, _ frontier: MerkleFrontier
    ) throws(Divergence) -> ExecutedBatch {
        let height = Height(state.height.rawValue + 1)
        var run = BatchRun(state: state, frontier: frontier)
        guard case .batchOpened(let opening)? = entries.first?.event else {
            throw .entry(
                height, EntryIndex(state.size), decided: entries.first?.event.kind ?? "nothing",
                derived: "batchOpened")
        }
        var batch = ProposedBatch(opening: opening, commands: [])
        while run.entries.count < entries.count {
            let place = run.entries.count
            guard place == 0 || run.state.isBatchOpen else {
                throw .entry(
                    height, EntryIndex(run.state.size), decided: entries[place].event.kind,
                    derived: "the end of the batch")
            }
            let before = run.entries.count
            try take(entries[place...], height, &run, &batch)
            try compare(entries, run, from: before, after: state, height)
        }
        guard !run.state.isBatchOpen else {
            throw .entry(
                height, EntryIndex(run.state.size), decided: "the end of the batch",
                derived: "batchSealed")
        }
        return ExecutedBatch(batch, run)
    }

    /// Decides again on the input behind an event, or closes and seals where it is none.
    private static func take(
        _ entries: ArraySlice<Entry>, _ height: Height, _ run: inout BatchRun,
        _ batch: inout ProposedBatch
    ) throws(Divergence) {
        let event = entries[entries.startIndex].event
        let entry = EntryIndex(run.state.size)
        let ledger = run.state.ledger
        let command: Command
        switch event {
        case .batchOpened(let event):
            guard let opening = run.state.opening(of: event),
                let checked = Checked(opening, in: ledger)
            else { throw .input(height, entry, kind: "batchOpened", nil) }
            command = .openBatch(checked, root: run.frontier.root)
        case .messageRefused(let refused):
            guard let checked = Checked(refused.message, in: ledger) else {
                throw .input(height, entry, kind: event.kind, nil)
            }
            batch.commands.append(ProposedCommand(refused.message, isRefused: true))
            command = .recordRefusal(checked)
        case _ where !event.isDerived:
            guard let message = run.state.message(of: event),
                let checked = Checked(message, in: ledger)
            else { throw .input(height, entry, kind: event.kind, nil) }
            batch.commands.append(ProposedCommand(message))
            command = .message(checked)
        default:
            do throws(Refusal) { try run.seal(recorded: entries) } catch {
                throw .input(height, entry, kind: event.kind, error)
            }
            return
        }
        do throws(Refusal) { try run.take(command, recorded: entries) } catch {
            throw .input(height, entry, kind: event.kind, error)
        }
    }

    /// Compares what was derived last with what the entries say, the state's components first.
    private static func compare(
        _ entries: [Entry], _ run: BatchRun, from start: Int, after state: LedgerState,
        _ height: Height
    ) throws(Divergence) {
        for place in start..<run.entries.count {
            let derived = run.entries[place].event
            let decided = place < entries.count ? entries[place].event : nil
            guard decided != derived else { continue }
            if case .batchSealed(let ours) = derived, case .batchSealed(let theirs)? = decided {
                for (component, roots) in zip(
                    StateComponent.allCases, zip(theirs.components, ours.components))
                where roots.0 != roots.1 {
                    throw .component(height, component, decided: roots.0, derived: roots.1)
                }
            }
            throw .entry(
                height, EntryIndex(state.size + UInt64(place)),
                decided: decided?.kind ?? "the end of the batch", derived: derived.kind)
        }
    }
}
