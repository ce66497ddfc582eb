// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport
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

    /// Whoever makes an excerpt says what its records are, and no tree says otherwise before its
    /// answer is believed.
    @Test(arguments: [3, 9])
    func recordsThatFitNothingStopNothing(_ seed: UInt64) throws {
        let scenario = try GoldenRun.play(seed: seed, signs: false)
        let components = scenario.state.componentRoots()
        let opening = Command.openBatch(
            Checked(
                unchecked: scenario.opening(at: scenario.state.time.adding(milliseconds: 1))),
            root: scenario.frontier.root)
        var random = SplitMix64(seed: seed)
        var taken = 0
        for event in scenario.log where !event.isDerived && event.tag > 1 {
            let excerpt = scenario.state.excerpt(for: [event])
            for _ in 0..<8 {
                guard let records = Self.changed(excerpt.records, &random) else { continue }
                let other = StateExcerpt(
                    fixed: excerpt.fixed, trees: excerpt.trees, records: records)
                do {
                    var state = try LedgerState(other, components: components)
                    _ = try state.run(opening)
                    guard let command = try state.input(of: event)?.command(root: .zero) else {
                        continue
                    }
                    taken += 1
                    _ = Result { () throws(Refusal) in try state.run(command) }
                    _ = try state.run(.closeDue)
                } catch is SnapshotError {} catch is Refusal {} catch is FoldError {}
            }
        }
        #expect(taken > 100, "\(taken)")
    }

    /// Records of which one is cut, changed, there twice, gone, or that of another entry.
    private static func changed(
        _ records: [[[UInt8]]], _ random: inout SplitMix64
    ) -> [[[UInt8]]]? {
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        var records = records
        let filled = records.indices.filter { !records[$0].isEmpty }
        guard let component = filled.randomElement(using: &random) else { return nil }
        let place = below(records[component].count)
        let record = records[component][place]
        switch below(5) {
        case 0: records[component][place] = Array(record.prefix(1 + below(record.count)))
        case 1: records[component][place][below(record.count)] ^= UInt8(1 << below(8))
        case 2: records[component].insert(record, at: place)
        case 3: records[component].remove(at: place)
        default: records[component][place] = record + random.bytes(1 + below(8))
        }
        return records
    }

    /// The record of a close that has fewer votes than that of the decision has voters.
    @Test func votesThatAreFewerThanVotersStopNothing() throws {
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        try scenario.open()
        let id = try scenario.submit()
        try scenario.approve(0..<4, id)
        try scenario.seal()
        let entry = try #require(scenario.state.entry(of: id))
        let late = Event.voteCast(
            VoteCast(
                request: entry, validator: ValidatorIndex(3), vote: .approve,
                reason: .proofHolds, timestamp: scenario.state.time, signature: .zero))
        let excerpt = scenario.state.excerpt(for: [late])
        var records = excerpt.records
        let place = try #require(records[1].firstIndex { $0.first == 73 })
        // Behind the event stands the number of votes, then two bytes of each.
        let record = records[1][place]
        records[1][place] = record[..<10] + [1, 0, 0, 0] + record[14..<16]
        var state = try LedgerState(
            StateExcerpt(fixed: excerpt.fixed, trees: excerpt.trees, records: records),
            components: scenario.state.componentRoots())
        let opening = scenario.opening(at: scenario.state.time.adding(milliseconds: 1))
        _ = try state.run(.openBatch(Checked(unchecked: opening), root: scenario.frontier.root))
        let command = try #require(try state.input(of: late)?.command(root: .zero))
        #expect(throws: Refusal.roundClosed) { try state.decide(command) }
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
