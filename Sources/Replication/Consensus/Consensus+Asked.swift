// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What a replica asks in order to pass messages on.
extension Consensus {
    /// Whether a quorum has prevoted or precommitted a value in some round, so that its proposal is
    /// wanted however many others there are.
    func isBacked(_ value: Digest) -> Bool {
        rounds.indices.contains {
            rounds[$0].prevotes.isChosen(value) || rounds[$0].precommits.isChosen(value)
        }
    }

    /// A value that a quorum has precommitted while its batch is lacking here or at others.
    var precommitted: (round: UInt32, value: Digest)? {
        guard let round = decidingRounds.first, let kept = messages(of: round) else { return nil }
        return kept.precommits.chosenValue.map { (round, $0) }
    }
}
