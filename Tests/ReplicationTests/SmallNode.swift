// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication

/// Four validators, T = 3, three rounds, two values.
enum Small {
    static let a = Digest(hashing: [1])
    static let b = Digest(hashing: [2])
    static let values = [a, b]
    static let rounds: UInt32 = 3
    static let members = (0..<4).map { ValidatorIndex(UInt16($0)) }
    static let height = Height(1)

    static func vote(
        _ kind: ConsensusKind, _ round: UInt32, _ value: Digest?, _ ground: Int64, by number: Int
    ) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: height, round: round, value: value, ground: ground,
            validator: members[number], signature: .zero)
    }

    static func trace(_ statements: [TracedStatement]) -> ForkTrace {
        ForkTrace(of: statements, height: height, threshold: 3) { _ in true }
    }
}

/// An honest validator: the machine that nodes run, and what its journal holds.
struct SmallNode {
    let number: Int
    var machine: Consensus
    var journal: [TracedStatement] = []
    /// Its prevotes and precommits, by round.
    var prevotes: [UInt32: ConsensusVote] = [:]
    var precommits: [UInt32: Digest] = [:]

    init(number: Int, keepsLocks: Bool = true, countsGrounds: Bool = true) {
        self.number = number
        machine = Consensus(
            height: Small.height, members: Small.members, threshold: 3, leaders: Small.members,
            own: Small.members[number], keepsLocks: keepsLocks, countsGrounds: countsGrounds)
        step(.start)
    }

    mutating func step(_ input: Consensus.Input) {
        var inputs = [input]
        while let next = inputs.popLast() {
            for effect in machine.step(next) {
                switch effect {
                case .propose(let round, let value, let validRound):
                    journal.append(
                        .proposal(
                            ProposedValue(
                                height: Small.height, round: round, value: value ?? Small.a,
                                validRound: validRound, signature: .zero),
                            proposer: Small.members[number]))
                case .vote(let kind, let round, let value, let ground):
                    let vote = Small.vote(kind, round, value, ground, by: number)
                    journal.append(.vote(vote))
                    if kind == .prevote {
                        prevotes[round] = vote
                    } else {
                        precommits[round] = value
                    }
                    inputs.append(
                        .vote(
                            kind, round: round, value: value, ground: ground,
                            from: Small.members[number]))
                case .schedule, .decide: break
                }
            }
        }
    }

    mutating func receive(_ vote: ConsensusVote) {
        guard
            machine.takes(
                vote.kind, of: vote.value, in: vote.round, on: vote.ground, from: vote.validator)
        else { return }
        journal.append(.vote(vote))
        step(
            .vote(
                vote.kind, round: vote.round, value: vote.value, ground: vote.ground,
                from: vote.validator))
    }

    mutating func propose(_ value: Digest, _ validRound: Int64) {
        step(.proposal(round: machine.round, value: value, validRound: validRound, .valid))
    }

    mutating func wait(_ kind: Consensus.Timeout.Kind) {
        step(.timeout(Consensus.Timeout(kind, round: machine.round)))
    }

    func holds(_ value: Digest, _ round: UInt32) -> Bool {
        machine.quorums(of: value, through: round).contains(round)
    }
}
