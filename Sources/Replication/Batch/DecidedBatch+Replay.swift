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
        guard grown.root == precommits.root else {
            if let parted = otherHistory(than: frontier.root, of: state) {
                throw .diverged(parted)
            }
            throw .otherRoot
        }
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
        let replayed: ExecutedBatch
        do throws(Divergence) {
            replayed = try Self.derive(decoded, on: state, frontier, checker)
        } catch { throw .diverged(error) }
        invariant(
            replayed.entries.count == entries.count,
            "\(entries.count) entries are derived again as \(replayed.entries.count)")
        invariant(
            replayed.value == precommits.root, "a batch is derived again with another root")
        return replayed
    }

    /// What the opening of the batch proves where its entries do not fit: that T of those who
    /// ordered the last batch precommitted another root than this log has. Nil where it does not.
    private func otherHistory(than root: Digest, of state: LedgerState) -> Divergence? {
        guard let opened = opening, opened.previousRoot != root,
            opened.height == precommits.height
        else { return nil }
        let last = Precommits(
            height: state.height, round: opened.precommitRound, root: opened.previousRoot,
            signatures: opened.precommits)
        let threshold = Int(state.sealedBefore.parameters.threshold)
        guard last.areSigned(by: state.sealedBefore.members, in: state.ledger, threshold: threshold)
        else { return nil }
        return .history(state.height, decided: opened.previousRoot, derived: root)
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
                derived: EventType.batchOpened.jsonName)
        }
        var batch = ProposedBatch(opening: opening, commands: [])
        var signed = SignedInputs(height: height)
        do throws(RecordedFault) {
            try run.take(recorded: entries) { input, entry, event in
                if case .message(let message, let isRefused) = input {
                    batch.commands.append(ProposedCommand(message, isRefused: isRefused))
                }
                return signed.add(input, in: state.ledger, entry, kind: event.kind)
            }
        } catch { throw Divergence(height, error) }
        invariant(
            signed.count == 1 + batch.commands.count,
            "the signatures of \(signed.count) inputs, and \(batch.commands.count) commands")
        try signed.check(by: checker)
        return ExecutedBatch(batch, run)
    }
}

extension Divergence {
    /// What the first fault of a batch means; of a seal, the first component that differs.
    fileprivate init(_ height: Height, _ fault: RecordedFault) {
        switch fault {
        case .unsigned(let entry, let event):
            self = .input(height, entry, kind: event.kind, nil)
        case .refused(let entry, let event, let refusal):
            self = .input(height, entry, kind: event.kind, refusal)
        case .unlike(let entry, let recorded, let derived):
            if case .batchSealed(let ours) = derived, case .batchSealed(let theirs)? = recorded {
                for (component, roots) in zip(
                    StateComponent.allCases, zip(theirs.components, ours.components))
                where roots.0 != roots.1 {
                    self = .component(height, component, decided: roots.0, derived: roots.1)
                    return
                }
            }
            self = .entry(
                height, entry, decided: recorded?.kind ?? "the end of the batch",
                derived: derived.kind)
        case .beyondSeal(let entry, let event):
            self = .entry(height, entry, decided: event.kind, derived: "the end of the batch")
        case .unsealed(let entry):
            self = .entry(
                height, entry, decided: "the end of the batch",
                derived: EventType.batchSealed.jsonName)
        }
    }
}

/// The signatures of a batch's inputs, to be checked together.
private struct SignedInputs {
    let height: Height
    private var checks: [SignatureCheck] = []
    private var inputs: [(end: Int, entry: EntryIndex, kind: String)] = []

    init(height: Height) { self.height = height }

    /// How many inputs they are of.
    var count: Int { inputs.count }

    /// Adds those of an input; false where one of them could cover nothing.
    mutating func add(
        _ content: Input, in ledger: LedgerID, _ entry: EntryIndex, kind: String
    ) -> Bool {
        guard let own = content.signatureChecks(in: ledger) else { return false }
        checks += own
        inputs.append((checks.count, entry, kind))
        return true
    }

    /// Throws the first input that is not signed.
    func check(by checker: SignatureChecker) throws(Divergence) {
        let verdicts = checker.verdicts(checks)
        invariant(
            verdicts.count == inputs.last?.end ?? 0,
            "\(verdicts.count) verdicts on \(inputs.last?.end ?? 0) signatures")
        guard let wrong = verdicts.firstIndex(of: false),
            let input = inputs.first(where: { wrong < $0.end })
        else { return }
        throw .input(height, input.entry, kind: input.kind, nil)
    }
}
