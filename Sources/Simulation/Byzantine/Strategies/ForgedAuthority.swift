// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Proposes and spreads commands that lack the signatures of those whom they speak for.
package struct ForgedAuthority: Strategy {
    package static let name = "forged-authority"

    private let share: Int
    private let isProposing: Bool
    private var substitution = Substitution()

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 500) ? 500 : 50
        isProposing = random.happens(perMille: 700)
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        guard isProposing else { return outputs }
        return outputs.rewritten { message, peer in
            substitution.replace(message, to: peer, &context, hasSupport: true) { held, context in
                var commands = held.batch.commands
                let place = context.random.below(commands.count + 1)
                commands.insert(ProposedCommand(Self.forgery(&context)), at: place)
                return context.proposal(
                    like: held, commands: commands, time: held.batch.opening.time)
            }
        }
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard context.random.happens(perMille: share) else { return [] }
        return [PeerMessage.command(Self.forgery(&context)).broadcast]
    }

    /// A command that honest validators must refuse.
    private static func forgery(_ context: inout ByzantineContext) -> Message {
        switch context.random.below(6) {
        case 0: settlement(&context)
        case 1: vote(&context)
        case 2: evidence(&context)
        default: change(&context)
        }
    }

    private static func anyHonestKey(_ context: inout ByzantineContext) -> PublicKey? {
        context.random.pick(context.honest).flatMap { context.state.validator($0)?.key }
    }

    // MARK: What T validators should have signed

    private static func change(_ context: inout ByzantineContext) -> Message {
        let stranger = SigningKey(seed: context.random.bytes32())
        let honest = anyHonestKey(&context)
        let own = context.own.key.publicKey
        var parameters = context.state.parameters
        parameters.threshold -= min(parameters.threshold, 1)
        let changes: [Change] = [
            .rootPublished(circuit: CircuitIndex(0), root: context.random.bytes32()),
            .rootPublished(circuit: CircuitIndex(0), root: .zero),
            .validatorJoined(key: stranger.publicKey, name: "stranger", stake: Stake(1_000)),
            .validatorLeft(key: honest ?? own),
            .stakeChanged(key: own, stake: Stake(1 << 40)),
            .parametersChanged(parameters),
            .submitterListed(key: stranger.publicKey, name: "stranger", quota: 1_000),
        ]
        let change = context.random.pick(changes) ?? .validatorLeft(key: own)
        var message = GovernanceMessage(
            number: context.state.nextChange, change: change, endorsements: [])
        message.endorsements = endorsements(
            on: message.signedBytes(in: context.ledger), &context)
        return .governance(message)
    }

    private static func endorsements(
        on bytes: [UInt8], _ context: inout ByzantineContext
    ) -> [Endorsement] {
        let liars = context.liars.sorted { $0.index < $1.index }.map {
            Endorsement(validator: $0.key.publicKey, signature: $0.key.sign(bytes))
        }
        let threshold = context.threshold
        switch context.random.below(5) {
        case 0: return liars  // Too few.
        case 1:  // The same few, as often as it takes.
            return (0..<threshold).map { liars[$0 * liars.count / max(1, threshold)] }
        case 2:  // Keys of no validator.
            return (0..<threshold).map { _ in
                let key = SigningKey(seed: context.random.bytes32())
                return Endorsement(validator: key.publicKey, signature: key.sign(bytes))
            }
        case 3: return []
        default:  // The right names over signatures of one's own.
            return context.members.prefix(threshold).compactMap { member in
                context.state.validator(member).map {
                    Endorsement(validator: $0.key, signature: context.own.key.sign(bytes))
                }
            }
        }
    }

    // MARK: What one party should have signed

    private static func settlement(_ context: inout ByzantineContext) -> Message {
        let pending = context.random.pick(context.state.pendingSettlements)
        var message = SettlementMessage(
            request: pending.flatMap { context.state.requestID(at: $0) }
                ?? RequestID(context.anyValue()),
            bridge: context.state.bridge, reference: context.random.bytes(8),
            result: context.random.happens(perMille: 500) ? .failed : .settled, signature: .zero)
        if context.random.happens(perMille: 500) { message.bridge = context.own.key.publicKey }
        return .settlement(message.signed(by: context.own.key, in: context.ledger))
    }

    private static func vote(_ context: inout ByzantineContext) -> Message {
        let open = context.random.pick(context.state.openRounds)
        let honest = anyHonestKey(&context)
        return .vote(
            VoteMessage(
                request: open.flatMap { context.state.requestID(at: $0) }
                    ?? RequestID(context.anyValue()),
                validator: honest ?? context.own.key.publicKey, vote: .approve,
                reason: .proofHolds, timestamp: context.now.time, signature: .zero
            ).signed(by: context.own.key, in: context.ledger))
    }

    /// Two statements under an honest name, or one that is shown twice.
    private static func evidence(_ context: inout ByzantineContext) -> Message {
        let honest = context.random.pick(context.honest) ?? context.own.index
        let key = context.state.validator(honest)?.key ?? context.own.key.publicKey
        let overheard = context.overheard.compactMap { heard -> ConsensusVote? in
            guard case .vote(let vote)? = heard.message, vote.validator == honest else {
                return nil
            }
            return vote
        }
        let first =
            context.random.pick(overheard)
            ?? context.vote(.prevote, context.nextHeight, 0, nil, by: context.own)
        var second = first
        if context.random.happens(perMille: 700) {
            second.value = context.anyValue()
            second = second.signed(by: context.own.key, in: context.ledger)
        }
        return .evidence(
            EvidenceMessage(
                validator: key, slot: .consensus(first.slot), first: first.statement,
                second: second.statement))
    }
}
