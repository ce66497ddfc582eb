// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import TestSupport
import Testing

/// Who voted otherwise than the rest, and who does so together.
struct DisagreementTests {
    private func log(_ events: [Event]) throws -> EventLog {
        let shelf = Shelf()
        try shelf.write(events, to: "/a")
        return try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
    }

    /// Ten validators and so many rounds, in each of which `rejects` says who rejects.
    private func rounds(
        _ count: Int, rejects: (Int) -> Set<Int>, abstains: (Int) -> Set<Int> = { _ in [] }
    ) throws -> LedgerScenario {
        var scenario = try LedgerScenario(.of(10, 7, signs: false))
        for round in 0..<count {
            try scenario.open()
            let request = try scenario.submit()
            for validator in 0..<10 {
                let vote: Vote =
                    rejects(round).contains(validator)
                    ? .reject : abstains(round).contains(validator) ? .abstain : .approve
                let reason: VoteReason = vote == .reject ? .proofFails : .proofHolds
                let message = scenario.vote(validator, vote, on: request, reason: reason)
                try scenario.send(.vote(message))
            }
            try scenario.seal()
        }
        return scenario
    }

    @Test func `where all say the same there is no disagreement`() throws {
        let answer = try Disagreements.of(try log(try rounds(5) { _ in [] }.log))
        #expect(answer.rounds == 5)
        #expect(answer.disagreements == 0 && answer.list.isEmpty && !answer.isFound)
    }

    @Test func `a disagreement tells the sides, reasons and who is against the rest`() throws {
        let scenario = try rounds(3) { $0 == 1 ? [4] : [] }
        let answer = try Disagreements.of(try log(scenario.log))
        #expect(answer.disagreements == 1 && answer.isFound)
        let item = try #require(answer.list.first)
        #expect(item.outcome == "approved" && item.matter == "request")
        #expect(item.mostSaid == "approve" && item.circuit == "withdraw")
        #expect(item.sides.map(\.said) == ["approve", "reject"])
        #expect(item.sides[1].validators == [Fixture.name(4)])
        #expect(item.sides[1].reasons == ["proofFails"])
        #expect(item.sides[0].validators.count == 9)
    }

    @Test func `two sides of one size are against nobody`() throws {
        let answer = try Disagreements.of(
            try log(try rounds(1) { _ in [0, 1, 2, 3, 4] }.log), by: .validator)
        #expect(answer.list.first?.mostSaid == nil)
        #expect(answer.groups.allSatisfy { $0.against == 0 })
        #expect(answer.disagreements == 1)
    }

    @Test func `groups count rounds, votes and those against the rest`() throws {
        let log = try log(try rounds(6) { $0 < 2 ? [4] : $0 == 2 ? [4, 5] : [] }.log)
        let list = try Disagreements.of(log).list
        #expect(list.map(\.sides.last?.validators.count) == [1, 1, 2])
        #expect(list.map(\.entry) == list.map(\.entry).sorted())
        let validators = try Disagreements.of(log, by: .validator).groups
        #expect(validators.map(\.name).prefix(2) == [Fixture.name(4), Fixture.name(5)])
        #expect(validators.prefix(3).map(\.against) == [3, 1, 0])
        #expect(validators.allSatisfy { $0.rounds == 6 && $0.disagreements == 3 })
        let reasons = try Disagreements.of(log, by: .reason).groups
        #expect(reasons.map(\.name) == ["proofFails", "proofHolds"])
        #expect(reasons.map(\.votes) == [4, 56] && reasons.map(\.against) == [4, 0])
        let circuits = try Disagreements.of(log, by: .circuit).groups
        #expect(circuits.map(\.name) == ["withdraw"] && circuits[0].rounds == 6)
        let days = try Disagreements.of(log, by: .day).groups
        #expect(days.map(\.name) == ["2026-03-01"] && days[0].against == 4)
        let versions = try Disagreements.of(log, by: .version).groups
        #expect(versions.map(\.name) == ["not announced"])
    }

