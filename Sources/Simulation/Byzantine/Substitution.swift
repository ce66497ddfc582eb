// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication

/// Proposals that a liar makes in the place of those that its host holds for its own.
struct Substitution: Sendable {
    private var entries: [(held: Proposal, said: Proposal)] = []

    /// Replaces a first proposal of the node's own, always by the same, and its votes on it.
    ///
    /// Nil where a message may stay as it is.
    /// - Parameters:
    ///   - hasSupport: Whether the votes of all liars go with a proposal.
    ///   - make: Returns what is proposed instead; nil for nothing else.
    mutating func replace(
        _ message: PeerMessage, to peer: ValidatorIndex?, _ context: inout ByzantineContext,
        hasSupport: Bool, make: (Proposal, inout ByzantineContext) -> Proposal?
    ) -> [HostOutput]? {
        switch message {
        case .proposal(let held)
        where held.proposer == context.own.index && held.validRound == -1
            && held.height == context.nextHeight:
            if let entry = entries.last(where: { $0.held == held }) {
                return [PeerMessage.proposal(entry.said).leaving(to: peer)]
            }
            guard let said = make(held, &context) else { return nil }
            entries.append((held, said))
            if entries.count > 8 { entries.removeFirst() }
            let support =
                hasSupport ? context.support(said.height, said.round, said.value) : []
            return [PeerMessage.proposal(said).leaving(to: peer)] + support.map(\.broadcast)
        case .vote(let vote) where vote.validator == context.own.index:
            guard
                let entry = entries.last(where: {
                    $0.held.height == vote.height && $0.held.value == vote.value
                })
            else { return nil }
            let said = context.vote(
                vote.kind, vote.height, vote.round, entry.said.value, ground: vote.ground,
                by: context.own)
            return [PeerMessage.vote(said).leaving(to: peer)]
        default: return nil
        }
    }
}
