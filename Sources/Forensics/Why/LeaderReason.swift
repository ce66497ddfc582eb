// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a validator proposed a batch.
enum LeaderReason {
    static func explain(_ height: Height, _ source: WhySource) throws(WhyError) -> Explanation {
        let (start, entries) = try source.batch(height)
        guard case .batchOpened(let event)? = entries.first?.event else { throw .notFound }
        return explanation(start, event, try source.standing(atOpening: start), source.path)
    }

    private static func explanation(
        _ entry: UInt64, _ event: BatchOpened, _ standing: Standing, _ path: String
    ) -> Explanation {
        let sealed = standing.sealed
        let name = standing.names.name(of:)
        let candidates = sealed.members.map { member in
            Candidate(
                index: member.index, key: member.key, stake: member.stake,
                reputation: standing.reputations[member.index] ?? Reputation(0))
        }
        let seed = LeaderMatter.height(event.height).seed(in: standing.ledger)
        let ranking = sealed.parameters.ranking(candidates, seed: seed)
        let weights = sealed.parameters.weights(candidates)
        let total = weights.reduce(0, +)
        var result = Explanation("leader of batch \(event.height.rawValue)", .leader)
        result.names = standing.names
        let first = result.chain.add(
            nil, "the seed of height \(event.height.rawValue)", .seed(seed, sealed.parameters))
        for candidate in candidates {
            result.chain.add(
                standing.moved[candidate.index],
                "\(name(candidate.index)): stake \(candidate.stake.rawValue),"
                    + " reputation \(UTC.points(candidate.reputation))",
                .candidate(candidate), causes: [first])
        }
        result.stated = stated(event, ranking)
        result.say(
            "\(name(event.proposer)) proposed batch \(event.height.rawValue) at"
                + " \(UTC.text(event.time)), in round \(event.round).",
            rule: "round r is led by rank r mod N", amount: "round \(event.round)", entry: entry)
        let before = event.height.rawValue - min(2, event.height.rawValue)
        result.say(
            "The \(Words.count(candidates.count, "member")) that batch \(before) sealed were"
                + " ranked, by their reputations after the batch before.",
            rule: "members and stakes of h - 2, reputations of h - 1")
        result.say(
            "The seed is the hash of the ledger's identity and the height, \(seed.hex); nobody can"
                + " choose either.", rule: "SHA-256 of recount/leader/v1, ledger, 0, height")
        for (rank, index) in ranking.enumerated().prefix(8) {
            guard let place = candidates.firstIndex(where: { $0.index == index }) else { continue }
            let hash = Digest(hashing: seed.bytes + candidates[place].key.bytes)
            let share = total == 0 ? 0 : weights[place] * 10_000 / total
            result.say(
                "Rank \(rank): \(name(index)), hash \(hash.hex.prefix(16))…, weight"
                    + " \(weights[place]), \(share / 100).\(share % 100 / 10)\(share % 10) % of"
                    + " all.",
                rule: "the largest H(seed || key) * weight first", amount: "\(weights[place])",
                entry: standing.moved[index])
        }
        result.proof = "recount audit \(path)"
        return result
    }

    /// The ranking, where the log's proposer is the one whose turn it was; else what the log says.
    private static func stated(_ event: BatchOpened, _ ranking: [ValidatorIndex]) -> String {
        let due = ranking.isEmpty ? nil : ranking[Int(event.round) % ranking.count]
        guard due == event.proposer else {
            return "proposer \(event.proposer.rawValue) in round \(event.round)"
        }
        return ranking.map { "\($0.rawValue)" }.joined(separator: " ")
    }
}
