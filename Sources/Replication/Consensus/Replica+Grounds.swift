// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger

extension Replica {
    /// The prevotes that a peer lacks, by whole rounds: of each value at least one round, where
    /// there is one, and more as long as an answer has room.
    func grounds(of wanted: [WantedPrevotes]) -> [ConsensusVote] {
        var found: [ConsensusVote] = []
        for want in wanted {
            let held = Set(want.held)
            var count = 0
            for round in consensus.quorums(of: want.value, through: want.through)
            where !held.contains(round) {
                if count > 0, found.count >= ReplicationLimits.votesPerAnswerMax { break }
                count += 1
                for voter in consensus.voters(.prevote, round: round, value: want.value) {
                    found += book.votes(.prevote, round, voter).filter { $0.value == want.value }
                }
            }
        }
        return found
    }
}
