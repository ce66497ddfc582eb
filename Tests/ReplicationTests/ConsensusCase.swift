// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Testing

/// One machine among `size` members, the round r led by the member r mod `size`, with short names
/// for what is done to it.
struct ConsensusCase {
    /// The sizes that the tests of rules go through: N and T.
    static let sizes = [(4, 3), (7, 5), (10, 7), (100, 67)]

    static let a = Digest(hashing: [1])
    static let b = Digest(hashing: [2])
    static let c = Digest(hashing: [3])

    let size: Int
    let threshold: Int
    var machine: Consensus
    /// Whether what the machine casts and proposes comes back to it.
    var feedsBack = true

    /// Everyone but the machine's own member, ascending.
    var others: [Int] { (0..<size).filter { ValidatorIndex(UInt16($0)) != machine.own } }

    init(_ size: Int, _ threshold: Int, own: Int?, keepsLocks: Bool = true) {
        self.size = size
        self.threshold = threshold
        machine = Self.fresh(size, threshold, own: own, keepsLocks: keepsLocks)
    }

    static func fresh(
        _ size: Int, _ threshold: Int, own: Int?, keepsLocks: Bool = true
    ) -> Consensus {
        let members = (0..<size).map { ValidatorIndex(UInt16($0)) }
        return Consensus(
            height: Height(1), members: members, threshold: threshold, leaders: members,
            own: own.map { ValidatorIndex(UInt16($0)) }, keepsLocks: keepsLocks)
    }

    /// A machine of the last member, started; it leads the round `size` - 1.
    static func started(_ size: Int, _ threshold: Int, keepsLocks: Bool = true) -> Self {
        var made = Self(size, threshold, own: size - 1, keepsLocks: keepsLocks)
        made.step(.start)
        return made
    }

    @discardableResult
    mutating func step(_ input: Consensus.Input) -> [Consensus.Effect] {
        var effects = machine.step(input)
        guard feedsBack, let own = machine.own else { return effects }
        var next = 0
        while next < effects.count {
            switch effects[next] {
            case .vote(let kind, let round, let value, let ground):
                effects += machine.step(
                    .vote(kind, round: round, value: value, ground: ground, from: own))
            case .propose, .schedule, .decide:
                break
            }
            next += 1
        }
        return effects
    }

    @discardableResult
    mutating func propose(
        _ value: Digest, in round: UInt32, validRound: Int64 = -1,
        _ validity: Consensus.Validity = .valid
    ) -> [Consensus.Effect] {
        step(.proposal(round: round, value: value, validRound: validRound, validity))
    }

    @discardableResult
    mutating func vote(
        _ kind: ConsensusKind, _ value: Digest?, in round: UInt32, from sender: Int
    ) -> [Consensus.Effect] {
        step(.vote(kind, round: round, value: value, from: ValidatorIndex(UInt16(sender))))
    }

    /// Votes of `count` of the others, from the first.
    @discardableResult
    mutating func votes(
        _ kind: ConsensusKind, _ value: Digest?, in round: UInt32, count: Int
    ) -> [Consensus.Effect] {
        others.prefix(count).flatMap { vote(kind, value, in: round, from: $0) }
    }

    @discardableResult
    mutating func time(_ kind: Consensus.Timeout.Kind, in round: UInt32) -> [Consensus.Effect] {
        step(.timeout(Consensus.Timeout(kind, round: round)))
    }

    /// Locks the value in a round that the machine is in; itself it is one of the quorum.
    mutating func lock(_ value: Digest, in round: UInt32) {
        propose(value, in: round)
        votes(.prevote, value, in: round, count: threshold - 1)
        #expect(machine.lockedValue == value && machine.lockedRound == Int64(round))
    }

    static func prevoted(
        _ value: Digest?, in round: UInt32, ground: Int64 = -1
    ) -> Consensus.Effect {
        .vote(.prevote, round: round, value: value, ground: ground)
    }

    static func precommitted(_ value: Digest?, in round: UInt32) -> Consensus.Effect {
        .vote(.precommit, round: round, value: value, ground: -1)
    }

    static func waits(_ kind: Consensus.Timeout.Kind, in round: UInt32) -> Consensus.Effect {
        .schedule(Consensus.Timeout(kind, round: round))
    }
}
