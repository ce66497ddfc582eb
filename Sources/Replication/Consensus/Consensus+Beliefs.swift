// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension Consensus {
    /// How far a machine has come: what never goes back.
    struct Place {
        let round: UInt32
        let step: Step
        let lockedRound: Int64
        let validRound: Int64

        /// Where it is now.
        init(_ machine: Consensus) {
            round = machine.round
            step = machine.step
            lockedRound = machine.lockedRound
            validRound = machine.validRound
        }
    }

    /// Stops the process where an input has taken the machine back, or what it holds of itself does
    /// not agree. No message can: these are what its own rules keep, whatever the others say.
    func check(since before: Place) {
        invariant(round >= before.round, "back to round \(round) from \(before.round)")
        invariant(
            round > before.round || step.rawValue >= before.step.rawValue,
            "back to step \(step) of round \(round) from \(before.step)")
        invariant(
            lockedRound >= before.lockedRound,
            "a lock of round \(lockedRound) after one of \(before.lockedRound)")
        invariant(
            validRound >= before.validRound,
            "a valid value of round \(validRound) after one of \(before.validRound)")
        checkHeld()
    }

    /// The same of one moment.
    func checkHeld() {
        invariant(lockedRound <= Int64(round), "a lock of \(lockedRound) in round \(round)")
        invariant(validRound <= Int64(round), "a valid value of \(validRound) in round \(round)")
        invariant((lockedValue == nil) == (lockedRound < 0), "a lock without a round")
        invariant((validValue == nil) == (validRound < 0), "a valid value without a round")
        invariant(heardCount <= members.count, "\(heardCount) heard of \(members.count)")
        invariant(aheadCount <= heardCount, "\(aheadCount) ahead of \(heardCount) heard")
        invariant(
            decidingRounds.count <= rounds.count,
            "\(decidingRounds.count) deciding of \(rounds.count) rounds")
        guard let decided else { return }
        invariant(
            messages(of: decided.round)?.precommits.isChosen(decided.value) == true,
            "a decision without a quorum of precommits")
    }
}
