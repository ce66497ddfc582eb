// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Simulation
import Testing

/// Checkers, told of what must not be: each notices.
@Suite struct CheckerTests {
    private let rehearsal: Rehearsal
    private let a = Digest(hashing: [1])
    private let b = Digest(hashing: [2])

    init() throws { rehearsal = try Rehearsal(seed: 1) }

    private func vote(
        _ kind: ConsensusKind, _ round: UInt32, _ value: Digest?, ground: Int64 = -1
    ) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: Height(1), round: round, value: value, ground: ground,
            validator: ValidatorIndex(0), signature: .zero
        ).signed(by: Fixture.key(0), in: rehearsal.ledger)
    }

    /// What is missing at the end, where one honest node has heard these in that order.
    private func missing(
        _ votes: [ConsensusVote], evidence: [Slot] = [], stayedUp: Bool = true
    ) -> [String] {
        var checker = AccountabilityChecker()
        let state = rehearsal.scenario.state
        for (place, vote) in votes.enumerated() {
            checker.hear(
                .vote(vote), node: 5, life: 1, state: state,
                at: Moment(milliseconds: UInt64(place)))
        }
        let found = evidence.map {
            Event.equivocationFound(EquivocationFound(validator: ValidatorIndex(0), slot: $0))
        }
        #expect(checker.look(at: found, after: state) { _ in true }.isEmpty)
        return checker.finish { _, _, _ in stayedUp }.map(\.text)
    }

    @Test func aStateThatContradictsItselfIsNamed() throws {
        let checker = SoundnessChecker()
        var state = rehearsal.scenario.state
        #expect(checker.finish(state)?.text == nil)
        let opened = BatchOpened(
            height: Height(state.height.rawValue + 1), time: state.time.adding(milliseconds: 1),
            proposer: ValidatorIndex(0), round: 0, previousRoot: a, precommitRound: 0,
            precommits: [], signature: .zero)
        let spent = NullifierChanged(request: EntryIndex(1), nullifier: .zero)
        let seal = BatchSealed(
            height: opened.height, size: 0, root: a, stateRoot: a, components: [])
        for event in [Event.batchOpened(opened), .nullifierSpent(spent), .batchSealed(seal)] {
            try state.apply(Entry(event))
        }
        let found = checker.finish(state)
        #expect(found?.property == .soundness)
        #expect(found?.text.contains("nullifiers") == true)
        // What costs as much as the history is not looked at after every seal.
        #expect(checker.look(after: state, node: 0)?.text == nil)
    }

    @Test func aForgottenLockThatANodeHasSeenMustBeInTheLedger() {
        let lock = vote(.precommit, 0, a)
        let forgetful = vote(.prevote, 2, b, ground: -1)
        for votes in [[lock, forgetful], [forgetful, lock]] {
            let found = missing(votes)
            #expect(found.count == 1)
            #expect(found.first?.contains("amnesia") == true)
            #expect(missing(votes, stayedUp: false).isEmpty)
            // Once for each height, whatever the rounds.
            #expect(
                missing(votes, evidence: [.amnesia(Height(1), precommit: 1, prevote: 3)]).isEmpty)
            #expect(
                missing(votes, evidence: [.amnesia(Height(2), precommit: 0, prevote: 2)]).count == 1
            )
        }
    }

    @Test func whatForgetsNoLockIsNotAskedFor() {
        for votes in [
            [vote(.precommit, 0, a), vote(.prevote, 2, a)],
            [vote(.precommit, 0, a), vote(.prevote, 2, b, ground: 0)],
            [vote(.precommit, 0, a), vote(.prevote, 2, b, ground: 1)],
            [vote(.precommit, 0, nil), vote(.prevote, 2, b)],
            [vote(.precommit, 0, a), vote(.prevote, 2, nil)],
            [vote(.precommit, 2, a), vote(.prevote, 1, b)],
            [vote(.precommit, 1, a), vote(.prevote, 1, b)],
            // No node keeps a prevote on a ground that cannot be, so nothing convicts after it.
            [vote(.prevote, 2, b, ground: -2), vote(.precommit, 0, a)],
        ] {
            #expect(missing(votes).isEmpty, "\(votes)")
        }
    }

    /// What is said of a validator that lost reputation for a job of so much time, in a batch that
    /// was proposed after a second and decided after twenty.
    private func unfair(_ milliseconds: UInt64, disturbedUntil disturbed: UInt64 = 0) -> [String] {
        var checker = FairnessChecker()
        let (job, validator) = (EntryIndex(9), ValidatorIndex(4))
        // Virtual time 0 is the start of 2026.
        let time = Time(1_767_225_601_000)
        let opening = BatchOpened(
            height: Height(1), time: time, proposer: validator, round: 0, previousRoot: .zero,
            precommitRound: 0, precommits: [], signature: .zero)
        let assigned = JobAssigned(
            job: job, validators: [validator], deadline: time.adding(milliseconds: milliseconds))
        let missed = ReputationChanged(
            validator: validator, cause: .missed, about: job, before: Reputation(1_000_000),
            after: Reputation(970_000))
        return checker.look(
            at: [.batchOpened(opening), .jobAssigned(assigned), .reputationChanged(missed)],
            height: 1, moment: Moment(milliseconds: 20_000), isHonest: { _ in true },
            isDisturbed: { _, since in Moment(milliseconds: disturbed) >= since }
        ).map(\.text)
    }

    @Test func whoIsUpAnswersAJobHoweverLittleTimeTheLedgerAdmits() {
        #expect(unfair(30_000).count == 1)
        #expect(unfair(5_000).count == 1)
        #expect(unfair(5_000, disturbedUntil: 20_000).isEmpty)
    }

    /// What kept a batch from being decided kept everybody from the answers that it asks for.
    @Test func troubleCountsFromWhenTheBatchWasProposed() {
        #expect(unfair(5_000, disturbedUntil: 1_000).isEmpty)
        #expect(unfair(5_000, disturbedUntil: 999).count == 1)
    }
}
