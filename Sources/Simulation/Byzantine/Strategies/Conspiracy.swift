// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
package import Ledger
import Replication

/// Adds the votes of all liars to whatever an honest validator has voted for, in rounds long past
/// too, so that every value comes as near to a quorum as they can bring it.
package struct Conspiracy: Strategy {
    package static let name = "conspiracy"

    private struct Target: Hashable, Sendable {
        let kind: ConsensusKind
        let height: Height
        let round: UInt32
        let value: Digest
    }

    private var targets: [Target] = []
    /// Whether some peers alone are told.
    private let isSelective: Bool
    /// Whether each waits until its round is over.
    private let isLate: Bool

    package init(random: inout SimulationRandom) {
        isSelective = random.happens(perMille: 500)
        isLate = random.happens(perMille: 400)
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        guard case .vote(let vote)? = PeerMessage(reading: message), let value = vote.value,
            vote.height == context.nextHeight, !context.isLiar(vote.validator)
        else { return [] }
        let target = Target(
            kind: vote.kind, height: vote.height, round: vote.round, value: value)
        guard !targets.contains(target) else { return [] }
        targets.append(target)
        if targets.count > 128 { targets.removeFirst() }
        return isLate ? [] : support(target, &context)
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard isLate, context.random.happens(perMille: 300) else { return [] }
        let next = context.nextHeight
        let open = targets.filter { $0.height == next }
        return context.random.pick(open).map { support($0, &context) } ?? []
    }

    private func support(_ target: Target, _ context: inout ByzantineContext) -> [HostOutput] {
        let peers = isSelective ? context.halves().0 : context.others
        return context.liars.map { liar in
            PeerMessage.vote(
                context.vote(target.kind, target.height, target.round, target.value, by: liar))
        }.send(to: peers)
    }
}
