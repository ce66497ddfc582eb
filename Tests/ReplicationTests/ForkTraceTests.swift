// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Replication
import TestSupport
import Testing

private typealias History = ForkHistory

private let v = Digest(hashing: [10])
private let w = Digest(hashing: [11])

private func votes(
    _ kind: ConsensusKind, _ round: Int, _ value: Digest?, by numbers: [Int], resting: Int64 = -1
) -> [TracedStatement] {
    numbers.map { .vote(History.vote(kind, round, value, by: $0, resting: resting)) }
}

private func validators(_ numbers: [Int]) -> [ValidatorIndex] {
    numbers.map { ValidatorIndex(UInt16($0)) }
}

@Suite struct ForkTraceTests {
    /// v in round 0 by liars 0 to 3 and 4, 5, 6.
    private let first =
        votes(.prevote, 0, v, by: Array(0..<7)) + votes(.precommit, 0, v, by: Array(0..<7))

    @Test func oneDecisionIsNoForkAndConvictsNobody() {
        let trace = History.trace(first + votes(.precommit, 1, v, by: Array(3..<10)))
        #expect(trace.decisions.map(\.round) == [0, 1])
        #expect(!trace.isFork)
        #expect(trace.guilty.isEmpty)
    }

    @Test func doubleVotesOfOneRoundConvict() {
        let trace = History.trace(
            first + votes(.prevote, 0, w, by: [0, 1, 2, 3, 7, 8, 9])
                + votes(.precommit, 0, w, by: [0, 1, 2, 3, 7, 8, 9]))
        #expect(trace.isFork)
        #expect(trace.guilty.map(\.validator) == validators([0, 1, 2, 3]))
        for guilty in trace.guilty {
            #expect(guilty.offences.count == 2)
            let key = History.keys[guilty.validator]
            for offence in guilty.offences {
                let evidence = key.map { offence.evidence(against: $0) }
                #expect(evidence?.isSigned(in: History.ledger) == true)
            }
        }
    }

    @Test func doubleVotesConvictWithoutAForkToo() {
        let trace = History.trace(first + votes(.prevote, 0, nil, by: [2]))
        #expect(!trace.isFork)
        #expect(trace.guilty.map(\.validator) == validators([2]))
    }

    @Test func aProposalOfTheSameValueOnAnotherRoundConvicts() {
        let trace = History.trace([
            History.proposal(3, v, by: 5, resting: 1), History.proposal(3, v, by: 5, resting: 2),
            History.proposal(4, v, by: 6, resting: 2), History.proposal(5, w, by: 6, resting: 2),
        ])
        #expect(trace.guilty.map(\.validator) == validators([5]))
    }

    @Test(arguments: [Int64(-1), -2, .min, 0, 1, .max])
    func aLockThatWasForgottenConvictsByItsGround(ground: Int64) {
        let trace = History.trace(
            votes(.precommit, 1, v, by: Array(0..<7))
                + votes(.prevote, 3, w, by: [0, 1, 2, 3], resting: ground)
                + votes(.precommit, 3, w, by: [0, 1, 2, 3, 7, 8, 9]))
        #expect(trace.isFork)
        #expect(trace.guilty.map(\.validator) == (ground < 1 ? validators([0, 1, 2, 3]) : []))
        #expect(trace.guilty.allSatisfy { $0.offences.map(\.kind) == [.amnesia] })
    }

    @Test func anAmnesiaIsOfTwoValuesAndALaterRound() {
        let lock = History.vote(.precommit, 2, v, by: 0)
        func found(_ kind: ConsensusKind, _ round: Int, _ value: Digest?, _ ground: Int64) -> Bool {
            let vote = History.vote(kind, round, value, by: 0, resting: ground)
            return Offence(precommit: lock, prevote: vote) != nil
        }
        #expect(found(.prevote, 3, w, 1) && found(.prevote, 9, w, -1))
        #expect(!found(.prevote, 3, w, 2) && !found(.prevote, 3, v, -1))
        #expect(!found(.prevote, 3, nil, -1) && !found(.prevote, 2, w, 1))
        #expect(!found(.prevote, 1, w, -1) && !found(.precommit, 3, w, -1))
        let none = History.vote(.precommit, 2, nil, by: 0)
        #expect(Offence(precommit: none, prevote: History.vote(.prevote, 3, w, by: 0)) == nil)
    }

    @Test func anotherGroundForTheSameValueIsNoContradiction() {
        let trace = History.trace(
            votes(.prevote, 3, v, by: [0], resting: 1) + votes(.prevote, 3, v, by: [0], resting: 2))
        #expect(trace.guilty.isEmpty)
    }

