// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Hosting
package import Ledger
import Replication

/// Votes for proofs that do not hold and against those that do.
package struct FalseVerdicts: Strategy {
    package static let name = "false-verdicts"

    private enum Manner: Sendable {
        case opposite
        case always(Vote)
        case random
    }

    private let manner: Manner

    package init(random: inout SimulationRandom) {
        let manners: [Manner] = [
            .opposite, .opposite, .always(.approve), .always(.reject), .always(.abstain), .random,
        ]
        manner = random.pick(manners) ?? .opposite
    }

    package mutating func verdict(_ honest: Vote, context: inout ByzantineContext) -> Vote {
        switch manner {
        case .opposite: honest == .approve ? .reject : .approve
        case .always(let vote): vote
        case .random: context.random.pick([.approve, .reject, .abstain]) ?? honest
        }
    }
}
