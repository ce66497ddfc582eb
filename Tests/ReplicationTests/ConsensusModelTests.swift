// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import TestSupport
import Testing

/// The machine does what the plain model does, input by input.
@Suite("Consensus, against a plain model")
struct ConsensusModelTests {
    private static let a = ConsensusCase.a
    private static let b = ConsensusCase.b

    /// The machine and the model of one member, which are given the same.
    private struct Pair {
        var machine: Consensus
        var model: ConsensusModel
        let own: ValidatorIndex

        init(_ size: Int, _ threshold: Int, own: Int) {
            machine = ConsensusCase.fresh(size, threshold, own: own)
            model = ConsensusModel(size, threshold, own: own)
            self.own = ValidatorIndex(UInt16(own))
        }

        /// Gives both the input and what they say to it; false if they differ.
        mutating func step(_ input: Consensus.Input) -> Bool {
            var inputs = [input]
            while let next = inputs.first {
                inputs.removeFirst()
                let effects = machine.step(next)
                guard effects == model.step(next) else { return false }
                for case .vote(let kind, let round, let value, let ground) in effects {
                    inputs.append(
                        .vote(kind, round: round, value: value, ground: ground, from: own))
                }
            }
            let steps = [Consensus.Step.propose, .prevote, .precommit]
            return machine.decided?.value == model.decision
                && (machine.decided != nil
                    || machine.round == model.round && machine.step == steps[model.step]
                        && machine.lockedValue == model.lockedValue
                        && machine.lockedRound == model.lockedRound
                        && machine.validValue == model.validValue
                        && machine.validRound == model.validRound)
        }
    }

    private static func vote(
        _ kind: ConsensusKind, _ value: Digest?, _ round: UInt32, _ sender: UInt16,
        on ground: Int64 = -1
    ) -> Consensus.Input {
        .vote(kind, round: round, value: value, ground: ground, from: ValidatorIndex(sender))
    }

    /// What may come to member 3 of four in two rounds; three votes make a quorum, its own with
    /// them.
    private static let alphabet: [Consensus.Input] = [
        .proposal(round: 0, value: a, validRound: -1, .valid),
        .proposal(round: 1, value: b, validRound: -1, .valid),
        .proposal(round: 1, value: a, validRound: 0, .valid),
        vote(.prevote, a, 0, 0), vote(.prevote, a, 0, 1), vote(.prevote, nil, 0, 1),
        vote(.prevote, b, 1, 0), vote(.prevote, b, 1, 1), vote(.prevote, a, 1, 2, on: 0),
        vote(.precommit, a, 0, 0), vote(.precommit, a, 0, 1), vote(.precommit, nil, 0, 2),
        .timeout(Consensus.Timeout(.propose, round: 0)),
        .timeout(Consensus.Timeout(.prevote, round: 0)),
        .timeout(Consensus.Timeout(.precommit, round: 0)),
    ]

    private func explore(_ pair: Pair, depth: Int, _ path: inout [Int], _ count: inout Int)
        -> [Int]?
    {
        guard depth > 0 else { return nil }
        for letter in Self.alphabet.indices where !path.contains(letter) {
            var next = pair
            path.append(letter)
            count += 1
            guard next.step(Self.alphabet[letter]) else { return path }
            if let found = explore(next, depth: depth - 1, &path, &count) { return found }
            path.removeLast()
        }
        return nil
    }

    @Test("every order of up to five inputs gives what the model gives")
    func everyShortOrder() {
        var pair = Pair(4, 3, own: 3)
        let isSame = pair.step(.start)
        #expect(isSame)
        var path: [Int] = []
        var count = 0
        let found = explore(pair, depth: 5, &path, &count)
        #expect(found == nil, "\((found ?? []).map { Self.alphabet[$0] })")
        #expect(count == 15 + 15 * 14 + 15 * 14 * 13 + 15 * 14 * 13 * 12 + 15 * 14 * 13 * 12 * 11)
    }

    @Test("long random runs give what the model gives", arguments: [(4, 3), (5, 4), (7, 5)])
    func longRuns(size: Int, threshold: Int) {
        var locks = 0
        var relocks = 0
        var decisions = 0
        for seed in 0..<1500 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
            var pair = Pair(size, threshold, own: below(size))
            var isSame = pair.step(.start)
            var offered: [UInt32: Set<[Int64]>] = [:]
            var lockedRounds: Set<Int64> = []
            for _ in 0..<120 where isSame {
                // Mostly of the round that it is in: two members in a later one take it along.
                let offset = [-1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][below(12)]
                let round = UInt32(max(0, Int(pair.machine.round) + offset))
                // A round has a value that most agree on, another than the one before or the same.
                let favourite = Int((UInt64(round) &* 5 &+ seed) / 2 % 2)
                let value = [Self.a, Self.b][below(5) > 0 ? favourite : below(2)]
                switch below(10) {
                case 0, 1:
                    // As many proposals of a round as are kept, and one judgement of each.
                    let rests = below(2) == 0 ? -1 : Int64(below(Int(round) + 1)) - 1
                    let offer = [value == Self.a ? 0 : 1, rests]
                    guard offered[round, default: []].count < 2 else { continue }
                    guard offered[round, default: []].insert(offer).inserted else { continue }
                    let validity = [Consensus.Validity.valid, .valid, .untimely, .invalid][below(4)]
                    isSame = pair.step(
                        .proposal(round: round, value: value, validRound: rests, validity))
                case 2:
                    let kind = [Consensus.Timeout.Kind.propose, .prevote, .precommit][below(3)]
                    isSame = pair.step(.timeout(Consensus.Timeout(kind, round: round)))
                default:
                    let kind = below(3) > 0 ? ConsensusKind.prevote : .precommit
                    let said = below(5) == 0 ? nil : value
                    let sender = below(size)
                    // Each member names one ground for a value in a round, as the honest do.
                    let choice = Int(round) &* 31 &+ sender &* 7 &+ (value == Self.a ? 3 : 0)
                    let hasGround = kind == .prevote && said != nil && choice % 8 == 0
                    let ground = hasGround ? Int64(choice % (Int(round) + 1)) - 1 : -1
                    isSame = pair.step(
                        Self.vote(kind, said, round, UInt16(sender), on: ground))
                }
                if pair.machine.lockedValue != nil { lockedRounds.insert(pair.machine.lockedRound) }
            }
            #expect(isSame, "seed \(seed) of \(size)")
            locks += lockedRounds.isEmpty ? 0 : 1
            relocks += lockedRounds.count > 1 ? 1 : 0
            decisions += pair.machine.decided == nil ? 0 : 1
        }
        let found = "\(locks) runs with locks, \(relocks) with several, \(decisions) decisions"
        #expect(locks > 500 && relocks > 100 && decisions > 500, "\(found)")
    }
}