    @Test func oneOffenceOfEachKindIsNamed() {
        let trace = History.trace(
            votes(.prevote, 0, v, by: [0]) + votes(.prevote, 0, w, by: [0])
                + votes(.prevote, 0, nil, by: [0]) + votes(.prevote, 1, w, by: [0])
                + votes(.prevote, 1, v, by: [0]) + votes(.precommit, 0, v, by: [0])
                + [History.proposal(0, v, by: 0), History.proposal(0, w, by: 0)])
        #expect(
            trace.guilty.map { $0.offences.map(\.kind) } == [[.proposal, .prevote, .amnesia]])
        let evidence = trace.evidence(keys: History.keys)
        #expect(evidence.count == 3)
        #expect(evidence.allSatisfy { $0.isSigned(in: History.ledger) })
    }

    @Test func aLeaderMayLetLocksGoByPrevotesThatTwoRoundsShare() {
        // Both values have T prevotes in round 0, so 7 may have locked either, and move on.
        let liars = [0, 1, 2, 3]
        let trace = History.trace(
            first + votes(.prevote, 0, w, by: liars + [7, 8, 9])
                + votes(.prevote, 1, w, by: [4, 5, 6, 7, 8, 9, 0], resting: 0)
                + votes(.precommit, 1, w, by: [4, 5, 6, 7, 8, 9, 0]))
        #expect(trace.isFork)
        #expect(trace.guilty.map(\.validator) == validators(liars))
    }

    @Test func forgedAndForeignStatementsCountForNothing() {
        var forged = History.vote(.precommit, 0, w, by: 4)
        forged.validator = ValidatorIndex(5)
        var stranger = History.vote(.precommit, 0, w, by: 4)
        stranger.validator = ValidatorIndex(77)
        var elsewhere = History.vote(.precommit, 0, w, by: 4)
        elsewhere.height = Height(6)
        let hostile: [TracedStatement] = [.vote(forged), .vote(stranger), .vote(elsewhere)]
        #expect(History.trace(first + hostile) == History.trace(first))
        #expect(History.trace(first).guilty.isEmpty)
        #expect(History.trace([]).decisions.isEmpty)
    }

    @Test func sixPrecommitsDecideNothingAndAVoterCountsOnce() {
        let six = votes(.precommit, 0, w, by: Array(0..<6))
        #expect(History.trace(six + six).decisions.isEmpty)
    }

    @Test func theOrderOfTheJournalsDoesNotMatter() {
        var random = SplitMix64(seed: 3)
        var history = History(seed: 8, liars: 5)
        history.run()
        let trace = History.trace(history.statements)
        for _ in 0..<5 {
            let shuffled = (history.statements + history.statements).shuffled(using: &random)
            #expect(History.trace(shuffled) == trace)
        }
    }

    /// What is given: the two certificates and two journals; or anything else that was said too.
    private func check(_ history: inout History, _ seed: UInt64) -> Bool {
        let fork = history.decided.count > 1
        let given = history.statements
        let trace = history.trace(given)
        let liars = history.liars
        func isFair(_ trace: ForkTrace) -> Bool {
            trace.guilty.allSatisfy { Int($0.validator.rawValue) < liars }
        }
        let label: Comment = "seed \(seed), \(liars) liars"
        #expect(trace.isFork == fork, label)
        #expect(isFair(trace), label)
        #expect(!fork || liars >= History.threshold || trace.guilty.count >= 4, label)
        // Whatever is withheld, and whatever is added.
        let all =
            history.honest.flatMap(\.journal) + history.lies
            + history.precommits.joined().map(TracedStatement.vote)
        let whole = history.trace(all)
        #expect(isFair(whole), label)
        #expect(!fork || liars >= History.threshold || whole.guilty.count >= 4, label)
        let part = all.shuffled(using: &history.random).prefix(all.count / 2)
        #expect(isFair(history.trace(Array(part))), label)
        return fork
    }

    /// How many forks are looked at, a third of them of each number of liars: `RECOUNT_FORKS`, such
    /// as 10,000, or a thousand.
    private static let forksWanted =
        ProcessInfo.processInfo.environment["RECOUNT_FORKS"].flatMap { Int($0) } ?? 1_000

    /// Nothing is signed here, as it is in `forksThatAreSignedNameTheGuiltyAlone`.
    @Test(
        "forks by the thousand name four of the guilty each, and none that is honest",
        arguments: 4...6)
    func thousandsOfForks(liars: Int) {
        let wanted = (Self.forksWanted + 2) / 3
        var forks = 0
        var seed = UInt64(liars)
        var histories = 0
        while forks < wanted, histories < 100 * wanted {
            var history = History(seed: seed, liars: liars, isSigned: false)
            history.run()
            // Those that do not fork are looked at in part.
            if history.decided.count > 1 || histories % 16 == 0, check(&history, seed) {
                forks += 1
            }
            seed += 3
            histories += 1
        }
        #expect(forks == wanted, "\(forks) forks of \(histories) histories, \(liars) liars")
    }

    @Test(arguments: 4...9)
    func forksThatAreSignedNameTheGuiltyAlone(liars: Int) {
        var forks = 0
        for seed in UInt64(0)..<40 {
            var history = History(seed: seed &* 16 &+ UInt64(liars), liars: liars)
            history.run()
            if check(&history, seed) { forks += 1 }
        }
        #expect(forks >= 5, "liars \(liars): too few histories forked: \(forks)")
    }

    @Test(arguments: 0...3)
    func withThreeLiarsNothingForksAndNobodyHonestIsNamed(liars: Int) {
        for seed in UInt64(0)..<200 {
            var history = History(
                seed: seed &* 16 &+ UInt64(liars), liars: liars, isSigned: false)
            history.run()
            #expect(!check(&history, seed), "seed \(seed) liars \(liars)")
        }
    }
}
