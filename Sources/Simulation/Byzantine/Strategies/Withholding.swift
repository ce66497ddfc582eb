// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Hosting
import Ledger
import Replication

/// Keeps messages to itself: all, those to some peers, or those of some kinds, for spells of time.
package struct Withholding: Strategy {
    package static let name = "withholding"

    private enum Scope: Sendable {
        case everything
        case somePeers
        case proposals
        case prevotes
        case precommits
        case commands
        case statuses
        case batches
    }

    private let scope: Scope
    /// Whether it never speaks freely.
    private let isConstant: Bool
    private var isActive = true
    private var victims: [ValidatorIndex]?

    package init(random: inout SimulationRandom) {
        let scopes: [Scope] = [
            .everything, .somePeers, .somePeers, .proposals, .prevotes, .precommits, .commands,
            .statuses, .batches,
        ]
        scope = random.pick(scopes) ?? .everything
        isConstant = random.happens(perMille: 500)
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        guard isActive else { return outputs }
        if case .everything = scope { return outputs.filter { !$0.leaves } }
        let victims = self.victims ?? context.halves().0
        self.victims = victims
        return outputs.rewritten { message, peer in
            if case .somePeers = scope {
                if let peer { return victims.contains(peer) ? [] : nil }
                return message.send(to: context.others.filter { !victims.contains($0) })
            }
            return holds(message) ? [] : nil
        }
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        if !isConstant, context.random.happens(perMille: 50) {
            isActive.toggle()
            victims = nil
        }
        return []
    }

    private func holds(_ message: PeerMessage) -> Bool {
        switch (scope, message) {
        case (.proposals, .proposal), (.commands, .command), (.statuses, .status),
            (.batches, .batch):
            true
        case (.prevotes, .vote(let vote)): vote.kind == .prevote
        case (.precommits, .vote(let vote)): vote.kind == .precommit
        default: false
        }
    }
}
