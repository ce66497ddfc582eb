// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Lets few see its prevotes and passes none on, so that quorums form which the others lack as the
/// ground of what comes next.
package struct WithheldPrevotes: Strategy {
    package static let name = "withheld-prevotes"

    /// Whether the few are others in each round.
    private let isRestless: Bool
    private var chosen: [ValidatorIndex] = []
    private var position: (height: Height, round: UInt32)?

    package init(random: inout SimulationRandom) {
        isRestless = random.happens(perMille: 600)
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .vote(let vote) = message, vote.kind == .prevote else { return nil }
            // What others lack of earlier rounds they do not get here.
            if let peer, !chosen.contains(peer) { return [] }
            if let peer { return message.send(to: [peer]) }
            let isNew = position.map { $0 != (vote.height, vote.round) } ?? true
            if isNew, isRestless || chosen.isEmpty {
                chosen = context.halves().0
                position = (vote.height, vote.round)
            }
            return message.send(to: chosen)
        }
    }
}
