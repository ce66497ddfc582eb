// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Approves a request to some peers and rejects it to the others.
package struct TwoFacedVerdicts: Strategy {
    package static let name = "two-faced-verdicts"

    package init(random: inout SimulationRandom) {}

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .command(let command) = message, peer == nil,
                command.sender == context.own.key.publicKey,
                let other = command.contrary(by: context.own.key, in: context.ledger)
            else { return nil }
            let (first, second) = context.halves()
            return message.send(to: first) + PeerMessage.command(other).send(to: second)
        }
    }
}

extension Message {
    /// The same vote, or list of votes, saying the contrary; nil for another message.
    func contrary(by key: SigningKey, in ledger: LedgerID) -> Message? {
        switch self {
        case .vote(var vote):
            vote.vote = vote.vote == .approve ? .reject : .approve
            vote.reason = vote.vote == .approve ? .proofHolds : .proofFails
            return .vote(vote.signed(by: key, in: ledger))
        case .votes(var list):
            list.votes = list.votes.map { vote in
                guard case .shown(let request, let said, _) = vote else { return vote }
                return said == .approve
                    ? .shown(request: request, vote: .reject, reason: .proofFails)
                    : .shown(request: request, vote: .approve, reason: .proofHolds)
            }
            return .votes(list.signed(by: key, in: ledger))
        default: return nil
        }
    }
}
