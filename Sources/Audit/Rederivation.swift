// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger

/// Derives every event again from the commands in the log, and compares.
///
/// At the first difference it stops deriving and only takes in what the log says, so that
/// signatures and proofs can still be checked.
///
/// Shares with `BatchRun` what an input is and how events are taken in, and is none: a `BatchRun`
/// takes in all that follows from a command before it is compared, keeps it, and hashes every leaf.
struct Rederivation {
    /// The state after the entries taken so far.
    private(set) var state = LedgerState()
    /// Derived events found equal.
    private(set) var derived: UInt64 = 0
    /// The first difference; several findings where one `BatchSealed` differs in several fields.
    private(set) var findings: [Finding] = []
    /// Where the log cannot even be folded, so that nothing after it is looked at.
    private(set) var stop: Finding?

    private let log: any SweptLog
    /// The roots of the entries taken so far.
    private let tree: LogTree
    /// Those where the entries are not those of the log.
    private var frontier: MerkleFrontier?
    /// Whether the proof of each request of the batch at hand is well formed; nil for all.
    private var forms: [UInt64: Bool]?
    /// Why the tree of the log could not be read.
    private var failure: LogError?
    /// Whether the deadlines of the batch at hand are derived.
    private var isDue = false

    /// Whether anything is derived at all; else it only takes in what the log says.
    private let derives: Bool

    /// Starts before the first entry, or behind those that came to `state`.
    init(_ log: any SweptLog, _ tree: LogTree, from state: LedgerState, derives: Bool) {
        self.log = log
        self.tree = tree
        self.state = state
        self.derives = derives
    }

    /// The root of the entries taken so far.
    private mutating func root() -> Digest {
        if let frontier { return frontier.root }
        do throws(LogError) {
            return try tree.root(at: state.size)
        } catch {
            failure = error
            return .zero
        }
    }

    /// Whether the log equals what was derived so far.
    var isEqual: Bool { findings.isEmpty && stop == nil }

    /// Derives one batch again, and applies it. `forms` tells of each request whether its proof is
    /// well formed, nil that all are; `willApply` sees each entry with the state before it, which
    /// is `inout` only so that it is not copied, and what was signed for the entry, where that is
    /// known. Throws where the log cannot be read.
    mutating func rederive(
        _ batch: ArraySlice<LoggedEntry>, forms: [UInt64: Bool]?, isCut: Bool,
        willApply: (LoggedEntry, SignedContent?, inout LedgerState) -> Void
    ) throws(LogError) {
        isDue = false
        self.forms = forms
        // Elements of a span are read where they lie.
        let entries = batch.span
        var position = 0
        while position < entries.count, derives, isEqual {
            do throws(Difference) {
                let (expected, signed) = try derive(entries[position])
                try compare(expected, signed, entries, &position, willApply)
            } catch {
                if let failure { throw failure }
                try report(error, batch, position)
            }
        }
        if let failure { throw failure }
        if derives, isEqual, !isCut, state.isBatchOpen {
            findings = [
                Finding(
                    entry: state.size, kind: .missing,
                    expected: "batchSealed at the end of batch \(state.height.rawValue)",
                    found: "the batch ends without it")
            ]
        }
        while position < entries.count, stop == nil {
            willApply(entries[position], nil, &state)
            apply(entries[position])
            position += 1
        }
    }

    /// Returns the events that the rules give at this place, the first of which is due next, and
    /// what was signed for it, where it is an input.
    private mutating func derive(
        _ entry: LoggedEntry
    ) throws(Difference) -> ([Event], SignedContent?) {
        let signed: SignedContent?
        do throws(UnknownParty) {
            signed = try SignedContent(of: entry.event, in: &state)
        } catch {
            throw .unknownParty
        }
        switch signed {
        case .vote(let message):
            guard !isDue else { throw .late }
            return (try decide(.message(Checked(unchecked: .vote(message)))), signed)
        case .input(let input): return (try derive(input, at: entry.index), signed)
        case nil:
            guard state.isBatchOpen else { throw .added }
            if let due = try deriveDue(), !due.isEmpty { return (due, nil) }
            guard case .batchSealed = entry.event else { throw .added }
            return (try decide(.seal(size: state.size, root: root())), nil)
        }
    }

