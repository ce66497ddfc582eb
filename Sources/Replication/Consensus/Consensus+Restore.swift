// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
import Ledger

extension Consensus {
    /// Takes up where a journal ends: what the node said it holds to, and says once.
    ///
    /// The node resumes in the highest round in which it spoke, at the step of its last word there.
    /// Its lock is its precommit, other than for nil, of the highest round, as L36 left it. Its
    /// valid value is that of the highest round up to its own with a quorum of prevotes for a value
    /// that it holds; failing that, its lock. `Input.start` then repeats no word: the caller sends
    /// what the journal holds, and the machine sets the wait of its step again.
    ///
    /// - Parameters:
    ///   - messages: the node's own proposals and votes and the votes that it received, as inputs,
    ///     in the order of the journal. Inputs of other kinds are ignored. Proposals are its own.
    ///   - held: the values whose batches the node holds and found valid.
    /// - Precondition: the machine has taken in nothing yet.
    package mutating func restore(_ messages: [Input], held: [Digest]) {
        invariant(!isStarted && heardCount == 0, "a machine in use was given a journal")
        for message in messages { recallOwn(message) }
        // Twice: what the bounds dropped before others supported it was taken when it came again,
        // and the journal holds it once.
        for message in messages + messages {
            switch message {
            case .proposal(let round, let value, let validRound, _) where own != nil:
                let candidate = Candidate(
                    value: value, validRound: validRound, validity: .valid)
                keep(candidate, in: round)
            case .vote(let kind, let round, let value, let ground, let sender):
                keep(kind, of: value, in: round, on: ground, from: sender)
            case .proposal, .start, .timeout:
                break
            }
        }
        if isResuming { recallValidValue(held: Set(held)) }
        checkHeld()
    }

    /// Takes up where a journal ends; entries of other heights are ignored.
    package mutating func restore(_ items: [JournalItem]) {
        var messages: [Input] = []
        var held: [Digest] = []
        for item in items {
            switch item {
            case .proposed(let proposed) where proposed.height == height:
                messages.append(
                    .proposal(
                        round: proposed.round, value: proposed.value,
                        validRound: proposed.validRound, .valid))
                held.append(proposed.value)
            case .cast(let vote) where vote.height == height,
                .received(let vote) where vote.height == height:
                messages.append(
                    .vote(
                        vote.kind, round: vote.round, value: vote.value, ground: vote.ground,
                        from: vote.validator))
            case .held(let itsHeight, let value, _) where itsHeight == height:
                held.append(value)
            case .proposed, .cast, .received, .held:
                break
            }
        }
        restore(messages, held: held)
    }

    /// Moves on to where the node said this, and takes up its lock if it set one.
    private mutating func recallOwn(_ message: Input) {
        let spoken: (round: UInt32, step: Step)
        switch message {
        case .proposal(let round, _, _, _) where own != nil:
            spoken = (round, .propose)
        case .vote(.prevote, let round, _, _, let sender) where sender == own:
            spoken = (round, .prevote)
        case .vote(.precommit, let round, let value, _, let sender) where sender == own:
            spoken = (round, .precommit)
            if let value, Int64(round) > lockedRound {
                lockedValue = value
                lockedRound = Int64(round)
            }
        case .proposal, .vote, .start, .timeout:
            return
        }
        isResuming = true
        if (spoken.round, spoken.step.rawValue) > (round, step.rawValue) {
            (round, step) = spoken
        }
    }

    /// Finds the valid value among the prevotes that count.
    private mutating func recallValidValue(held: Set<Digest>) {
        for kept in rounds where kept.round <= round {
            guard let value = kept.prevotes.chosenValue, held.contains(value) else { continue }
            validValue = value
            validRound = Int64(kept.round)
        }
        if let lockedValue, lockedRound > validRound, held.contains(lockedValue) {
            validValue = lockedValue
            validRound = lockedRound
        }
    }
}
