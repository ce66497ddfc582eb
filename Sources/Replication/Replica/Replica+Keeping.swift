// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Ledger

/// What is worth passing on: what this node keeps itself.
extension Replica {
    /// Whether a message that was just taken in is kept, so that others may want it too.
    ///
    /// What could not enter the ledger is not kept, nor what is over a bound, nor what answers one
    /// peer.
    package func keeps(_ message: PeerMessage, from peer: ValidatorIndex?) -> Bool {
        switch message {
        case .command(let message):
            pool.contains(message, in: state.ledger)
        case .proposal(let proposal):
            proposals.contains { $0 == proposal }
                || proposal.height == state.height && proposal.value == frontier.root
                || catchingUp.holdsEarly(.proposal(proposal), of: peer)
        case .vote(let vote):
            book.contains(vote) || lastBook.contains(vote)
                || catchingUp.holdsEarly(.vote(vote), of: peer)
        case .status, .want, .batch, .wantSnapshot, .snapshotPart: false
        }
    }
}