    @Test func `what a voter announced groups and filters`() throws {
        var scenario = try rounds(1) { _ in [4] }
        try scenario.open()
        try scenario.send(.announcement(scenario.announcement(4, 1) { $0.program = "0.9" }))
        let request = try scenario.submit()
        for validator in 0..<10 {
            try scenario.cast(validator, validator == 4 ? .reject : .approve, on: request)
        }
        try scenario.seal()
        let log = try log(scenario.log)
        let groups = try Disagreements.of(log, by: .version).groups
        #expect(Set(groups.map(\.name)) == ["0.9", "not announced"])
        var filter = DisagreementFilter()
        filter.version = "0.9"
        #expect(try Disagreements.of(log, filter).disagreements == 1)
        filter.version = "1.0"
        #expect(try Disagreements.of(log, filter).disagreements == 0)
    }

    @Test func `filters keep what they name, and refuse what nothing is called`() throws {
        let log = try log(try rounds(6) { $0 < 2 ? [4] : $0 == 2 ? [5] : [] }.log)
        func count(_ change: (inout DisagreementFilter) -> Void) throws -> UInt64 {
            var filter = DisagreementFilter()
            change(&filter)
            return try Disagreements.of(log, filter).disagreements
        }
        #expect(try count { $0.validator = Fixture.name(4) } == 2)
        #expect(try count { $0.validator = "5" } == 1)
        #expect(try count { $0.validator = Fixture.name(6) } == 0)
        #expect(try count { $0.reason = .proofFails } == 3)
        #expect(try count { $0.reason = .outOfTime } == 0)
        #expect(try count { $0.circuit = "withdraw" } == 3)
        let start = Setup().start
        #expect(try count { $0.since = start.adding(milliseconds: 2_000) } == 2)
        #expect(try count { $0.until = start.adding(milliseconds: 2_000) } == 2)
        #expect(throws: DisagreementError.self) { try count { $0.circuit = "other" } }
        #expect(throws: DisagreementError.self) { try count { $0.validator = "nobody" } }
        #expect(throws: DisagreementError.self) { try Disagreements.of(try self.log([])) }
    }

