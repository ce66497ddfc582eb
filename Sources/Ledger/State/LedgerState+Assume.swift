// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Goes on under other rules than the ledger's own, as if some had never been validators.
    ///
    /// For those who ask what would have been: what is derived from here on is nobody's ledger. The
    /// parameters need not be safe, but must leave somebody to vote.
    /// - Precondition: The last batch is sealed, and the scale takes a whole reputation a day at
    ///   most.
    package mutating func assume(
        _ parameters: Parameters, _ scale: ReputationScale, without absent: [ValidatorIndex]
    ) {
        invariant(phase == .sealed, "other rules within a batch")
        invariant(
            scale.decay <= ReputationScale.decayUnits,
            "a day that takes \(scale.decay) ten-thousandths")
        self.parameters = parameters
        self.scale = scale
        for index in absent where members.contains(index) {
            validators[Int(index.rawValue)].end(at: height)
            members.removeAll { $0 == index }
        }
        sealedLast = sealedMembers
        sealedBefore = sealedLast
    }
}
