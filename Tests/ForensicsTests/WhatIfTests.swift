// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import TestSupport
import Testing

/// Other rules give what they would have given, and the ledger's own what is stored.
struct WhatIfTests {
    private func log(_ events: [Event]) throws -> EventLog {
        let shelf = Shelf()
        try shelf.write(events, to: "/a")
        return try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
    }

    /// Ten validators, of whom seven decide; a request on which these vote, in its own batch.
    private func ledger(
        approve: Range<Int>, reject: Range<Int> = 0..<0, later: Range<Int> = 0..<0,
        after seconds: UInt64 = 1
    ) throws -> LedgerScenario {
        var scenario = try LedgerScenario(.of(10, 7))
        try scenario.open()
        let request = try scenario.submit()
        try scenario.approve(approve, request)
        try scenario.reject(reject, request)
        try scenario.next(after: seconds * 1_000)
        try scenario.approve(later, request)
        try scenario.next(after: 40_000)
        try scenario.seal()
        return scenario
    }

    private func run(
        _ scenario: LedgerScenario, _ change: (inout Hypothesis) throws -> Void
    ) throws -> WhatIf {
        var hypothesis = Hypothesis()
        try change(&hypothesis)
        return try WhatIf.run(hypothesis, in: try log(scenario.log))
    }

