// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

extension Precommits {
    /// Whether they are at least `threshold`, by index, of `members`, and each is signed.
    package func areSigned(
        by members: [RankedMember], in ledger: LedgerID, threshold: Int
    ) -> Bool {
        guard signatures.count >= threshold, signatures.count <= members.count else { return false }
        let slot = Slot.precommit(height, round: round)
        var last = -1
        for signature in signatures {
            guard Int(signature.validator.rawValue) > last,
                let member = members.first(where: { $0.index == signature.validator }),
                let bytes = ConsensusStatement.signedBytes(
                    slot, value: root, validRound: -1, key: member.key, ledger: ledger),
                member.key.verifies(signature.signature, of: bytes)
            else { return false }
            last = Int(signature.validator.rawValue)
        }
        return true
    }
}

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
        for entry in entries { grown.append(leaf: entry.bytes) }
        guard grown.root == precommits.root else { throw .otherRoot }
        guard
            precommits.areSigned(
                by: state.sealedLast.members, in: state.ledger, threshold: threshold)
        else { throw .wrongPrecommits }
        var events: [Event] = []
        for (place, entry) in entries.enumerated() {
            do throws(DecodingError) {
                events.append(try Event(decoding: entry.bytes))
            } catch { throw .undecodable(entry: place) }
        }
        do throws(Divergence) {
            return try Self.derive(events, on: state, frontier)
        } catch { throw .diverged(error) }
    }

    private static func derive(
        _ events: [Event], on state: LedgerState, _ frontier: MerkleFrontier
    ) throws(Divergence) -> ExecutedBatch {
        let height = Height(state.height.rawValue + 1)
        var run = BatchRun(state: state, frontier: frontier)
        guard case .batchOpened(let opening)? = events.first else {
            throw .entry(
                height, EntryIndex(state.size), decided: events.first?.kind ?? "nothing",
                derived: "batchOpened")
        }
        var batch = ProposedBatch(opening: opening, commands: [])
        while run.events.count < events.count {
            let place = run.events.count
            guard place == 0 || run.state.isBatchOpen else {
                throw .entry(
                    height, EntryIndex(run.state.size), decided: events[place].kind,
                    derived: "the end of the batch")
            }
            let before = run.events.count
            try take(events[place], height, &run, &batch)
            try compare(events, run, from: before, after: state, height)
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
        _ event: Event, _ height: Height, _ run: inout BatchRun, _ batch: inout ProposedBatch
    ) throws(Divergence) {
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
            do throws(Refusal) { try run.seal() } catch {
                throw .input(height, entry, kind: event.kind, error)
            }
            return
        }
        do throws(Refusal) { try run.take(command) } catch {
            throw .input(height, entry, kind: event.kind, error)
        }
    }

    /// Compares what was derived last with what the entries say, the state's components first.
    private static func compare(
        _ events: [Event], _ run: BatchRun, from start: Int, after state: LedgerState,
        _ height: Height
    ) throws(Divergence) {
        for place in start..<run.events.count {
            let derived = run.events[place]
            let decided = place < events.count ? events[place] : nil
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
