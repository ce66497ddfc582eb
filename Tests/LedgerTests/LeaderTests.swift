// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

/// A ranking that `Tools/vectors/leader.py` made.
private struct LeaderCase: Decodable {
    struct Member: Decodable {
        let index: UInt16
        let key: String
        let stake: String
        let reputation: UInt64
    }
    let name: String
    let ledger: String
    let kind: Int
    let height: String
    let id: String
    let root: String
    let stakeWeight: UInt32
    let reputationWeight: UInt32
    let raw: Bool
    let candidates: [Member]
    let ranking: [UInt16]

    private func digest(_ text: String) -> Digest { Digest(Bytes32(hex: text) ?? .zero) }

    var seed: Digest {
        let matter: LeaderMatter =
            switch kind {
            case 0: .height(Height(UInt64(height) ?? 0))
            case 1: .request(RequestID(digest(id)))
            default: .job(JobID(digest(id)), root: digest(root))
            }
        return matter.seed(in: LedgerID(digest(ledger)))
    }

    var parameters: Parameters {
        var parameters = Parameters.standard
        parameters.stakeWeight = stakeWeight
        parameters.reputationWeight = reputationWeight
        parameters.normalisation = raw ? .raw : .share
        return parameters
    }

    /// The members; a thousand made by the same rule as in the script where none are listed.
    var members: [Candidate] {
        guard candidates.isEmpty else {
            return candidates.map { member in
                Candidate(
                    index: ValidatorIndex(member.index), key: PublicKey(digest(member.key).value),
                    stake: Stake(UInt64(member.stake) ?? 0),
                    reputation: Reputation(member.reputation))
            }
        }
        return (0..<1000 as Range<UInt32>).map { index in
            var key = BorshWriter()
            key.writeFixed(Array("crowd".utf8))
            key.write(index)
            let share = UInt64.max / 1000 - UInt64(index)
            let all = index == 0 ? UInt64.max : 0
            return Candidate(
                index: ValidatorIndex(UInt16(index)),
                key: PublicKey(Digest(hashing: key.bytes).value),
                stake: Stake(name.hasPrefix("all stake") ? all : share),
                reputation: Reputation(100_000_000 - UInt64(index)))
        }
    }
}

@Suite("leaders")
struct LeaderTests {
    private static func cases() throws -> [LeaderCase] {
        try JSONDecoder().decode([LeaderCase].self, from: Golden.read("leader.json"))
    }

    @Test("leader chosen by walking a hash map: differs between processes")
    func goldenRankings() throws {
        let cases = try Self.cases()
        #expect(cases.count == 38)
        for one in cases {
            let members = one.members
            let ranking = one.parameters.ranking(members, seed: one.seed).map(\.rawValue)
            #expect(ranking == one.ranking, "\(one.name), kind \(one.kind), raw \(one.raw)")
            let reversed = one.parameters.ranking(members.reversed(), seed: one.seed)
            #expect(reversed.map(\.rawValue) == one.ranking, "order of candidates shows")
        }
    }

