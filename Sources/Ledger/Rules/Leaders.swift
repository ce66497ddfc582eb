// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A validator with what its place in a ranking rests on.
package struct Candidate: Sendable {
    /// The validator.
    package let index: ValidatorIndex
    /// Its key.
    package let key: PublicKey
    /// Its stake.
    package let stake: Stake
    /// Its reputation.
    package let reputation: Reputation

    /// Stake and reputation as they count here, whatever they are now.
    package init(index: ValidatorIndex, key: PublicKey, stake: Stake, reputation: Reputation) {
        self.index = index
        self.key = key
        self.stake = stake
        self.reputation = reputation
    }
}

/// What a ranking is for: the kind byte of the seed and what follows it.
package enum LeaderMatter: Sendable {
    /// Who proposes a batch.
    case height(Height)
    /// Who submits a settlement.
    case request(RequestID)
    /// Who runs a job; `root` is that of the log before its assignment.
    case job(JobID, root: Digest)

    /// SHA-256 of Borsh of (`recount/leader/v1`, ledger id, kind, height | request | job, root).
    package func seed(in ledger: LedgerID) -> Digest {
        var writer = BorshWriter(domain: "recount/leader/v1")
        writer.write(ledger)
        switch self {
        case .height(let height):
            writer.write(UInt8(0))
            writer.write(height)
        case .request(let request):
            writer.write(UInt8(1))
            writer.write(request)
        case .job(let job, let root):
            writer.write(UInt8(2))
            writer.write(job)
            writer.write(root)
        }
        return Digest(hashing: writer.bytes)
    }
}

/// `H(seed || key) * weight` in full width: 384 bits as six words, most significant first.
struct LeaderScore: Comparable {
    private let high: UInt128
    private let middle: UInt128
    private let low: UInt128

    /// Multiplies a digest, read as a big-endian integer, by a weight.
    init(_ digest: Digest, weight: UInt128) {
        let words = digest.value.bigEndianWords
        let upper = UInt128(words.0) << 64 | UInt128(words.1)
        let lower = UInt128(words.2) << 64 | UInt128(words.3)
        let first = lower.multipliedFullWidth(by: weight)
        let second = upper.multipliedFullWidth(by: weight)
        low = first.low
        let (sum, carry) = first.high.addingReportingOverflow(second.low)
        middle = sum
        // The product of 256 and 128 bits fits 384: this addition cannot overflow.
        high = second.high + (carry ? 1 : 0)
    }

    static func < (left: LeaderScore, right: LeaderScore) -> Bool {
        if left.high != right.high { return left.high < right.high }
        if left.middle != right.middle { return left.middle < right.middle }
        return left.low < right.low
    }
}

extension Parameters {
    /// The weight of each candidate, in an integer scale of its own.
    ///
    /// Shares: `w_i = 700000 * stake_i * sumReputation + 300000 * reputation_i * sumStake`, below
    /// 2^122 with the bounds of `Limits`. Raw: `700000 * 1000 * stake + 300000 * thousandths`.
    package func weights(_ candidates: [Candidate]) -> [UInt128] {
        let stakes = candidates.reduce(UInt128(0)) { $0 + UInt128($1.stake.rawValue) }
        let reputations = candidates.reduce(UInt128(0)) { $0 + UInt128($1.reputation.rawValue) }
        let weights = candidates.map { candidate in
            let stake = UInt128(candidate.stake.rawValue)
            let reputation = UInt128(candidate.reputation.rawValue)
            switch normalisation {
            case .share:
                return UInt128(stakeWeight) * stake * reputations
                    + UInt128(reputationWeight) * reputation * stakes
            case .raw:
                return UInt128(stakeWeight) * UInt128(ReputationScale.thousandthsPerPoint) * stake
                    + UInt128(reputationWeight) * reputation
            }
        }
        invariant(
            weights.reduce(0, &+) == sumOfWeights(stakes, reputations),
            "the weights of \(candidates.count) candidates do not add up")
        return weights
    }

    /// What weights add up to, by the sums of stakes and reputations. Modulo 2^128: it holds beyond
    /// the bounds of `Limits` too, whose candidates others may ask about.
    private func sumOfWeights(_ stakes: UInt128, _ reputations: UInt128) -> UInt128 {
        switch normalisation {
        case .share:
            (UInt128(stakeWeight) + UInt128(reputationWeight)) &* stakes &* reputations
        case .raw:
            UInt128(stakeWeight) * UInt128(ReputationScale.thousandthsPerPoint) &* stakes
                &+ UInt128(reputationWeight) &* reputations
        }
    }

    /// Ranks candidates once by `H(seed || key) * weight`, the largest first; a tie goes to the
    /// smaller key. Round r is led by rank `r mod N`.
    package func ranking(_ candidates: [Candidate], seed: Digest) -> [ValidatorIndex] {
        let start = seed.bytes
        let scored = zip(candidates, weights(candidates)).map { candidate, weight in
            let score = LeaderScore(Digest(hashing: start + candidate.key.bytes), weight: weight)
            return (candidate: candidate, score: score)
        }
        invariant(
            scored.count == candidates.count, "\(scored.count) of \(candidates.count) are ranked")
        return scored.sorted { left, right in
            left.score == right.score
                ? left.candidate.key < right.candidate.key : left.score > right.score
        }.map(\.candidate.index)
    }
}

extension LedgerState {
    func ranking(
        _ candidates: [Candidate], for matter: LeaderMatter, _ parameters: Parameters
    ) -> [ValidatorIndex] {
        parameters.ranking(candidates, seed: matter.seed(in: ledger))
    }

    /// Who may propose the next batch, in rank.
    ///
    /// Ranks the members and stakes sealed by the batch before the last with the reputations now,
    /// which the last batch sealed.
    /// - Precondition: no batch is open.
    package func proposerRanking(height: Height) -> [ValidatorIndex] {
        let candidates = sealedLast.members.map { member in
            Candidate(
                index: member.index, key: member.key, stake: member.stake,
                reputation: validators[Int(member.index.rawValue)].reputation)
        }
        return ranking(candidates, for: .height(height), sealedLast.parameters)
    }

    /// Who submits the settlement of a request, in rank: those whose votes count in its round.
    package func requestRanking(_ pinned: PinnedSet, _ id: RequestID) -> [ValidatorIndex] {
        let candidates = pinned.members.map { member in
            Candidate(
                index: member.index, key: member.key, stake: member.stake,
                reputation: member.reputation)
        }
        return ranking(candidates, for: .request(id), parameters)
    }
}
