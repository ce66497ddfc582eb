// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension Consensus {
    /// Begins to take part (L10), in the round that others or the journal have brought it to.
    mutating func start(_ effects: inout [Effect]) {
        guard !isStarted else { return }
        isStarted = true
        if !isResuming {
            beginRound(&effects)
        } else if step == .propose {
            // The node led this round and has proposed; it says nothing new in it.
            effects.append(.schedule(Timeout(.propose, round: round)))
        }
    }

    /// Moves to `newRound`; before `start` without a word.
    private mutating func enter(_ newRound: UInt32, _ effects: inout [Effect]) {
        invariant(newRound > round, "round \(newRound) is entered from \(round)")
        checkHeard()
        round = newRound  // L12
        step = .propose  // L13
        isResuming = false
        dropRounds()
        aheadCount = highestRounds.count { $0 > Int64(newRound) }
        if isStarted { beginRound(&effects) }
    }

    /// Stops the process where the members heard are counted otherwise than one by one.
    private func checkHeard() {
        let ahead = highestRounds.count { $0 > Int64(round) }
        invariant(aheadCount == ahead, "\(aheadCount) members ahead, where \(ahead) are")
        let heard = highestRounds.count { $0 >= 0 }
        invariant(heardCount == heard, "\(heardCount) members heard, where \(heard) were")
    }

    /// `StartRound` (L11), once `round` and `step` are set.
    private mutating func beginRound(_ effects: inout [Effect]) {
        invariant(
            lockedRound < Int64(round), "a lock of round \(lockedRound) as round \(round) begins")
        invariant(
            validRound < Int64(round),
            "a valid value of round \(validRound) as round \(round) begins")
        if let own, leader(of: round) == own {  // L14
            // L15, L16 if there is a valid value; L18 if not.
            // L19.
            effects.append(.propose(round: round, value: validValue, validRound: validRound))
        }
        effects.append(.schedule(Timeout(.propose, round: round)))  // L21
    }

    /// Tries the rules until none acts.
    mutating func applyRules(_ effects: inout [Effect]) {
        repeat {
            if decide(&effects) { return }
        } while skipRounds(&effects)
            || isStarted
                && (prevoteOnProposal(&effects) || usePolka(&effects) || precommitNil(&effects)
                    || timePrevotes(&effects) || timePrecommits(&effects))
    }

    /// What a wait that is over makes of it.
    mutating func expire(_ timeout: Timeout, _ effects: inout [Effect]) {
        guard isStarted, timeout.round == round else { return }
        switch timeout.kind {
        case .propose:  // L57
            if step == .propose { prevote(nil, &effects) }  // L58 to L60
        case .prevote:  // L61
            if step == .prevote { precommit(nil, &effects) }  // L62 to L64
        case .precommit:  // L65
            // The last round that a number can name is never left.
            if round < .max { enter(round + 1, &effects) }  // L66, L67
        }
    }

    /// Prevotes; the ground of a value is the later of the round of a lock on it and `validRound`.
    private mutating func prevote(
        _ value: Digest?, validRound: Int64 = -1, _ effects: inout [Effect]
    ) {
        invariant(step == .propose, "a second prevote in round \(round)")
        let ground = max(validRound, value != nil && value == lockedValue ? lockedRound : -1)
        invariant(ground < Int64(round), "a prevote of round \(round) on the ground \(ground)")
        invariant(value != nil || ground == -1, "a prevote for nil on the ground \(ground)")
        invariant(
            value == nil || value == lockedValue || lockedRound <= validRound || !keepsLocks,
            "a prevote for another value than that locked in round \(lockedRound)")
        if own != nil {
            effects.append(.vote(.prevote, round: round, value: value, ground: ground))
        }
        step = .prevote
    }

    private mutating func precommit(_ value: Digest?, _ effects: inout [Effect]) {
        invariant(step == .prevote, "a precommit in step \(step) of round \(round)")
        invariant(
            value == nil || value == lockedValue && lockedRound == Int64(round),
            "a precommit in round \(round) without its lock")
        if own != nil {
            effects.append(.vote(.precommit, round: round, value: value, ground: -1))
        }
        step = .precommit
    }
}

// MARK: - The rules

