// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Why a proposed batch is not one that this node would vote for.
package enum BatchFault: Error, Equatable, Sendable {
    /// The opening, or the command with this place, is not signed by those whom it speaks for.
    case unsigned(command: Int?)
    /// The rules refuse the opening or the seal, or the command with this place.
    case refused(command: Int?, Refusal)
    /// The batch has no command and nothing was due.
    case idle
    /// The batch names a round for its first proposal in which it cannot have been proposed.
    case wrongRound
    /// The batch gives another root than the one proposed.
    case otherRoot
}

/// A batch with all that follows from its inputs.
package struct ExecutedBatch: Sendable {
    /// The inputs.
    package let batch: ProposedBatch
    /// Everything that was derived, in order.
    package let entries: [Entry]
    /// The state after the seal.
    package let state: LedgerState
    /// The tree of the log after the seal.
    package let frontier: MerkleFrontier

    /// The value that validators agree on: the root of the log after the batch.
    package var value: Digest { frontier.root }

    /// Takes what a run has come to.
    init(_ batch: ProposedBatch, _ run: BatchRun) {
        invariant(!run.state.isBatchOpen, "a batch of \(run.entries.count) entries is not sealed")
        invariant(
            run.frontier.count == run.state.size,
            "a state of \(run.state.size) entries, a tree of \(run.frontier.count)")
        invariant(
            run.entries.count >= 2 + batch.commands.count,
            "\(run.entries.count) entries of \(batch.commands.count) commands")
        self.batch = batch
        entries = run.entries
        state = run.state
        frontier = run.frontier
    }

    /// Derives all that follows from a batch, checking every signature but those that are known.
    ///
    /// Checks, in order: keys of the opening, the opening by the rules, each command by the rules,
    /// the seal, that there was a reason for the batch, and then the signatures of all, together:
    /// what costs most comes last.
    /// - Parameters:
    ///   - isKnownPrecommit: Whether the signature of a precommit of this round and root has been
    ///     checked before.
    ///   - isWellFormed: Whether the proof of a request is well formed; nil where nobody looked.
    ///   - isKnown: Whether the signatures of a message have been checked before.
    package init(
        executing batch: ProposedBatch, on state: LedgerState, _ frontier: MerkleFrontier,
        idleMilliseconds: UInt64, checker: SignatureChecker = SignatureChecker(),
        isKnownPrecommit: (UInt32, Digest, IndexedSignature) -> Bool = { _, _, _ in false },
        isWellFormed: (Message) -> Bool? = { _ in nil }, isKnown: (Message) -> Bool
    ) throws(BatchFault) {
        // From here on the run alone refers to the state, so that it can change it in place.
        var run = BatchRun(state: state, frontier: frontier)
        let ledger = run.state.ledger
        let idleTime = run.state.time.adding(milliseconds: idleMilliseconds)
        guard let opening = run.state.opening(of: batch.opening) else {
            throw .unsigned(command: nil)
        }
        do throws(Refusal) {
            try run.take(.openBatch(Checked(unchecked: opening), root: frontier.root))
        } catch { throw .refused(command: nil, error) }
        var hasReason =
            !batch.commands.isEmpty || run.entries.count > 1 || batch.opening.time >= idleTime
        var unknown: [Int] = []
        for (place, command) in batch.commands.enumerated() {
            let message = Checked(
                unchecked: command.message, isProofWellFormed: isWellFormed(command.message))
            if !isKnown(command.message) { unknown.append(place) }
            do throws(Refusal) {
                try run.take(command.isRefused ? .recordRefusal(message) : .message(message))
            } catch { throw .refused(command: place, error) }
        }
        let size = run.entries.count
        do throws(Refusal) { try run.seal() } catch { throw .refused(command: nil, error) }
        hasReason = hasReason || run.entries.count > size + 1
        guard hasReason else { throw .idle }
        try Self.check(opening, in: ledger, by: checker, isKnownPrecommit)
        try Self.check(batch.commands, at: unknown, in: ledger, by: checker)
        self.init(batch, run)
    }

    private static func check(
        _ opening: BatchOpening, in ledger: LedgerID, by checker: SignatureChecker,
        _ isKnown: (UInt32, Digest, IndexedSignature) -> Bool
    ) throws(BatchFault) {
        guard let all = opening.signatureChecks(in: ledger) else { throw .unsigned(command: nil) }
        let event = opening.event
        invariant(
            all.count == 1 + event.precommits.count,
            "\(all.count) signatures of an opening with \(event.precommits.count) precommits")
        let unknown = zip(event.precommits, all.dropFirst()).filter { precommit, _ in
            !isKnown(event.precommitRound, event.previousRoot, precommit)
        }.map(\.1)
        let verdicts = checker.verdicts(all.prefix(1) + unknown)
        invariant(
            verdicts.count == 1 + unknown.count,
            "\(verdicts.count) verdicts on \(1 + unknown.count) signatures")
        guard verdicts.allSatisfy({ $0 }) else {
            throw .unsigned(command: nil)
        }
    }

    private static func check(
        _ commands: [ProposedCommand], at places: [Int], in ledger: LedgerID,
        by checker: SignatureChecker
    ) throws(BatchFault) {
        var checks: [SignatureCheck] = []
        var owners: [Int] = []
        for place in places {
            guard let own = commands[place].message.signatureChecks(in: ledger) else {
                throw .unsigned(command: place)
            }
            checks += own
            owners += Array(repeating: place, count: own.count)
        }
        let verdicts = checker.verdicts(checks)
        invariant(
            verdicts.count == owners.count,
            "\(verdicts.count) verdicts on \(owners.count) signatures")
        for (owner, holds) in zip(owners, verdicts) where !holds {
            throw .unsigned(command: owner)
        }
    }
}