    @Test("the same rankings in other processes, each with hashing seeded anew")
    func otherProcesses() async {
        for _ in 0..<3 {
            await #expect(processExitsWith: .success) {
                for one in try LeaderTests.cases() where one.candidates.count > 1 {
                    let ranking = one.parameters.ranking(one.members, seed: one.seed)
                    guard ranking.map(\.rawValue) == one.ranking else { exit(1) }
                }
            }
        }
    }

    @Test("a tie goes to the smaller key")
    func ties() {
        let seed = Digest(hashing: [1])
        // No stake and no reputation: every product is zero.
        let members = [3, 1, 2].map { (number: UInt16) in
            Candidate(
                index: ValidatorIndex(number), key: PublicKey(Fixture.element(UInt64(number))),
                stake: Stake(0), reputation: Reputation(0))
        }
        let ranking = Parameters.standard.ranking(members, seed: seed)
        #expect(ranking.map(\.rawValue) == [1, 2, 3])
        #expect(Parameters.standard.ranking([], seed: seed).isEmpty)
    }

    /// How often each of `members` is first over so many heights.
    private func firsts(_ members: [Candidate], _ parameters: Parameters, heights: UInt64) -> [Int]
    {
        let ledger = LedgerID(Digest(hashing: Array("frequency".utf8)))
        var counts = Array(repeating: 0, count: members.count)
        for height in 0..<heights {
            let seed = LeaderMatter.height(Height(height)).seed(in: ledger)
            if let first = parameters.ranking(members, seed: seed).first {
                counts[Int(first.rawValue)] += 1
            }
        }
        return counts
    }

    @Test("equal weights lead equally often, larger ones more often, in order of weight")
    func frequencies() {
        func member(_ number: UInt16, _ stake: UInt64) -> Candidate {
            Candidate(
                index: ValidatorIndex(number), key: Fixture.key(number).publicKey,
                stake: Stake(stake), reputation: Reputation(1_000_000))
        }
        let heights: UInt64 = 5000
        let equal = firsts((0..<10).map { member($0, 100) }, .standard, heights: heights)
        // Chi-square of ten cells: 27.9 is passed by chance once in a thousand. In whole numbers.
        let squares = equal.reduce(0) { $0 + ($1 - 500) * ($1 - 500) }
        #expect(squares < 28 * 500)
        let rising = firsts(
            (0..<4).map { member($0, 100 * (UInt64($0) + 1)) }, .standard, heights: heights)
        #expect(rising == rising.sorted())
        // Two candidates of weights 1 and 3: argmax of U1 against 3 U2 gives the first 1/6.
        var stakeOnly = Parameters.standard
        (stakeOnly.stakeWeight, stakeOnly.reputationWeight) = (1_000_000, 0)
        let pair = firsts([member(0, 100), member(1, 300)], stakeOnly, heights: heights)
        #expect((720...950).contains(pair[0]))
        let alone = firsts([member(0, 0), member(1, 300)], stakeOnly, heights: 100)
        #expect(alone == [0, 100])
    }

    @Test("raw weights are the literal sum, so that stake drowns reputation")
    func raw() {
        func member(_ number: UInt16, _ stake: UInt64, _ reputation: UInt64) -> Candidate {
            Candidate(
                index: ValidatorIndex(number), key: Fixture.key(number).publicKey,
                stake: Stake(stake), reputation: Reputation(reputation))
        }
        var parameters = Parameters.standard
        let members = [member(0, 1, 10_000_000), member(1, 1_000_000_000, 100_000)]
        let shares = firsts(members, parameters, heights: 500)
        parameters.normalisation = .raw
        let literal = firsts(members, parameters, heights: 500)
        // Shares 0.7 against 0.3; literally 7e8 against 3e3.
        #expect((60...160).contains(shares[0]))
        #expect(literal == [0, 500])
    }

    @Test("batch h ranks members and stakes sealed by h - 2 with reputations sealed by h - 1")
    func sealedMembers() throws {
        var scenario = try LedgerScenario(.of(4, 4))
        try scenario.open()
        let stranger = Fixture.key(4).publicKey
        try scenario.send(
            .governance(
                scenario.change(
                    .validatorJoined(key: stranger, name: "newcomer", stake: Stake(100)))))
        try scenario.seal()
        #expect(scenario.state.proposerRanking(height: Height(2)).count == 4)
        try scenario.open()
        try scenario.seal()
        #expect(scenario.state.proposerRanking(height: Height(3)).count == 5)
        let members = (0..<5 as Range<UInt16>).map { number in
            Candidate(
                index: ValidatorIndex(number), key: Fixture.key(number).publicKey,
                stake: Stake(100), reputation: scenario.state.validators[Int(number)].reputation)
        }
        let seed = LeaderMatter.height(Height(3)).seed(in: scenario.ledger)
        #expect(
            scenario.state.proposerRanking(height: Height(3))
                == Parameters.standard.ranking(members, seed: seed))
    }

    @Test("the settlement leader is first of the pinned set; a job's are the first three")
    func otherMatters() throws {
        var scenario = try LedgerScenario(.of(7, 5))
        try scenario.open()
        let request = scenario.request()
        let id = request.id(in: scenario.ledger)
        let events = try scenario.send(.request(request))
        let job = scenario.job()
        try scenario.send(.job(job))
        try scenario.seal()
        let root = scenario.frontier.root
        let assigned = try scenario.open()
        let members = (0..<7 as Range<UInt16>).map { number in
            Candidate(
                index: ValidatorIndex(number), key: Fixture.key(number).publicKey,
                stake: Stake(100), reputation: Reputation(1_000_000))
        }
        let parameters = Parameters.standard
        guard case .roundOpened(let round) = events[1], case .jobAssigned(let drawn) = assigned[1]
        else {
            Issue.record("no round or no assignment")
            return
        }
        let first = parameters.ranking(
            members, seed: LeaderMatter.request(id).seed(in: scenario.ledger))
        #expect(round.leader == first[0])
        let matter = LeaderMatter.job(job.id(in: scenario.ledger), root: root)
        let ranked = parameters.ranking(members, seed: matter.seed(in: scenario.ledger))
        #expect(drawn.validators == Array(ranked.prefix(3)))
    }
}
