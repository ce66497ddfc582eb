// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import Testing

/// Four validators, T = 3, three rounds, two values: every history that matters.
///
/// What is left out, and why nothing is lost by it:
/// - a conviction is two signatures of one key. So whether an honest validator can be convicted is
///   a question about its own words alone, and one machine among three liars says all that it can say
///   among fewer: what honest others send, liars can send;
/// - messages come just before they have an effect: one that changes nothing when it comes may as
///   well come later;
/// - rounds go in step: what is said in a round rests on prevotes of this round and earlier ones
///   and on own locks, never on later rounds;
/// - precommits of others are not delivered: they make a node decide, after which it is silent, or
///   move on, which the waits do too. Any validator may be made to move on at any time;
/// - any proposal may come to any node, as if liars led every round: that is more than can happen;
/// - where forks are counted, two of the four lie (with fewer there are none): that the first is
///   convicted whatever it does is that both are. The second prevotes all values on no ground,
///   which always counts and takes nothing from the first;
/// - the first says only what some quorum needs: saying less convicts less. Quorums are smallest.
private enum Small {
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
private struct SmallNode {
    let number: Int
    var machine: Consensus
    var journal: [TracedStatement] = []
    /// Its prevotes and precommits, by round.
    var prevotes: [UInt32: ConsensusVote] = [:]
    var precommits: [UInt32: Digest] = [:]

    init(number: Int) {
        self.number = number
        machine = Consensus(
            height: Small.height, members: Small.members, threshold: 3, leaders: Small.members,
            own: Small.members[number])
        take(.start)
    }

    mutating func take(_ input: Consensus.Input) {
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
        take(
            .vote(
                vote.kind, round: vote.round, value: vote.value, ground: vote.ground,
                from: vote.validator))
    }

    mutating func propose(_ value: Digest, _ validRound: Int64) {
        take(.proposal(round: machine.round, value: value, validRound: validRound, .valid))
    }

    mutating func wait(_ kind: Consensus.Timeout.Kind) {
        take(.timeout(Consensus.Timeout(kind, round: machine.round)))
    }

    func holds(_ value: Digest, _ round: UInt32) -> Bool {
        machine.quorums(of: value, through: round).contains(round)
    }
}

@Suite("Forks, exhaustively") struct ForkExhaustionTests {
    // MARK: Nobody honest

    /// Goes through all that liars can make of a node from its round on.
    private func besiege(_ node: SmallNode, _ count: inout Int, _ found: inout [ForkTrace]) {
        func quorum(_ node: inout SmallNode, _ value: Digest?, _ round: UInt32) {
            for liar in 0..<4 where liar != node.number {
                node.receive(Small.vote(.prevote, round, value, -1, by: liar))
            }
        }
        let round = node.machine.round
        var prevoted: [SmallNode] = []
        var silent = node
        silent.wait(.propose)
        prevoted.append(silent)
        for value in Small.values {
            for validRound in -1..<Int64(round) {
                var next = node
                if let ground = UInt32(exactly: validRound) { quorum(&next, value, ground) }
                next.propose(value, validRound)
                prevoted.append(next)
            }
        }
        var precommitted: [SmallNode] = []
        for node in prevoted {
            for value in Small.values {
                var next = node
                next.propose(value, -1)
                quorum(&next, value, round)
                precommitted.append(next)
            }
            var next = node
            quorum(&next, nil, round)
            precommitted.append(next)
            next = node
            next.wait(.prevote)
            precommitted.append(next)
            // A quorum that comes too late to precommit, and still makes the valid value.
            for value in Small.values {
                var late = next
                late.propose(value, -1)
                quorum(&late, value, round)
                precommitted.append(late)
            }
        }
        for node in precommitted {
            count += 1
            let own = node.journal.filter { $0.validator == Small.members[node.number] }
            let trace = Small.trace(own)
            if !trace.guilty.isEmpty { found.append(trace) }
            guard round + 1 < Small.rounds else { continue }
            var next = node
            next.wait(.precommit)
            besiege(next, &count, &found)
            guard round + 2 < Small.rounds else { continue }
            // Two members in a later round take it along.
            var skipped = node
            for liar in (0..<4).filter({ $0 != node.number }).prefix(2) {
                skipped.receive(Small.vote(.precommit, round + 2, nil, -1, by: liar))
            }
            besiege(skipped, &count, &found)
        }
    }

    @Test("no honest validator is ever convicted, however many lie", arguments: 0..<4)
    func nobodyHonest(number: Int) {
        var count = 0
        var found: [ForkTrace] = []
        besiege(SmallNode(number: number), &count, &found)
        #expect(found.isEmpty, "\(String(describing: found.first))")
        #expect(count > 20_000, "\(count) histories")
    }

    @Test("without the locks the same search finds who is convicted")
    func findsForgottenLocks() {
        // The search is able to fail: a validator that forgets its lock is caught by it.
        var node = SmallNode(number: 3)
        node.machine = Consensus(
            height: Small.height, members: Small.members, threshold: 3, leaders: Small.members,
            own: Small.members[3], keepsLocks: false)
        node.take(.start)
        var count = 0
        var found: [ForkTrace] = []
        besiege(node, &count, &found)
        #expect(found.contains { $0.guilty.flatMap(\.offences).map(\.kind) == [.amnesia] })
    }

    // MARK: All the guilty

    private struct Tally {
        var histories = 0
        var forks = 0
        var escapes: [String] = []
    }

