// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

extension DecidedBatch {
    /// Derives the batch again on what this node holds, and returns what it has come to.
    ///
    /// Checks, in order: height, root, precommits, then entry by entry that each is an input that
    /// the rules take or follows from those before it, and at last the signatures of all inputs,
    /// together.
    package func replayed(
        on state: LedgerState, _ frontier: MerkleFrontier, threshold: Int,
        checker: SignatureChecker = SignatureChecker()
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
            return try Self.derive(decoded, on: state, frontier, checker)
        } catch { throw .diverged(error) }
    }

    private static func derive(
        _ entries: [Entry], on state: LedgerState, _ frontier: MerkleFrontier,
        _ checker: SignatureChecker
    ) throws(Divergence) -> ExecutedBatch {
        let height = Height(state.height.rawValue + 1)
        var run = BatchRun(state: state, frontier: frontier)
        guard case .batchOpened(let opening)? = entries.first?.event else {
            throw .entry(
                height, EntryIndex(state.size), decided: entries.first?.event.kind ?? "nothing",
                derived: "batchOpened")
        }
        var batch = ProposedBatch(opening: opening, commands: [])
        var signed = SignedInputs(height: height)
        while run.entries.count < entries.count {
            let place = run.entries.count
            guard place == 0 || run.state.isBatchOpen else {
                throw .entry(
                    height, EntryIndex(run.state.size), decided: entries[place].event.kind,
                    derived: "the end of the batch")
            }
            let before = run.entries.count
            try take(entries[place...], height, &run, &batch, &signed)
            try compare(entries, run, from: before, after: state, height)
        }
        guard !run.state.isBatchOpen else {
            throw .entry(
                height, EntryIndex(run.state.size), decided: "the end of the batch",
                derived: "batchSealed")
        }
        try signed.check(by: checker)
        return ExecutedBatch(batch, run)
    }

    /// Decides again on the input behind an event, or closes and seals where it is none.
    private static func take(
        _ entries: ArraySlice<Entry>, _ height: Height, _ run: inout BatchRun,
        _ batch: inout ProposedBatch, _ signed: inout SignedInputs
    ) throws(Divergence) {
        let event = entries[entries.startIndex].event
        let entry = EntryIndex(run.state.size)
        let ledger = run.state.ledger
        let command: Command
        switch event {
        case .batchOpened(let event):
            guard let opening = run.state.opening(of: event) else {
                throw .input(height, entry, kind: "batchOpened", nil)
            }
            try signed.add(opening, in: ledger, entry, kind: "batchOpened")
            command = .openBatch(Checked(unchecked: opening), root: run.frontier.root)
        case .messageRefused(let refused):
            try signed.add(refused.message, in: ledger, entry, kind: event.kind)
            batch.commands.append(ProposedCommand(refused.message, isRefused: true))
            command = .recordRefusal(Checked(unchecked: refused.message))
        case _ where !event.isDerived:
            guard let message = run.state.message(of: event) else {
                throw .input(height, entry, kind: event.kind, nil)
            }
            try signed.add(message, in: ledger, entry, kind: event.kind)
            batch.commands.append(ProposedCommand(message))
            command = .message(Checked(unchecked: message))
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

/// The signatures of a batch's inputs, to be checked together.
private struct SignedInputs {
    let height: Height
    private var checks: [SignatureCheck] = []
    private var inputs: [(end: Int, entry: EntryIndex, kind: String)] = []

    init(height: Height) { self.height = height }

    /// Adds those of an input; throws where one of them could cover nothing.
    mutating func add(
        _ content: some Signed, in ledger: LedgerID, _ entry: EntryIndex, kind: String
    ) throws(Divergence) {
        guard let own = content.signatureChecks(in: ledger) else {
            throw .input(height, entry, kind: kind, nil)
        }
        checks += own
        inputs.append((checks.count, entry, kind))
    }

    /// Throws the first input that is not signed.
    func check(by checker: SignatureChecker) throws(Divergence) {
        guard let wrong = checker.verdicts(checks).firstIndex(of: false),
            let input = inputs.first(where: { wrong < $0.end })
        else { return }
        throw .input(height, input.entry, kind: input.kind, nil)
    }
}
