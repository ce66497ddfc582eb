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
        guard let round = decidingRounds.first else { return nil }
        let place = place(of: round)
        invariant(place.isKept, "round \(round) decides, and nothing of it is kept")
        let kept = rounds[place.index]
        let value = kept.precommits.chosenValue
        invariant(value != nil, "round \(round) decides, and no value has a quorum in it")
        return value.map { (round, $0) }
    }
}
