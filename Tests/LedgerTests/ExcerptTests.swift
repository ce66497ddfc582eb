// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

struct ExcerptTests {
    /// Requests, votes, jobs, payments, changes, evidence and what is refused, batch by batch.
    @Test(arguments: [1, 2, 3, 4])
    func excerptDerivesEachBatchAsTheWholeStateDoes(_ seed: Int) throws {
        let log = try GoldenRun.play(seed: UInt64(seed), signs: false).log
        var state = LedgerState()
        var frontier = MerkleFrontier()
        var batch: [Entry] = []
        var batches = 0
        for event in log {
            batch.append(Entry(event))
            guard event.tag == 76 else { continue }
            if state.size > 0 {
                try check(batch, on: state, frontier)
                batches += 1
            }
            for entry in batch {
                try state.apply(entry)
                frontier.append(leafHash: entry.leafHash)
            }
            batch = []
        }
        #expect(batches == 60)
    }

    private func check(
        _ batch: [Entry], on state: LedgerState, _ frontier: MerkleFrontier
    ) throws {
        let excerpt = state.excerpt(for: batch.map(\.event))
        #expect(try StateExcerpt(decoding: excerpt.encoded) == excerpt)
        let components = state.componentRoots()
        let part = try LedgerState(excerpt, components: components)
        #expect(part.componentRoots() == components)
        var run = BatchRun(state: part, frontier: frontier)
        try run.take(recorded: batch) { _, _, _ in true }
        guard case .batchSealed(let seal)? = batch.last?.event else { return }
        #expect(run.state.componentRoots() == seal.components, "batch \(seal.height.rawValue)")
    }

    /// What was taken once, handed in again at the end, is refused alike: each input of the log.
    @Test(arguments: [7, 8])
    func excerptRefusesWhatTheWholeStateRefuses(_ seed: Int) throws {
        let scenario = try GoldenRun.play(seed: UInt64(seed), signs: false)
        let opening = Command.openBatch(
            Checked(
                unchecked: scenario.opening(at: scenario.state.time.adding(milliseconds: 1))),
            root: scenario.frontier.root)
        let components = scenario.state.componentRoots()
        var whole = scenario.state
        _ = try whole.run(opening)
        var refusals: Set<Refusal> = []
        for event in scenario.log where !event.isDerived && event.tag > 1 {
            guard let command = try whole.input(of: event)?.command(root: .zero) else { continue }
            var part = try LedgerState(
                scenario.state.excerpt(for: [event]), components: components)
            _ = try part.run(opening)
            let expected = Result { () throws(Refusal) in try whole.decide(command) }
            let found = Result { () throws(Refusal) in try part.decide(command) }
            #expect(found == expected, "\(event.kind)")
            if case .failure(let refusal) = expected { refusals.insert(refusal) }
        }
        #expect(refusals.count > 4, "\(refusals)")
    }

    @Test func excerptOfAnotherStateIsRefused() throws {
        let scenario = try GoldenRun.play(seed: 5, batches: 8, signs: false)
        let excerpt = scenario.state.excerpt(for: [])
        for place in StateComponent.allCases.indices {
            var components = scenario.state.componentRoots()
            components[place] = .zero
            #expect(throws: SnapshotError.self) {
                try LedgerState(excerpt, components: components)
            }
        }
    }

    /// Numbers that no run gives, in the right encoding.
    @Test func stateThatNoRunGivesIsRefused() throws {
        // Without records, which nothing but their number vouches for.
        let scenario = try GoldenRun.play(
            seed: 6, batches: 8, signs: false, hasLists: false)
        let bytes = scenario.state.excerpt(for: []).encoded
        let components = scenario.state.componentRoots()
        var kinds: Set<String> = []
        for place in bytes.indices {
            var changed = bytes
            changed[place] = ~changed[place]
            do {
                _ = try LedgerState(StateExcerpt(decoding: changed), components: components)
                Issue.record("byte \(place) does not matter")
            } catch let error as SnapshotError {
                if case .malformed(let part) = error { kinds.insert(part) }
            } catch is DecodingError {
                continue
            }
        }
        #expect(kinds.contains("numbers"), "\(kinds)")
    }
}