    @Test func `a job's results are sides too`() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        let job = scenario.job()
        try scenario.send(.job(job))
        try scenario.next()
        let id = job.id(in: scenario.ledger)
        let entry = try #require(scenario.state.entry(of: id))
        let drawn = try #require(scenario.state.job(at: entry)?.assigned?.validators)
        for (place, validator) in drawn.enumerated() {
            try scenario.send(
                .result(scenario.result(validator, id, output: place == 2 ? 8 : 9)))
        }
        try scenario.seal()
        let item = try #require(try Disagreements.of(try log(scenario.log)).list.first)
        #expect(item.matter == "job" && item.outcome == "agreed" && item.circuit == nil)
        #expect(item.sides.map(\.validators.count) == [2, 1])
        #expect(item.sides[1].validators == [Fixture.name(drawn[2].rawValue)])
    }

    @Test func `two who are against the rest together are found, and their twins are not`() throws {
        // Both reject in the same 12 of 60 rounds; of the twins each in 12 others.
        let together = try rounds(60) { $0 % 5 == 0 ? [7, 8] : [] }
        let found = try Disagreements.of(try log(together.log), by: .pair)
        #expect(found.pairs.map(\.validators) == [[Fixture.name(7), Fixture.name(8)]])
        let pair = try #require(found.pairs.first)
        #expect(pair.rounds == 60 && pair.together == 12)
        #expect(pair.firstAgainst == 12 && pair.secondAgainst == 12)
        #expect(pair.expectedThousandths == 2_400)
        #expect(pair.isFound && found.isFound && found.pairsJudged == 1)
        // One in C(60, 12) = 1,399,358,844,975.
        #expect(pair.oneIn == 1_399_358_844_975 || pair.oneIn == 1_399_358_844_974)
        let apart = try rounds(60) { $0 % 5 == 0 ? [7] : $0 % 5 == 1 ? [8] : [] }
        let nothing = try Disagreements.of(try log(apart.log), by: .pair)
        #expect(nothing.pairs.isEmpty && !nothing.isFound && nothing.pairsJudged == 1)
        #expect(nothing.disagreements == 24)
    }

    @Test func `who is against the rest by chance is told and not found`() throws {
        // Each rejects in half of the rounds; a quarter they share.
        let scenario = try rounds(80) { round in
            Set((round % 2 == 0 ? [7] : []) + (round / 2 % 2 == 0 ? [8] : []))
        }
        let answer = try Disagreements.of(try log(scenario.log), by: .pair)
        #expect(answer.pairs.map(\.together) == [20])
        #expect(answer.pairs.map(\.isFound) == [false])
        #expect(answer.pairs.map(\.expectedThousandths) == [20_000])
        #expect(answer.limits.contains { $0.contains("does not show") })
    }

    @Test func `too few rounds together are not told`() throws {
        let scenario = try rounds(200) { $0 < 4 ? [7, 8] : [] }
        let answer = try Disagreements.of(try log(scenario.log), by: .pair)
        #expect(answer.pairs.isEmpty && answer.pairsJudged == 0)
        let enough = try rounds(200) { $0 < 5 ? [7, 8] : [] }
        #expect(try Disagreements.of(try log(enough.log), by: .pair).pairs.count == 1)
    }

    @Test func `different votes against the rest are not together`() throws {
        let scenario = try rounds(
            60, rejects: { $0 % 5 == 0 ? [7] : [] }, abstains: { $0 % 5 == 0 ? [8] : [] })
        let answer = try Disagreements.of(try log(scenario.log), by: .pair)
        #expect(answer.pairs.isEmpty && answer.pairsJudged == 1)
    }

    @Test func `a correction for more pairs makes each rarer case common`() throws {
        // The same pair, and eight who are each against the rest in rounds of their own.
        let scenario = try rounds(100) { round in
            round % 20 == 0 ? [0, 1] : round % 20 < 9 ? [round % 20 + 1] : []
        }
        let answer = try Disagreements.of(try log(scenario.log), by: .pair)
        let pair = try #require(answer.pairs.first)
        #expect(answer.pairsJudged == 45)
        #expect(pair.oneIn / 45 == pair.oneInOfAll)
    }

    /// Every table with up to fourteen rounds, against sums of binomials.
    @Test func `chance is the exact test`() {
        func choose(_ count: UInt64, _ of: UInt64) -> UInt64 {
            guard of <= count else { return 0 }
            return (0..<of).reduce(UInt64(1)) { $0 * (count - $1) / ($1 + 1) }
        }
        for rounds in 1...14 as ClosedRange<UInt64> {
            for first in 0...rounds {
                for second in 0...rounds {
                    let low = first + second > rounds ? first + second - rounds : 0
                    let weights = (0...min(first, second)).map { k in
                        k < low ? 0 : choose(first, k) * choose(rounds - first, second - k)
                    }
                    for together in weights.indices {
                        let tail = weights[together...].reduce(0, +)
                        let exact = UInt128(weights.reduce(0, +) / max(1, tail))
                        let bound = ChanceTail.oneIn(
                            rounds: rounds, first: first, second: second,
                            together: UInt64(together))
                        #expect(
                            bound <= exact && bound + 1 >= exact,
                            "\(rounds) \(first) \(second) \(together): \(bound), not \(exact)")
                    }
                }
            }
        }
    }

    @Test func `large numbers of rounds neither trap nor overflow`() {
        let most = ChanceTail.roundsMax
        #expect(ChanceTail.oneIn(rounds: most, first: most, second: most, together: most) == 1)
        #expect(ChanceTail.oneIn(rounds: 0, first: 0, second: 0, together: 0) == 1)
        let half = ChanceTail.oneIn(
            rounds: most, first: most / 2, second: most / 2, together: most / 4)
        #expect((1...2).contains(half))
        let rare = ChanceTail.oneIn(
            rounds: 1_000_000, first: 1_000, second: 1_000, together: 1_000)
        #expect(rare > UInt128(UInt64.max))
    }
}
