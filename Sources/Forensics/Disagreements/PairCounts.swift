// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Two validators and how often they voted alike against the rest.
package struct PairFinding: Encodable, Equatable, Sendable {
    /// Both names, by number.
    package let validators: [String]
    /// Rounds in which both voted and one side was the largest.
    package let rounds: UInt64
    /// Those of them in which the first was against the rest.
    package let firstAgainst: UInt64
    /// The same of the second.
    package let secondAgainst: UInt64
    /// Those in which both were, with the same vote.
    package let together: UInt64
    /// As many as chance would bring on average, in thousandths, rounded down.
    package let expectedThousandths: UInt64
    /// Chance alone brings so many or more in at most one of so many cases, for this pair alone.
    package let oneIn: UInt64
    /// The same for whichever of all pairs that were judged.
    package let oneInOfAll: UInt64
    /// Whether that is more often than chance explains: see `PairCounts.oneInMin`.
    package let isFound: Bool
}

/// Who voted in which round, and who was against the rest, for the comparison of pairs.
///
/// Takes a bit for each validator and round, and a little more for each vote against the rest.
struct PairCounts {
    /// A pair is judged from so many rounds together against the rest on.
    static let togetherMin = 5
    /// A pair is found where chance brings it in at most one of so many ledgers.
    static let oneInMin: UInt128 = 1_000
    /// Pairs that are told.
    static let pairsMax = 1_000

    private struct Record {
        /// A bit for each round in which it voted.
        var voted: [UInt64] = []
        /// The rounds in which it was against the rest, in order, with what it said.
        var against: [(round: UInt32, said: String)] = []
    }

    private var rounds: UInt32 = 0
    private var records: [Record] = []

    /// Counts the round of a request with one largest side; other rounds tell nothing of pairs.
    mutating func add(_ round: VotedRound) {
        guard !round.isJob, round.mostSaid != nil, rounds < .max else { return }
        for ballot in round.ballots {
            let place = Int(ballot.validator.rawValue)
            while records.count <= place { records.append(Record()) }
            let word = Int(rounds / 64)
            while records[place].voted.count <= word { records[place].voted.append(0) }
            records[place].voted[word] |= 1 << UInt64(rounds % 64)
            if round.isAgainst(ballot) { records[place].against.append((rounds, ballot.said)) }
        }
        rounds += 1
    }

    /// The pairs that were often enough together against the rest, and how many were judged.
    func findings(_ names: LedgerNames) -> (pairs: [PairFinding], judged: UInt64) {
        let those = records.indices.filter { records[$0].against.count >= Self.togetherMin }
        // Whoever was against the rest so often belongs to a pair that could have been found.
        let judged = UInt64(those.count * max(0, those.count - 1) / 2)
        var pairs: [PairFinding] = []
        for (place, one) in those.enumerated() {
            for other in those[(place + 1)...] {
                guard let pair = finding(one, other, judged, names) else { continue }
                pairs.append(pair)
            }
        }
        pairs.sort { one, other in
            (other.oneIn, other.together, one.validators[0], one.validators[1])
                < (one.oneIn, one.together, other.validators[0], other.validators[1])
        }
        return (Array(pairs.prefix(Self.pairsMax)), judged)
    }

    private func finding(
        _ one: Int, _ other: Int, _ judged: UInt64, _ names: LedgerNames
    ) -> PairFinding? {
        let (first, second) = (records[one], records[other])
        let together = Self.together(first, second)
        guard together >= Self.togetherMin else { return nil }
        let rounds = zip(first.voted, second.voted).reduce(UInt64(0)) { sum, words in
            sum + UInt64((words.0 & words.1).nonzeroBitCount)
        }
        let firstAgainst = Self.count(first, where: second)
        let secondAgainst = Self.count(second, where: first)
        let oneIn = ChanceTail.oneIn(
            rounds: rounds, first: firstAgainst, second: secondAgainst,
            together: UInt64(together))
        let ofAll = oneIn / UInt128(judged)
        return PairFinding(
            validators: [one, other].map { names.name(of: ValidatorIndex(UInt16($0))) },
            rounds: rounds, firstAgainst: firstAgainst, secondAgainst: secondAgainst,
            together: UInt64(together),
            expectedThousandths: UInt64(
                UInt128(firstAgainst) * UInt128(secondAgainst) * 1_000 / UInt128(rounds)),
            oneIn: UInt64(clamping: oneIn), oneInOfAll: UInt64(clamping: ofAll),
            isFound: ofAll >= Self.oneInMin)
    }

    /// How often both were against the rest with the same vote.
    private static func together(_ first: Record, _ second: Record) -> Int {
        var count = 0
        var place = 0
        for vote in first.against {
            while place < second.against.count, second.against[place].round < vote.round {
                place += 1
            }
            guard place < second.against.count else { break }
            if second.against[place] == vote { count += 1 }
        }
        return count
    }

    /// How often one was against the rest where the other voted too.
    private static func count(_ one: Record, where other: Record) -> UInt64 {
        UInt64(
            one.against.count { vote in
                let word = Int(vote.round / 64)
                return word < other.voted.count
                    && other.voted[word] >> UInt64(vote.round % 64) & 1 == 1
            })
    }
}