extension Consensus {
    /// L49: a valid proposal of any round with a quorum of precommits is decided.
    private mutating func decide(_ effects: inout [Effect]) -> Bool {
        for kept in decidingRounds.compactMap(messages(of:)) {
            for candidate in kept.candidates
            where candidate.validity != .invalid  // L50
                && kept.precommits.isChosen(candidate.value)
            {
                decided = Decision(value: candidate.value, round: kept.round)  // L51
                effects.append(.decide(value: candidate.value, round: kept.round))
                return true
            }
        }
        return false
    }

    /// L55: f + 1 members in later rounds take the node with them.
    ///
    /// It goes to the highest round that f + 1 members have reached, so that an honest one is there
    /// or beyond; the f + 1 messages of one round that the paper asks for are a case of it.
    private mutating func skipRounds(_ effects: inout [Effect]) -> Bool {
        guard aheadCount > failuresMax else { return false }
        let reached = highestRounds.sorted(by: >)[failuresMax]
        invariant(
            reached > Int64(round),
            "\(aheadCount) members are ahead of round \(round), and one of them at \(reached)")
        guard let later = UInt32(exactly: reached) else { return false }
        enter(later, &effects)  // L56
        return true
    }

    /// L22 and L28: the prevote on a proposal of this round.
    private mutating func prevoteOnProposal(_ effects: inout [Effect]) -> Bool {
        guard step == .propose, let current = messages(of: round) else { return false }
        for candidate in current.candidates {
            let value = candidate.value
            if candidate.validRound == -1 {  // L22
                let isFree = lockedRound == -1 || lockedValue == value || !keepsLocks
                let isTaken = candidate.validity == .valid && isFree  // L23
                prevote(isTaken ? value : nil, &effects)  // L24, L26, L27
                return true
            }
            guard let validRound = UInt32(exactly: candidate.validRound),
                messages(of: validRound)?.prevotes.isChosen(value) == true
            else { continue }  // L28
            let isFree =
                lockedRound <= candidate.validRound || lockedValue == value || !keepsLocks
            if candidate.validity != .invalid && isFree {  // L29
                prevote(value, validRound: candidate.validRound, &effects)  // L30, L33
            } else {
                prevote(nil, &effects)  // L32, L33
            }
            return true
        }
        return false
    }

    /// L34: a quorum of prevotes for whatever value starts the wait for one that agrees.
    private mutating func timePrevotes(_ effects: inout [Effect]) -> Bool {
        let place = place(of: round)
        guard step == .prevote, place.isKept, rounds[place.index].prevotes.isQuorum,
            !rounds[place.index].hasTimedPrevotes
        else { return false }
        rounds[place.index].hasTimedPrevotes = true
        effects.append(.schedule(Timeout(.prevote, round: round)))  // L35
        return true
    }

    /// L36: a valid proposal of this round with a quorum of prevotes is locked and precommitted.
    private mutating func usePolka(_ effects: inout [Effect]) -> Bool {
        let place = place(of: round)
        guard step != .propose, place.isKept, !rounds[place.index].hasSeenPolka else {
            return false
        }
        let current = rounds[place.index]
        for candidate in current.candidates
        where candidate.validity != .invalid && current.prevotes.isChosen(candidate.value) {
            let value = candidate.value
            rounds[place.index].hasSeenPolka = true
            if step == .prevote {  // L37
                invariant(lockedRound < Int64(round), "a second lock in round \(round)")
                lockedValue = value  // L38
                lockedRound = Int64(round)  // L39
                precommit(value, &effects)  // L40, L41
            }
            validValue = value  // L42
            validRound = Int64(round)  // L43
            return true
        }
        return false
    }

    /// L44: a quorum of prevotes for nil is precommitted.
    private mutating func precommitNil(_ effects: inout [Effect]) -> Bool {
        guard step == .prevote, messages(of: round)?.prevotes.isChosen(nil) == true else {
            return false
        }
        precommit(nil, &effects)  // L45, L46
        return true
    }

    /// L47: a quorum of precommits for whatever value starts the wait for one that agrees.
    private mutating func timePrecommits(_ effects: inout [Effect]) -> Bool {
        let place = place(of: round)
        guard place.isKept, rounds[place.index].precommits.isQuorum,
            !rounds[place.index].hasTimedPrecommits
        else { return false }
        rounds[place.index].hasTimedPrecommits = true
        effects.append(.schedule(Timeout(.precommit, round: round)))  // L48
        return true
    }
}
