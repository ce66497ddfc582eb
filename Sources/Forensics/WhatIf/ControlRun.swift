// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import Ledger

/// A ledger run again from its inputs under its own rules: what must come out as it is stored.
struct ControlRun {
    /// The state after the entries taken so far.
    private(set) var state = LedgerState()
    /// What a comparison asks for.
    var watch = RunWatch()
    /// Derived events that came out as they are stored.
    private(set) var derived: UInt64 = 0
    /// State roots that came out as they are stored.
    private(set) var roots: UInt64 = 0

    /// The input behind an entry; nil where the rules derive it.
    func input(of entry: LoggedEntry) throws(WhatIfError) -> Input? {
        do throws(UnknownParty) { return try state.input(of: entry.event) } catch {
            throw .control(
                entry: entry.index, "parties, requests and jobs that the ledger holds",
                entry.event.kind)
        }
    }

    /// Takes in an input and what follows from it, and returns how many entries that is.
    ///
    /// The root and the form of a proof are taken at the log's word: `recount audit` checks them.
    mutating func take(
        _ input: Input, _ recorded: ArraySlice<LoggedEntry>
    ) throws(WhatIfError) -> Int {
        var root = Digest.zero
        if case .batch(let opening) = input { root = opening.event.previousRoot }
        return try take(input.command(root: root, isProofWellFormed: true), recorded)
    }

    /// Takes in what the deadlines give, and the seal, of which the state root must be the stored.
    mutating func finish(_ recorded: ArraySlice<LoggedEntry>) throws(WhatIfError) -> Int {
        var count = 0
        // Batch 0 has no deadlines.
        if state.height.rawValue > 0 { count = try take(.closeDue, recorded) }
        let rest = recorded.dropFirst(count)
        guard case .batchSealed(let sealed)? = rest.first?.event else {
            throw .control(
                entry: state.size, EventType.batchSealed.jsonName,
                rest.first?.event.kind ?? "the end of the log")
        }
        count += try take(.seal(size: state.size, root: sealed.root), rest)
        roots += 1
        return count
    }

    private mutating func take(
        _ command: Command, _ recorded: ArraySlice<LoggedEntry>
    ) throws(WhatIfError) -> Int {
        let expected: [Event]
        do throws(Refusal) { expected = try state.decide(command) } catch {
            throw .control(
                entry: state.size, "nothing: \(error)",
                recorded.first?.event.kind ?? "the end of the log")
        }
        var seeing = RunWatch()
        swap(&seeing, &watch)
        defer { swap(&seeing, &watch) }
        let taken: Int
        do throws(FoldError) {
            taken = try state.apply(expected) { place, event, state in
                guard place < recorded.count else { return nil }
                let entry = recorded[recorded.startIndex + place]
                guard entry.event == event else { return nil }
                seeing.see(event, state)
                return entry.entry
            }
        } catch { throw .control(entry: state.size, "an entry that can follow", "\(error)") }
        guard taken == expected.count else {
            throw Self.unlike(expected[taken], recorded.dropFirst(taken).first, at: state.size)
        }
        derived += UInt64(expected.count(where: \.isDerived))
        return taken
    }

    private static func unlike(
        _ expected: Event, _ found: LoggedEntry?, at entry: UInt64
    ) -> WhatIfError {
        guard let found else { return .control(entry: entry, expected.kind, "nothing") }
        guard case .batchSealed(let one) = expected, case .batchSealed(let other) = found.event
        else { return .control(entry: entry, expected.kind, found.event.kind) }
        return .control(
            entry: entry, "state root \(one.stateRoot.hex)", "state root \(other.stateRoot.hex)")
    }
}
