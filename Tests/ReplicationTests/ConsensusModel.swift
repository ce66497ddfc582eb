// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication

/// Algorithm 1 of arXiv:1807.04938 written down a second time, as plainly as can be: all messages
/// are kept, and every rule counts them anew. It has no bounds, and knows no journal.
struct ConsensusModel {
    private let size: Int
    private let threshold: Int
    private let own: ValidatorIndex
    private var messages: [Consensus.Input] = []
    private var acted: Set<[UInt32]> = []

    var round: UInt32 = 0
    var step = 0
    var decision: Digest?
    var lockedValue: Digest?
    var lockedRound: Int64 = -1
    var validValue: Digest?
    var validRound: Int64 = -1

    init(_ size: Int, _ threshold: Int, own: Int) {
        self.size = size
        self.threshold = threshold
        self.own = ValidatorIndex(UInt16(own))
    }

    mutating func step(_ input: Consensus.Input) -> [Consensus.Effect] {
        guard decision == nil else { return [] }
        var effects: [Consensus.Effect] = []
        switch input {
        case .start: startRound(0, &effects)
        case .timeout(let wait):
            guard wait.round == round else { break }
            if wait.kind == .propose && step == 0 { vote(.prevote, nil, &effects) }
            if wait.kind == .prevote && step == 1 { vote(.precommit, nil, &effects) }
            if wait.kind == .precommit { startRound(round + 1, &effects) }
        case .proposal, .vote: messages.append(input)
        }
        while decision == nil && act(&effects) {}
        return effects
    }

    private mutating func startRound(_ number: UInt32, _ effects: inout [Consensus.Effect]) {
        round = number
        step = 0
        if Int(round) % size == Int(own.rawValue) {
            effects.append(.propose(round: round, value: validValue, validRound: validRound))
        }
        effects.append(.schedule(Consensus.Timeout(.propose, round: round)))
    }

    private mutating func vote(
        _ kind: ConsensusKind, _ value: Digest?, _ effects: inout [Consensus.Effect],
        ground: Int64 = -1
    ) {
        var last = ground
        if kind == .prevote && value != nil && lockedValue == value {
            last = max(last, lockedRound)
        }
        effects.append(.vote(kind, round: round, value: value, ground: last))
        step = kind == .prevote ? 1 : 2
    }

    private func voters(
        _ kind: ConsensusKind, _ round: Int64, where isMeant: (Digest?) -> Bool
    ) -> Int {
        var senders: Set<ValidatorIndex> = []
        for case .vote(kind, let itsRound, let value, let ground, let sender) in messages
        where Int64(itsRound) == round && isMeant(value) && ground < round {
            // A prevote counts where those of its ground do.
            let isGrounded = kind == .precommit || value == nil || ground == -1
            if isGrounded || isQuorum(.prevote, ground, value) { senders.insert(sender) }
        }
        return senders.count
    }

    private func isQuorum(_ kind: ConsensusKind, _ round: Int64, _ value: Digest?) -> Bool {
        voters(kind, round) { $0 == value } >= threshold
    }

    private mutating func isFirst(_ line: UInt32) -> Bool {
        acted.insert([line, round]).inserted
    }

    /// The round that f + 1 members are in or beyond.
    private var reachedRound: UInt32 {
        var highest = [UInt32](repeating: 0, count: size)
        for message in messages {
            switch message {
            case .vote(_, let round, _, _, let sender):
                let place = Int(sender.rawValue)
                highest[place] = max(highest[place], round)
            case .proposal(let round, _, _, _):
                let place = Int(round) % size
                highest[place] = max(highest[place], round)
            case .start, .timeout: break
            }
        }
        return highest.sorted(by: >)[size - threshold]
    }

    /// Applies the first rule that can act.
    private mutating func act(_ effects: inout [Consensus.Effect]) -> Bool {
        let now = Int64(round)
        var decided: (value: Digest, round: UInt32)?
        for case .proposal(let itsRound, let value, _, let validity) in messages
        where validity != .invalid && isQuorum(.precommit, Int64(itsRound), value) {
            if itsRound < decided?.round ?? .max { decided = (value, itsRound) }
        }
        if let decided {
            decision = decided.value
            effects.append(.decide(value: decided.value, round: decided.round))
            return true
        }
        if reachedRound > round {
            startRound(reachedRound, &effects)
            return true
        }
        for case .proposal(round, let value, let rests, let validity) in messages {
            if step == 0 && rests == -1 {
                let agrees = validity == .valid && (lockedRound == -1 || lockedValue == value)
                vote(.prevote, agrees ? value : nil, &effects)
                return true
            }
            if step == 0 && rests >= 0 && rests < now && isQuorum(.prevote, rests, value) {
                let agrees =
                    validity != .invalid && (lockedRound <= rests || lockedValue == value)
                vote(.prevote, agrees ? value : nil, &effects, ground: agrees ? rests : -1)
                return true
            }
        }
        for case .proposal(round, let value, _, let validity) in messages
        where validity != .invalid && step >= 1 && isQuorum(.prevote, now, value) {
            guard isFirst(36) else { break }
            if step == 1 {
                (lockedValue, lockedRound) = (value, now)
                vote(.precommit, value, &effects)
            }
            (validValue, validRound) = (value, now)
            return true
        }
        if step == 1 && isQuorum(.prevote, now, nil) {
            vote(.precommit, nil, &effects)
            return true
        }
        if step == 1 && voters(.prevote, now, where: { _ in true }) >= threshold && isFirst(34) {
            effects.append(.schedule(Consensus.Timeout(.prevote, round: round)))
            return true
        }
        if voters(.precommit, now, where: { _ in true }) >= threshold && isFirst(47) {
            effects.append(.schedule(Consensus.Timeout(.precommit, round: round)))
            return true
        }
        return false
    }
}
