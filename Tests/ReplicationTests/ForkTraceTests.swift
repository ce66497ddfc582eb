// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
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
                let evidence = key.flatMap { offence.evidence(against: $0) }
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

    @Test(arguments: [Int64(-1), 0, 1, 2, 3, -2, .max, .min])
    func aLockThatWasForgottenConvictsWhateverItsPretext(ground: Int64) {
        let trace = History.trace(
            first + votes(.prevote, 2, w, by: [0, 1, 2, 3], resting: ground)
                + votes(.prevote, 2, w, by: [7, 8, 9])
                + votes(.precommit, 2, w, by: [0, 1, 2, 3, 7, 8, 9]))
        #expect(trace.isFork)
        #expect(trace.guilty.map(\.validator) == validators([0, 1, 2, 3]))
    }

    @Test func precommitsWithoutPrevotesConvictInAForkAlone() {
        let hollow = votes(.precommit, 1, w, by: Array(0..<7))
        #expect(History.trace(hollow).guilty.isEmpty)
        let trace = History.trace(first + hollow)
        #expect(trace.guilty.map(\.validator) == validators(Array(0..<7)))
    }

    /// Validator 9 locks v in round 1 and w in round 2; in round 3 a leader that has seen the
    /// prevotes of round 0 alone proposes w again, and L29 lets 9 prevote it.
    @Test func aValidatorThatLockedAnewMayPrevoteOnAnOlderRound() {
        let late = votes(.prevote, 3, w, by: [9], resting: 0)
        let liars = [0, 1, 2, 3]
        let history =
            votes(.prevote, 0, w, by: Array(0..<7)) + votes(.prevote, 1, v, by: liars + [7, 8, 9])
            + votes(.precommit, 1, v, by: liars + [7, 8, 9])
            + votes(.prevote, 2, w, by: liars + [4, 5, 6], resting: 0)
            + votes(.precommit, 2, w, by: liars + [4, 5, 6, 9]) + late
        let trace = History.trace(history)
        #expect(trace.isFork)
        #expect(trace.guilty.map(\.validator) == validators(liars))
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

    @Test func whoLostItsJournalIsConvictedByContradictionsAlone() {
        let hollow = votes(.precommit, 1, w, by: Array(0..<7))
        let trace = History.trace(first + hollow, excused: validators([6]))
        #expect(trace.guilty.map(\.validator) == validators(Array(0..<6)))
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

    @Test(arguments: 4...9)
    func everyForkNamesFourOfTheGuiltyAndNoneThatIsHonest(liars: Int) {
        var forks = 0
        for seed in UInt64(0)..<120 {
            var history = History(seed: seed &* 16 &+ UInt64(liars), liars: liars)
            history.run()
            let isFork = history.decided.count > 1
            forks += isFork ? 1 : 0
            var given = history.statements
            // Journals of liars hold what suits them.
            if seed % 3 == 0 { given += history.lies.shuffled(using: &history.random).prefix(25) }
            let trace = History.trace(given)
            #expect(trace.isFork == isFork, "seed \(seed) liars \(liars)")
            #expect(
                trace.guilty.allSatisfy { Int($0.validator.rawValue) < liars },
                "seed \(seed) liars \(liars): \(trace.guilty.map(\.validator))")
            #expect(!isFork || trace.guilty.count >= 4, "seed \(seed) liars \(liars)")
        }
        #expect(forks >= 5, "liars \(liars): too few histories forked: \(forks)")
    }

    @Test(arguments: 0...3)
    func withThreeLiarsNothingForksAndNobodyHonestIsNamed(liars: Int) {
        for seed in UInt64(0)..<80 {
            var history = History(seed: seed &* 16 &+ UInt64(liars), liars: liars)
            history.run()
            let trace = History.trace(history.statements)
            #expect(history.decided.count < 2 && !trace.isFork, "seed \(seed) liars \(liars)")
            #expect(
                trace.guilty.allSatisfy { Int($0.validator.rawValue) < liars },
                "seed \(seed) liars \(liars)")
        }
    }
}