    private mutating func derive(
        _ input: Input, at entry: UInt64
    ) throws(Difference) -> [Event] {
        var root = Digest.zero
        switch input {
        case .ledger: isDue = true
        case .batch: root = self.root()
        case .message: guard !isDue else { throw .late }
        }
        let isWellFormed = forms.map { $0[entry] } ?? true
        return try decide(input.command(root: root, isProofWellFormed: isWellFormed))
    }

    /// Derives what the deadlines give, once in a batch; nil where that was done.
    private mutating func deriveDue() throws(Difference) -> [Event]? {
        guard !isDue else { return nil }
        isDue = true
        return try decide(.closeDue)
    }

    private func decide(_ command: Command) throws(Difference) -> [Event] {
        do throws(Refusal) {
            return try state.decide(command)
        } catch {
            throw .refused(error)
        }
    }

    /// Takes in the entries that are what is expected.
    private mutating func compare(
        _ expected: [Event], _ signed: SignedContent?, _ batch: Span<LoggedEntry>,
        _ position: inout Int,
        _ willApply: (LoggedEntry, SignedContent?, inout LedgerState) -> Void
    ) throws(Difference) {
        guard !expected.isEmpty else { throw .added }
        var taken = 0
        while taken < expected.count, position < batch.count, stop == nil,
            batch[position].event == expected[taken]
        {
            // Only the first of them can be an input.
            willApply(batch[position], taken == 0 ? signed : nil, &state)
            frontier?.append(leafHash: batch[position].leafHash)
            if batch[position].event.isDerived { derived += 1 }
            apply(batch[position])
            position += 1
            taken += 1
        }
        guard stop == nil, taken < expected.count else { return }
        throw .unlike(Array(expected[taken...]), isBegun: taken > 0)
    }

    private mutating func apply(_ entry: LoggedEntry) {
        do throws(FoldError) { try state.apply(entry.entry) } catch { stop(at: entry, error) }
    }

    private mutating func stop(at entry: LoggedEntry, _ error: FoldError) {
        stop = Finding(
            entry: entry.index, kind: .cannotFollow,
            expected: "an entry that can follow those before it", found: "\(error)")
    }

    /// Says what the difference at a place of a batch is.
    private mutating func report(
        _ difference: Difference, _ batch: ArraySlice<LoggedEntry>, _ position: Int
    ) throws(LogError) {
        let rest = Array(batch.dropFirst(position))
        let entry = rest.first?.index ?? state.size
        switch difference {
        case .unlike(let expected, _):
            findings = DifferenceText.findings(expected, rest, at: entry)
        case .added:
            findings = [DifferenceText.added(rest[0])]
        case .refused(let refusal):
            findings = [
                Finding(
                    entry: entry, kind: .refused, expected: "nothing: \(refusal)",
                    found: rest[0].event.text)
            ]
        case .unknownParty:
            findings = [
                Finding(
                    entry: entry, kind: .refused,
                    expected: "a request, job and parties that the ledger holds",
                    found: rest[0].event.text)
            ]
        case .late:
            findings = [
                Finding(
                    entry: entry, kind: .moved,
                    expected: "no command after the deadlines of the batch",
                    found: rest[0].event.text)
            ]
        }
        guard let finding = findings.first, finding.kind == .added, batch.count > position else {
            return
        }
        var pending: [Event] = []
        if case .unlike(let expected, isBegun: true) = difference { pending = expected }
        if let home = try homeOfAdded(rest, pending) {
            findings = [DifferenceText.moved(rest[0], to: home)]
        }
    }

    /// Where an event that is too many here is missing, if it is: it was moved then.
    ///
    /// Derives the rest of the batch without it; until the place where it is missing every entry
    /// has its own index again. `pending` is what is due before the next command.
    private func homeOfAdded(
        _ batch: [LoggedEntry], _ pending: [Event]
    ) throws(LogError) -> UInt64? {
        var other = self
        other.frontier = MerkleFrontier(
            count: state.size, subtrees: try log.subtrees(at: state.size))
        other.findings = []
        other.isDue = false
        guard let added = batch.first else { return nil }
        let rest = batch.dropFirst()
        let entries = rest.span
        var pending = pending
        var place = 0
        while place < entries.count, other.isEqual {
            do throws(Difference) {
                let expected = pending.isEmpty ? try other.derive(entries[place]).0 : pending
                pending = []
                try other.compare(expected, nil, entries, &place) { _, _, _ in }
            } catch {
                guard case .unlike(let expected, _) = error, expected.first == added.event else {
                    return nil
                }
                return other.state.size
            }
        }
        return nil
    }
}
