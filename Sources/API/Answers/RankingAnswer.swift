// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Projections

/// Who leads a batch or request, and how the ranking came about: what `recount show leader --json`
/// prints.
package struct RankingAnswer: Codable, Sendable {
    /// A candidate in its rank.
    package struct Ranked: Codable, Sendable {
        /// Its rank, from 0.
        package var rank: Int
        /// The validator's number, from 0.
        package var validator: UInt64
        /// Its name.
        package var name: String?
        /// Its key: 64 hexadecimal digits.
        package var key: String
        /// Its stake.
        package var stake: UInt64
        /// Its reputation, in thousandths of a point.
        package var reputation: UInt64
        /// Its share of the weights.
        package var weightShare: Double
        /// How likely its weight was to come first.
        package var chance: Double
    }

    /// The batch, where it is one.
    package var batch: UInt64?
    /// The request, where it is one.
    package var request: UInt64?
    /// Its identity: 64 hexadecimal digits.
    package var requestID: String?
    /// Who led.
    package var leader: UInt64?
    /// What the leader is called.
    package var leaderName: String?
    /// Of a batch, how many in rank were passed over.
    package var passedOver: UInt64?
    /// Whether it is the batch that comes next.
    package var isNext: Bool
    /// The candidates by rank.
    package var ranking: [Ranked]

    /// The ranking of what is called so: a batch by its height, the next one where it is nil; or a
    /// request by its entry or the first digits of its identity.
    package init(
        _ name: String?, isRequest: Bool, _ views: LedgerViews
    ) throws(ViewError) {
        let names = try views.validatorNames()
        if isRequest, let name {
            let entry = try views.request(called: name)
            guard let row = try views.ranking(ofRequest: entry) else { throw .notFound }
            self.init(row, names)
            return
        }
        var height: UInt64 = 0
        if let name {
            guard let number = UInt64(name) else { throw .notAName }
            height = number
        } else if let last = try views.lastHeight() {
            height = last + 1
        }
        guard let row = try views.ranking(ofBatch: height) else { throw .notFound }
        self.init(row, names)
    }

    private init(_ row: RankingView, _ names: [UInt64: String]) {
        let weights = row.ranked.map { Double($0.weight) }
        let sum = weights.reduce(0, +)
        let chances = LeaderPrediction.probabilities(weights)
        batch = row.kind == .batches ? row.number : nil
        request = row.kind == .requests ? row.number : nil
        requestID = row.requestID
        leader = row.led?.leader
        leaderName = row.led.flatMap { names[$0.leader] }
        passedOver = row.kind == .batches ? row.led?.round : nil
        isNext = row.led == nil
        ranking = row.ranked.enumerated().map { rank, candidate in
            Ranked(
                rank: rank, validator: candidate.validator, name: names[candidate.validator],
                key: candidate.key, stake: candidate.stake, reputation: candidate.reputation,
                weightShare: sum > 0 ? weights[rank] / sum : 0, chance: chances[rank])
        }
    }
}
