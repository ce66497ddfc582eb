// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication

/// All forks of two honest validators, 2 and 3, and two liars, 0 and 1.
///
/// With one liar there are none, and with three there is no claim. What is left out beyond what
/// `ForkExhaustionTests` says, and why nothing is lost by it:
/// - that liar 0 is convicted, whatever it does and whatever liar 1 does, is that both are, since
///   they are alike. Liar 1 prevotes everything on no ground, which always counts, and takes
///   nothing from liar 0;
/// - the honest depend on each other by their prevotes alone. So the ways of each are gone through
///   once, for whatever the other may have prevoted, and two ways make a history where each has
///   said what the other took. (A history is a pair of ways, so that this leaves out none.)
/// - of two ways of a validator in which it says the same, one that takes less is as good: its
///   machine has the same locks, it can take the rest later, and what a liar does not say
///   does not convict it. So only those are followed that take the fewest prevotes: no other says
///   the same and takes a part of them;
/// - the value decided first is called a, and the precommitter whose journal is shown for it
///   2: values are alike, and so are the honest, but that 2 leads a round, in which others are
///   heard to lead as well;
/// - a history that has forked goes on, in silence among others, to the last round; so forks are
///   counted there alone, for every pair of certificates and every choice of honest witnesses;
/// - a certificate has three signers, the liars only as far as they are needed;
/// - who is convicted depends on what the liars said in what is shown: that is traced once of each
///   kind, with the whole journals of the first history of it. What the honest said is traced of
///   every way.
struct ForkSearch {
    /// Whether prevotes count only where those of their ground do, as they must.
    var countsGrounds = true

    struct Result {
        /// The ways of each of the honest.
        var ways: [Int] = []
        /// The pairs of them that can be, where values are precommitted that differ.
        var histories = 0
        /// The forks in them: pairs of certificates, with witnesses.
        var forks = 0
        /// What liars say in them, each once.
        var kinds = 0
        /// The forks in which other than both liars are convicted.
        var escapes: [String] = []

        var summary: String {
            "\(ways) ways, \(histories) histories, \(forks) forks, \(kinds) kinds of them"
        }
    }

    var result: Result {
        var result = Result()
        let ways = [2, 3].map(ways(of:))
        result.ways = ways.map(\.count)
        for way in ways.joined() {
            let trace = Small.trace(way.node.journal)
            if trace.guilty.contains(where: { $0.validator >= Small.members[2] }) {
                result.escapes.append("honest: \(trace)")
            }
        }
        var seen: Set<UInt64> = []
        let others = ways[1].map(\.bits)
        for x in ways[0] where x.bits.precommits & Way.ofA != 0 {
            for index in others.indices where x.bits.isHistory(with: others[index]) {
                result.histories += 1
                count(x, ways[1][index], &seen, &result)
            }
        }
        result.kinds = seen.count
        return result
    }

    /// Goes through the pairs of certificates of which 2 witnesses the first.
    private func count(_ x: Way, _ y: Way, _ seen: inout Set<UInt64>, _ result: inout Result) {
        for first in 0..<Small.rounds where x.hasPrecommitted(Small.a, first) {
            for second in first..<Small.rounds {
                for other in [x, y] where other.hasPrecommitted(Small.b, second) {
                    result.forks += 1
                    let isFirstShared = y.hasPrecommitted(Small.a, first)
                    let signers = [x, y].filter { $0.hasPrecommitted(Small.b, second) }
                    let isOther = other.node.number == y.node.number
                    let said = x.bits.taken | (isOther ? y.bits.taken : 0)
                    let rounds = UInt64(first) << 2 | UInt64(second)
                    let shared: UInt64 = (isFirstShared ? 2 : 0) | (signers.count > 1 ? 1 : 0)
                    let kind = (said & Way.ofLiars) << 6 | rounds << 2 | shared
                    guard seen.insert(kind).inserted else { continue }
                    let trace = Small.trace(
                        x.node.journal
                            + (isOther ? y.node.journal : [])
                            + certificate(first, Small.a, isFirstShared ? [x, y] : [x])
                            + certificate(second, Small.b, signers))
                    let guilty = trace.guilty.map { Int($0.validator.rawValue) }
                    if trace.isFork, guilty == [0, 1] { continue }
                    result.escapes.append(
                        "\(guilty) of \(first), \(second): \(x.node.prevotes) \(y.node.prevotes)")
                }
            }
        }
    }

    private func certificate(
        _ round: UInt32, _ value: Digest, _ signers: [Way]
    ) -> [TracedStatement] {
        let honest = signers.map(\.node.number)
        return (honest + (honest.count == 1 ? [0, 1] : [1])).map {
            .vote(Small.vote(.precommit, round, value, -1, by: $0))
        }
    }

    // MARK: The ways of one

    /// Those that take the fewest prevotes, in an order that is always the same.
    private func ways(of number: Int) -> [Way] {
        var ways = [Way(node: SmallNode(number: number, countsGrounds: countsGrounds))]
        for round in 0..<Small.rounds {
            ways = fewest(ways.flatMap(prevoting))
            ways = fewest(ways.flatMap(precommitting))
            guard round + 1 < Small.rounds else { break }
            for index in ways.indices { ways[index].wait(.precommit) }
        }
        return ways
    }

    private func fewest(_ ways: [Way]) -> [Way] {
        var order: [Way.Words] = []
        var groups: [Way.Words: [Way]] = [:]
        for way in ways {
            let words = Way.Words(prevotes: way.bits.prevotes, precommits: way.bits.precommits)
            var group = groups.removeValue(forKey: words) ?? []
            if group.isEmpty { order.append(words) }
            if !group.contains(where: { $0.bits.taken & ~way.bits.taken == 0 }) {
                group.removeAll { way.bits.taken & ~$0.bits.taken == 0 }
                group.append(way)
            }
            groups[words] = group
        }
        return order.flatMap { groups[$0] ?? [] }
    }

