// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("outcomes and what they cost")
struct OutcomeTests {
    private static let sayings: [Vote?] = [.approve, .reject, .abstain, nil]

    private func compare(
        _ round: NaiveRound, _ open: LedgerScenario, _ request: RequestID
    ) throws -> Bool {
        let played = try play(round, in: open, on: request)
        guard let decided = played.decision(request) else { return false }
        let expected = round.ending
        let counted = round.ballots.prefix(expected.ballots ?? round.ballots.count)
        let approvals = counted.filter { $0.vote == .approve }.count
        let parameters = open.state.parameters
        let reputations = round.reputations(
            from: 1_000_000, low: Int(parameters.reputationMin.rawValue),
            high: Int(parameters.reputationMax.rawValue))
        return decided.outcome == expected.outcome && decided.reason == expected.reason
            && Int(decided.approvals) == approvals
            && Int(decided.rejections) == counted.filter { $0.vote == .reject }.count
            && Int(decided.abstentions) == counted.filter { $0.vote == .abstain }.count
            && Int(decided.margin) == approvals - round.threshold
            && reputations.enumerated().allSatisfy { played.reputation($0) == UInt64($1) }
            && played.state.openRounds.isEmpty
    }

    @Test(
        "every combination of votes of four validators in every order is decided as by hand",
        arguments: [3, 4])
    func fourValidators(threshold: UInt32) throws {
        var scenario = try LedgerScenario(.of(4, threshold, signs: false))
        try scenario.open()
        let request = try scenario.submit()
        var wrong = 0
        for number in 0..<256 {
            let said = (0..<4).map { Self.sayings[number >> (2 * $0) & 3] }
            let ballots = said.enumerated().compactMap { validator, vote in
                vote.map { (validator: validator, vote: $0) }
            }
            for order in permutations(ballots) {
                let round = NaiveRound(count: 4, threshold: Int(threshold), ballots: order)
                if try !compare(round, scenario, request) { wrong += 1 }
            }
        }
        #expect(wrong == 0)
    }

    @Test(
        "every tally of 1, 4, 7 and 10 validators in several orders is decided as by hand",
        arguments: [(1, 1), (4, 3), (7, 5), (10, 7), (10, 10)])
    func everyTally(count: Int, threshold: Int) throws {
        var scenario = try LedgerScenario(.of(count, UInt32(threshold), signs: false))
        try scenario.open()
        let request = try scenario.submit()
        var wrong: [[Int]] = []
        for approvals in 0...count {
            for rejections in 0...(count - approvals) {
                for abstentions in 0...(count - approvals - rejections) {
                    let votes: [[Vote]] = [
                        Array(repeating: .approve, count: approvals),
                        Array(repeating: .reject, count: rejections),
                        Array(repeating: .abstain, count: abstentions),
                    ]
                    for order in permutations([0, 1, 2]) {
                        let ballots = order.flatMap { votes[$0] }.enumerated().map {
                            (validator: count - 1 - $0, vote: $1)
                        }
                        let round = NaiveRound(
                            count: count, threshold: threshold, ballots: ballots)
                        if try !compare(round, scenario, request) {
                            wrong.append([approvals, rejections, abstentions] + order)
                        }
                    }
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test(
        "reputation is clamped after every change, at both bounds, and the change still shows",
        arguments: [(995_000, 1_005_000), (1_000_000, 1_000_000), (970_000, 1_012_000)])
    func clamping(low: UInt64, high: UInt64) throws {
        var setup = Setup.of(4, 3, signs: false)
        setup.parameters.reputationMin = Reputation(low)
        setup.parameters.reputationMax = Reputation(high)
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        let request = try scenario.submit()
        for number in 0..<256 {
            let ballots = (0..<4).compactMap { validator in
                Self.sayings[number >> (2 * validator) & 3].map { (validator: validator, vote: $0) }
            }
            let round = NaiveRound(count: 4, threshold: 3, ballots: ballots)
            #expect(try compare(round, scenario, request))
        }
        let missed = try play(
            NaiveRound(count: 4, threshold: 3, ballots: []), in: scenario, on: request)
        let changes = missed.log.filter { $0.kind == "reputationChanged" }
        #expect(changes.count == 4)
    }

    @Test("a threshold of seven in ten: six approve nothing, the seventh approves")
    func bothSidesOfTheThreshold() throws {
        var scenario = try LedgerScenario(.of(10, 7))
        try scenario.open()
        let approved = try scenario.submit()
        let rejected = try scenario.submit()
        try scenario.approve(0..<6, approved)
        #expect(scenario.decision(approved) == nil)
        try scenario.cast(6, .approve, on: approved)
        #expect(scenario.decision(approved)?.margin == 0)
        try scenario.reject(0..<3, rejected)
        #expect(scenario.decision(rejected) == nil)
        try scenario.cast(3, .abstain, on: rejected)
        #expect(scenario.decision(rejected)?.reason == .approvalOutOfReach)
    }

    @Test("a deadline closes a round at the batch time that equals it, not one millisecond before")
    func deadlineIsInclusive() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.next(after: 29_999)
        try scenario.seal()
        #expect(scenario.decision(request) == nil)
        try scenario.open(after: 1)
        try scenario.approve(0..<3, request)
        #expect(scenario.decision(request)?.outcome == .approved)
        try scenario.seal()
        #expect(scenario.state.openRounds.isEmpty)
        #expect(scenario.reputation(3) == 970_000)
        #expect(scenario.reputation(0) == 1_015_000)
    }

    @Test("a late vote earns the ten and not the five, and changes no outcome")
    func lateVotes() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let request = try scenario.submit()
        try scenario.approve(0..<3, request)
        let decision = scenario.decision(request)
        try scenario.next()
        try scenario.cast(3, .approve, on: request)
        #expect(scenario.decision(request) == decision)
        #expect(
            (0..<4).map { scenario.reputation($0) } == [1_015_000, 1_015_000, 1_015_000, 1_010_000])
    }

    @Test("rejections that came after the decision prove who was right, counted at the close")
    func provingRejectionsAtTheClose() throws {
        var scenario = try LedgerScenario(.of(10, 7))
        try scenario.open()
        let request = try scenario.submit()
        try scenario.reject(0..<3, request)
        try scenario.cast(3, .abstain, on: request)
        #expect(scenario.decision(request)?.outcome == .rejected)
        try scenario.cast(4, .reject, on: request)
        try scenario.cast(5, .approve, on: request)
        try scenario.next(after: 30_000)
        try scenario.seal()
        #expect(
            (0..<7).map { scenario.reputation($0) }
                == [1_015_000, 1_015_000, 1_015_000, 1_000_000, 1_010_000, 950_000, 970_000])
    }

    @Test(
        "a round lost to a conflicting nullifier moves no reputation, not even for a missing vote")
    func conflictCostsNothing() throws {
        var scenario = try LedgerScenario()
        try scenario.open()
        let winner = try scenario.submit(nullifier: 5)
        let loser = try scenario.submit(nullifier: 5)
        try scenario.cast(0, .approve, on: loser)
        try scenario.cast(1, .reject, on: loser)
        try scenario.approve(0..<3, winner)
        #expect((0..<4).allSatisfy { scenario.reputation($0) == 1_000_000 })
        #expect(scenario.decision(loser)?.reason == .nullifierSpent)
        try scenario.next(after: 30_000)
        try scenario.seal()
        #expect(
            (0..<4).map { scenario.reputation($0) } == [1_015_000, 1_015_000, 1_015_000, 970_000])
    }
}