    /// The control of the control: nothing assumed gives the stored ledger twice.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `nothing otherwise gives nothing otherwise`(_ seed: UInt64) throws {
        let scenario = try GoldenRun.play(seed: seed, batches: 60)
        let answer = try run(scenario) { _ in }
        #expect(answer.flipCount == 0, "seed \(seed)")
        #expect(answer.outcomes.own == answer.outcomes.assumed)
        #expect(answer.control.stateRoots == UInt64(scenario.seals.count))
        #expect(answer.entries == scenario.state.size)
        #expect(answer.proposersMoved == 0 && answer.leadersMoved == 0)
        for row in answer.validators {
            #expect(row.reputation.own == row.reputation.assumed, "seed \(seed), \(row.name)")
            #expect(row.proposed.own == row.proposed.assumed)
            #expect(row.led.own == row.led.assumed)
        }
        for (place, row) in answer.validators.enumerated() {
            #expect(row.reputation.own == scenario.reputation(place))
        }
    }

    /// The other rules, as a ledger that was made by them has them.
    @Test func `a threshold is that of a ledger with it`() throws {
        for threshold in 7...10 as ClosedRange<UInt32> {
            let answer = try run(try ledger(approve: 0..<8)) { $0.threshold = threshold }
            var setup = Setup.of(10, threshold)
            setup.threshold = threshold
            var other = try LedgerScenario(setup)
            try other.open()
            let request = try other.submit()
            try other.approve(0..<8, request)
            try other.next(after: 1_000)
            try other.next(after: 40_000)
            try other.seal()
            let decision = try #require(other.decision(request))
            #expect(answer.flipCount == (threshold > 8 ? 1 : 0))
            if let flip = answer.flips.first {
                #expect(flip.own.outcome == "approved" && flip.own.margin == 0)
                #expect(flip.assumed.outcome == decision.outcome.jsonName)
                #expect(flip.assumed.margin == decision.margin)
            }
            for (place, row) in answer.validators.enumerated() {
                #expect(row.reputation.assumed == other.reputation(place), "\(threshold), \(place)")
            }
        }
    }

    @Test func `without those whose votes decided, nothing is approved`() throws {
        let scenario = try ledger(approve: 0..<7)
        let answer = try run(scenario) { $0.absent = [Fixture.name(3)] }
        #expect(answer.flips.map(\.own.outcome) == ["approved"])
        #expect(answer.flips.map(\.assumed.outcome) == ["timedOut"])
        #expect(answer.validators[3].reputation.assumed == nil)
        #expect(answer.validators[3].proposed.assumed == 0)
        // The twin: one who did not vote is not missed.
        let twin = try run(scenario) { $0.absent = [Fixture.name(8)] }
        #expect(twin.flipCount == 0)
        #expect(twin.limits.allSatisfy { !$0.contains("ended") })
    }

    @Test func `a change of one who never was is left out, and those after it are not`() throws {
        var scenario = try ledger(approve: 0..<7)
        try scenario.open()
        for validator: UInt16 in [9, 8] {
            try scenario.send(
                .governance(
                    scenario.change(
                        .stakeChanged(key: Fixture.key(validator).publicKey, stake: Stake(7)))))
        }
        try scenario.seal()
        let answer = try run(scenario) { $0.absent = [Fixture.name(9)] }
        #expect(answer.notTaken.isEmpty && answer.flipCount == 0)
    }

    @Test func `with too few left the ledger would have ended`() throws {
        let answer = try run(try ledger(approve: 0..<7)) {
            $0.absent = (0..<4).map { Fixture.name(UInt16($0)) }
        }
        #expect(answer.limits.contains { $0.contains("ended before batch 1") })
        #expect(answer.flips.map(\.assumed.reason) == ["ledgerEnded"])
    }

    @Test func `a shorter time leaves out votes, and a longer one waits`() throws {
        let scenario = try ledger(approve: 0..<6, later: 6..<7, after: 25)
        let answer = try run(scenario) { try $0.set(timeout: "20") }
        // A vote in the very batch that reaches the deadline still counts.
        #expect(answer.flipCount == 0)
        var slow = try LedgerScenario(.of(10, 7))
        try slow.open()
        let request = try slow.submit()
        try slow.approve(0..<6, request)
        try slow.next(after: 21_000)
        try slow.next(after: 4_000)
        try slow.cast(6, .approve, on: request)
        try slow.next(after: 40_000)
        try slow.seal()
        let shorter = try run(slow) { try $0.set(timeout: "20.000") }
        #expect(shorter.flips.map(\.assumed.outcome) == ["timedOut"])
        #expect(shorter.notTaken.map(\.reason) == ["roundClosed"])
        let longer = try run(slow) { try $0.set(timeout: "86400") }
        #expect(longer.flipCount == 0)
        #expect(longer.limits.contains { $0.contains("old deadlines") })
        let waiting = try run(try ledger(approve: 0..<3)) { try $0.set(timeout: "86400") }
        #expect(waiting.outcomes.own.timedOut == 1)
        #expect(waiting.outcomes.assumed.open == 1)
    }

    @Test func `penalties and decay move reputations as they say`() throws {
        var scenario = try ledger(approve: 0..<7)
        try scenario.open(after: 86_400_000)
        try scenario.seal()
        let answer = try run(scenario) {
            try $0.set(penalty: "missed=-10")
            try $0.set(penalty: "bonus=0")
            try $0.set(decay: 20)
        }
        let voted = answer.validators[0].reputation
        let silent = answer.validators[9].reputation
        // 1,015 points less 0.1 %, and 1,010 less 0.2 %; 970, and 990.
        #expect(voted.own == 1_015_000 * 9_990 / 10_000)
        #expect(voted.assumed == 1_010_000 * 9_980 / 10_000)
        #expect(silent.own == 970_000 * 9_990 / 10_000)
        #expect(silent.assumed == 990_000 * 9_980 / 10_000)
        #expect(answer.flipCount == 0)
    }

    @Test func `weights move leaders as the rule has them`() throws {
        var setup = Setup.of(6, 5)
        setup.stakes = [1, 1, 1, 1, 1, 1_000_000]
        var scenario = try LedgerScenario(setup)
        for _ in 0..<40 {
            try scenario.open()
            try scenario.seal()
        }
        let answer = try run(scenario) { try $0.set(weights: "0,1") }
        #expect(answer.proposersMoved > 0)
        #expect(answer.validators[5].proposed.own > 30)
        #expect(answer.validators[5].proposed.assumed < 20)
        #expect(answer.assumed.count == 1)
    }

    @Test func `the votes that turn a decision are the fewest, and enough`() throws {
        // An approval by 9 of 7 falls with three of them; a rejection by 5 of 10 needs four more.
        let approved = try run(try ledger(approve: 0..<9)) { $0.scale.decay = 11 }
        #expect(approved.nearest.map(\.own.votesToFlip) == [3])
        let rejected = try run(try ledger(approve: 0..<3, reject: 3..<8)) { $0.scale.decay = 11 }
        #expect(rejected.nearest.map(\.own.votesToFlip) == [4])
        let silent = try run(try ledger(approve: 0..<6)) { $0.scale.decay = 11 }
        #expect(silent.nearest.map(\.own.votesToFlip) == [1])
        #expect(silent.byVotesToFlip.map(\.votes) == [1])
    }

    @Test func `a decision is inevitable after the vote or batch that made it so`() throws {
        let scenario = try ledger(approve: 0..<9)
        let votes = scenario.log.indices.filter { scenario.log[$0].tag == 3 }
        let approved = try run(scenario) { $0.scale.decay = 11 }
        #expect(approved.nearest.map(\.own.inevitable) == [UInt64(votes[6])])
        let timedOut = try ledger(approve: 0..<2)
        let answer = try run(timedOut) { $0.scale.decay = 11 }
        let batch = try #require(timedOut.log.lastIndex { $0.tag == 1 })
        #expect(answer.nearest.map(\.own.inevitable) == [UInt64(batch)])
    }

    @Test func `a payment that only the other rules order is taken for made`() throws {
        var setup = Setup.of(10, 7)
        setup.parameters.unclosedMax = 3
        var scenario = try LedgerScenario(setup)
        for _ in 0..<6 {
            try scenario.open(after: 31_000)
            try scenario.approve(0..<6, try scenario.submit())
            try scenario.seal()
        }
        // Payments that nobody reports would fill the ledger, which has room for three.
        let answer = try run(scenario) { $0.threshold = 6 }
        #expect(answer.flips.map(\.assumed.outcome) == Array(repeating: "approved", count: 6))
        #expect(answer.notTaken.isEmpty)
        #expect(answer.limits.contains { $0.contains("need not share an honest validator") })
    }

    @Test func `a ledger that is not what its rules give is no ground`() throws {
        var events = try ledger(approve: 0..<7).log
        let place = try #require(events.firstIndex { $0.kind == "outcomeDecided" })
        guard case .outcomeDecided(var decided) = events[place] else { return }
        decided.margin += 1
        events[place] = .outcomeDecided(decided)
        var hypothesis = Hypothesis()
        hypothesis.threshold = 8
        do {
            _ = try WhatIf.run(hypothesis, in: try log(events))
            Issue.record("a changed event was not found")
        } catch WhatIfError.control(let entry, _, _) {
            #expect(entry == UInt64(place))
        }
    }

    @Test func `a state root that is not the stored one is no ground`() throws {
        var events = try ledger(approve: 0..<7).log
        let place = try #require(events.lastIndex { $0.kind == "batchSealed" })
        guard case .batchSealed(var sealed) = events[place] else { return }
        sealed.components[1] = Digest(hashing: [1])
        events[place] = .batchSealed(sealed)
        #expect(throws: WhatIfError.self) {
            try WhatIf.run(Hypothesis(), in: try log(events))
        }
    }

    @Test func `a batch without its seal is left out, and said`() throws {
        let events = try ledger(approve: 0..<7).log
        let end = try #require(events.lastIndex { $0.tag == 1 })
        let answer = try WhatIf.run(Hypothesis(), in: try log(Array(events[...end])))
        #expect(answer.entries == UInt64(end))
        #expect(answer.limits.contains { $0.contains("not sealed") })
    }

    @Test func `an empty log, nobody's name and a threshold out of range are refused`() throws {
        #expect(throws: WhatIfError.self) { try WhatIf.run(Hypothesis(), in: try log([])) }
        let scenario = try ledger(approve: 0..<7)
        #expect(throws: WhatIfError.self) { try run(scenario) { $0.absent = ["nobody"] } }
        for threshold: UInt32 in [0, 11] {
            #expect(throws: WhatIfError.self) { try run(scenario) { $0.threshold = threshold } }
        }
    }

    @Test func `words that are no numbers of their field are refused with its name`() {
        var hypothesis = Hypothesis()
        for text in [
            "missed", "missed=", "missed=x", "late=-1", "missed=100001", "=1", "bonus=1=2",
        ] {
            #expect(throws: HypothesisError.self, "\(text)") { try hypothesis.set(penalty: text) }
        }
        for text in ["0.5", "0.5,0.6", "1,0,0", "0.5,", ".5,.5", "-1,2", "0.1234567,0.8765433"] {
            #expect(throws: HypothesisError.self, "\(text)") { try hypothesis.set(weights: text) }
        }
        for text in ["0", "-1", "x", "1.2345", "86400.001", "", "99999999999999999999"] {
            #expect(throws: HypothesisError.self, "\(text)") { try hypothesis.set(timeout: text) }
        }
        #expect(throws: HypothesisError.self) { try hypothesis.set(decay: 10_001) }
        #expect(hypothesis.isEmpty)
    }

    /// Whatever is assumed of whatever ledger, it neither traps nor invents validators.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `anything may be assumed`(_ seed: UInt64) throws {
        let scenario = try GoldenRun.play(seed: seed, batches: 40)
        let log = try log(scenario.log)
        var random = SplitMix64(seed: seed)
        for _ in 0..<6 {
            var hypothesis = Hypothesis()
            if Bool.random(using: &random) {
                hypothesis.threshold = UInt32.random(in: 1...4, using: &random)
            }
            if Bool.random(using: &random) {
                hypothesis.absent = [Fixture.name(UInt16.random(in: 0...1, using: &random))]
            }
            if Bool.random(using: &random) {
                hypothesis.verificationMilliseconds = UInt64.random(in: 1...90_000, using: &random)
            }
            if Bool.random(using: &random) {
                hypothesis.stakeWeight = UInt32.random(in: 0...1_000_000, using: &random)
            }
            hypothesis.scale.missed = Int64.random(in: -100_000...100_000, using: &random)
            let answer = try WhatIf.run(hypothesis, in: log)
            let (own, other) = (answer.outcomes.own, answer.outcomes.assumed)
            #expect(
                own.approved + own.rejected + own.timedOut + own.open + own.refused
                    == other.approved + other.rejected + other.timedOut + other.open
                    + other.refused, "seed \(seed), \(hypothesis)")
            #expect(answer.validators.map(\.name) == scenario.state.validators.map(\.name))
        }
    }
}