    /// The ways in which a node can come to count a quorum of prevotes for a value in a round.
    private func quorums(
        _ node: SmallNode, _ other: SmallNode, _ value: Digest, _ round: UInt32
    ) -> [SmallNode] {
        if node.holds(value, round) { return [node] }
        let own = node.prevotes[round]?.value == value
        let others = other.prevotes[round].flatMap { $0.value == value ? $0 : nil }
        guard own || others != nil else { return [] }
        var found: [SmallNode] = []
        // With the other's prevote, which may need its own ground first.
        var withOther: [SmallNode] = []
        if let others {
            withOther = grounded(node, other, value, others.ground).map { node in
                var next = node
                next.receive(others)
                next.receive(Small.vote(.prevote, round, value, -1, by: 1))
                return next
            }
            found += withOther.filter { $0.holds(value, round) }
        }
        // With the first liar, on each ground that counts.
        for base in own ? [node] : withOther {
            for ground in -1..<Int64(round) {
                for node in grounded(base, other, value, ground) {
                    var next = node
                    next.receive(Small.vote(.prevote, round, value, -1, by: 1))
                    next.receive(Small.vote(.prevote, round, value, ground, by: 0))
                    if next.holds(value, round) { found.append(next) }
                }
            }
        }
        return found
    }

    private func grounded(
        _ node: SmallNode, _ other: SmallNode, _ value: Digest, _ ground: Int64
    ) -> [SmallNode] {
        UInt32(exactly: ground).map { quorums(node, other, value, $0) } ?? [node]
    }

    private func prevoting(_ node: SmallNode, _ other: SmallNode) -> [SmallNode] {
        let round = node.machine.round
        var silent = node
        silent.wait(.propose)
        var found = [silent]
        for value in Small.values {
            for validRound in -1..<Int64(round) {
                for var next in grounded(node, other, value, validRound) {
                    next.propose(value, validRound)
                    if next.prevotes[round]?.value != nil { found.append(next) }
                }
            }
        }
        return found
    }

    private func precommitting(_ node: SmallNode, _ other: SmallNode) -> [SmallNode] {
        let round = node.machine.round
        var silent = node
        silent.wait(.prevote)
        var found = [silent]
        for value in Small.values {
            var asked = node
            asked.propose(value, -1)
            found += quorums(asked, other, value, round).filter { $0.precommits[round] == value }
        }
        return found
    }

    private func explore(_ x: SmallNode, _ y: SmallNode, _ tally: inout Tally) {
        let round = x.machine.round
        let isLast = round + 1 == Small.rounds
        let earlier = Set(x.precommits.values).union(y.precommits.values)
        let prevoted = prevoting(y, x)
        for x in prevoting(x, y) {
            // The two values are alike: the first that is prevoted in round 0 is a.
            if round == 0, x.prevotes[0]?.value == Small.b { continue }
            for y in prevoted {
                let firsts = [x.prevotes[0]?.value, y.prevotes[0]?.value].compactMap { $0 }
                if round == 0, firsts.first == Small.b { continue }
                let precommitted = precommitting(y, x)
                for x in precommitting(x, y) {
                    for y in precommitted {
                        let new = [x, y].compactMap { $0.precommits[round] }
                        let isFork = Set(new).union(earlier).count > 1
                        if isFork, !new.isEmpty { check(x, y, &tally) }
                        tally.histories += 1
                        if isLast { continue }
                        var (next, other) = (x, y)
                        next.wait(.precommit)
                        other.wait(.precommit)
                        explore(next, other, &tally)
                    }
                }
            }
        }
    }

    /// Looks at every pair of certificates, and every choice of their honest witnesses.
    private func check(_ x: SmallNode, _ y: SmallNode, _ tally: inout Tally) {
        struct Certificate {
            let value: Digest
            let round: UInt32
            let witnesses: [SmallNode]
        }
        var certificates: [Certificate] = []
        for round in 0...x.machine.round {
            for value in Small.values {
                let witnesses = [x, y].filter { $0.precommits[round] == value }
                if witnesses.isEmpty { continue }
                certificates.append(Certificate(value: value, round: round, witnesses: witnesses))
            }
        }
        func statements(_ certificate: Certificate, _ witness: SmallNode) -> [TracedStatement] {
            // Three signers: the liars only as far as they are needed.
            let honest = certificate.witnesses.map(\.number)
            return witness.journal
                + (honest + (honest.count == 1 ? [0, 1] : [1])).map {
                    .vote(Small.vote(.precommit, certificate.round, certificate.value, -1, by: $0))
                }
        }
        for first in certificates {
            for second in certificates
            where second.value != first.value && second.round >= first.round {
                for one in first.witnesses {
                    for other in second.witnesses {
                        tally.forks += 1
                        let trace = Small.trace(
                            statements(first, one) + statements(second, other))
                        let guilty = trace.guilty.map { Int($0.validator.rawValue) }
                        if !trace.isFork || guilty != [0, 1] {
                            tally.escapes.append(
                                "\(guilty) of \(first.round), \(second.round):"
                                    + " \(one.prevotes) \(other.prevotes)")
                        }
                    }
                }
            }
        }
    }

    @Test("every fork of two liars among four convicts both, by two signatures each")
    func everyFork() {
        var tally = Tally()
        explore(SmallNode(number: 2), SmallNode(number: 3), &tally)
        #expect(tally.escapes.isEmpty, "\(tally.escapes.count): \(tally.escapes.first ?? "")")
        #expect(tally.forks > 500, "\(tally.forks) forks of \(tally.histories) histories")
    }
}