    private func prevoting(_ way: Way) -> [Way] {
        let round = way.node.machine.round
        var silent = way
        silent.wait(.propose)
        var found = [silent]
        for value in Small.values {
            for validRound in -1..<Int64(round) {
                let ground = UInt32(exactly: validRound)
                for var next in ground.map({ quorums(way, value, $0) }) ?? [way] {
                    next.propose(value, validRound)
                    if next.node.prevotes[round]?.value != nil { found.append(next) }
                }
            }
        }
        return found
    }

    private func precommitting(_ way: Way) -> [Way] {
        let round = way.node.machine.round
        var silent = way
        silent.wait(.prevote)
        var found = [silent]
        for value in Small.values {
            var asked = way
            asked.propose(value, -1)
            found += quorums(asked, value, round).filter { $0.node.precommits[round] == value }
        }
        return found
    }

    /// The ways in which one comes to count three prevotes for a value in a round: those of liar 1
    /// and of two of itself, the other and liar 0.
    private func quorums(_ way: Way, _ value: Digest, _ round: UInt32) -> [Way] {
        if way.node.holds(value, round) { return [way] }
        let withOther = taking(way, 5 - way.node.number, value, round)
        let withTwo =
            way.node.prevotes[round]?.value == value
            ? withOther + taking(way, 0, value, round)
            : withOther.flatMap { taking($0, 0, value, round) }
        return fewest(
            withTwo.map { way in
                var next = way
                next.receive(Small.vote(.prevote, round, value, -1, by: 1))
                return next
            }
        ).filter { $0.node.holds(value, round) }
    }

    /// The ways in which a prevote of another comes to count, on each ground. The honest prevotes
    /// once in a round.
    private func taking(_ way: Way, _ speaker: Int, _ value: Digest, _ round: UInt32) -> [Way] {
        (-1..<Int64(round)).flatMap { ground -> [Way] in
            let vote = Small.vote(.prevote, round, value, ground, by: speaker)
            if speaker > 1, way.hasTakenAnother(than: vote) { return [] }
            let grounded =
                countsGrounds ? UInt32(exactly: ground).map { quorums(way, value, $0) } : nil
            return (grounded ?? [way]).compactMap { way in
                if speaker > 1, way.hasTakenAnother(than: vote) { return nil }
                var next = way
                next.receive(vote)
                return next
            }
        }
    }
}

/// One way of an honest validator through the rounds.
struct Way {
    /// All that it took and said.
    ///
    /// Prevotes for values are bits: twelve of them, by round, value and ground.
    struct Bits {
        /// The prevotes that it took, of liar 0, of liar 1 and of the other, from the lowest bit.
        var taken: UInt64 = 0
        /// Those that it cast.
        var prevotes: UInt64 = 0
        /// The values that it precommitted: two bits a round.
        var precommits: UInt64 = 0

        var takenOfOther: UInt64 { taken >> 24 }

        /// Whether each has said what the other took, and they precommitted values that differ.
        func isHistory(with other: Bits) -> Bool {
            let both = precommits | other.precommits
            return takenOfOther & ~other.prevotes == 0 && other.takenOfOther & ~prevotes == 0
                && both & Way.ofA != 0 && both & (Way.ofA << 1) != 0
        }
    }

    /// All that it said.
    struct Words: Hashable {
        let prevotes: UInt64
        let precommits: UInt64
    }

    /// The bits of both liars in `taken`.
    static let ofLiars: UInt64 = 1 << 24 - 1
    /// The bits of a in `precommits`.
    static let ofA: UInt64 = 0b010101

    private(set) var node: SmallNode
    private(set) var bits = Bits()

    init(node: SmallNode) { self.node = node }

    private static func bit(_ vote: ConsensusVote) -> UInt64 {
        guard let value = vote.value else { return 0 }
        let round = Int(vote.round)
        let place = round * (round + 1) + (value == Small.a ? 0 : round + 1) + Int(vote.ground) + 1
        return 1 << UInt64(place)
    }

    /// The bits of a round.
    private static func bits(_ round: UInt32) -> UInt64 {
        let count = 2 * UInt64(round + 1)
        return (1 << count - 1) << (UInt64(round) * UInt64(round + 1))
    }

    func hasPrecommitted(_ value: Digest, _ round: UInt32) -> Bool {
        bits.precommits & (value == Small.a ? 1 : 2) << UInt64(2 * round) != 0
    }

    /// Whether the other honest one is known to have prevoted something else in the round.
    func hasTakenAnother(than vote: ConsensusVote) -> Bool {
        bits.takenOfOther & Self.bits(vote.round) & ~Self.bit(vote) != 0
    }

    mutating func receive(_ vote: ConsensusVote) {
        node.receive(vote)
        let speaker = UInt64(min(vote.validator.rawValue, 2))
        bits.taken |= Self.bit(vote) << (12 * speaker)
        note()
    }

    mutating func propose(_ value: Digest, _ validRound: Int64) {
        node.propose(value, validRound)
        note()
    }

    mutating func wait(_ kind: Consensus.Timeout.Kind) {
        node.wait(kind)
        note()
    }

    private mutating func note() {
        bits.prevotes = node.prevotes.values.reduce(0) { $0 | Self.bit($1) }
        bits.precommits = node.precommits.reduce(0) { all, cast in
            all | (cast.value == Small.a ? 1 : 2) << UInt64(2 * cast.key)
        }
    }
}
