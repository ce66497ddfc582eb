// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Sends hundreds of well-formed messages at once, in bursts, to one peer or to all.
package struct Flooding: Strategy {
    package static let name = "flood"

    /// Messages that one call gives: a quarter of what the network takes in a second.
    private static let burst =
        Byzantine.messagesPerSecondMax * Int(Byzantine.idleMilliseconds) / 1_000

    private enum Kind: CaseIterable, Sendable {
        case requests
        case votes
        case verdicts
        case statuses
        case wants
        case jobs
        case proposals
        case lists
    }

    /// Calls that the burst under way lasts.
    private var remaining = 0
    private var kind = Kind.requests
    private var victim: ValidatorIndex?
    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 300) ? 200 : 20
    }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        if remaining == 0 {
            guard context.random.happens(perMille: share) else { return [] }
            remaining = 1 + context.random.below(6)
            kind = context.random.pick(Kind.allCases) ?? .requests
            victim =
                context.random.happens(perMille: 500) ? context.random.pick(context.honest) : nil
        }
        remaining -= 1
        // A message to all leaves once for each.
        let count = victim == nil ? Self.burst / max(1, context.others.count) : Self.burst
        return (0..<count).map { _ in
            let bytes = message(&context).encoded
            return victim.map { .send(bytes, to: $0) } ?? .broadcast(bytes)
        }
    }

    private func message(_ context: inout ByzantineContext) -> PeerMessage {
        let next = context.nextHeight
        switch kind {
        case .requests: return .command(.request(request(&context)))
        case .votes:
            let kind: ConsensusKind = context.random.happens(perMille: 500) ? .prevote : .precommit
            let height = Height(next.rawValue + context.random.below(3 as UInt64))
            let round = UInt32(truncatingIfNeeded: context.random.below(40 as UInt64))
            return .vote(
                context.vote(kind, height, round, context.anyValue(), by: context.own))
        case .verdicts:
            return .command(
                .vote(
                    VoteMessage(
                        request: RequestID(context.anyValue()),
                        validator: context.own.key.publicKey, vote: .approve, reason: .proofHolds,
                        timestamp: context.now.time, signature: .zero
                    ).signed(by: context.own.key, in: context.ledger)))
        case .statuses:
            return .status(
                Status(
                    height: Height(context.random.below(next.rawValue + 1)), round: 0,
                    hasProposal: false, prevotes: [], precommits: [], wanted: []))
        case .wants:
            return .want(
                (0..<ReplicationLimits.wantedMax).map { _ in RequestID(context.anyValue()) })
        case .jobs:
            // Signed by a key that nobody listed.
            return .command(
                .job(
                    JobMessage(
                        module: context.anyValue(), input: context.anyValue(), moduleBytes: 1,
                        inputBytes: 1, fuel: 1, memoryBytes: 1, milliseconds: 0, engine: "none",
                        engineVersion: "0",
                        timestamp: context.now.time, submitter: context.own.key.publicKey,
                        signature: .zero
                    ).signed(by: context.own.key, in: context.ledger)))
        case .lists: return .command(.votes(list(&context)))
        case .proposals:
            let opening = BatchOpened(
                height: next, time: context.now.time, proposer: context.own.index,
                round: 0, previousRoot: context.anyValue(), precommitRound: 0, precommits: [],
                signature: .zero)
            return .proposal(
                context.proposal(
                    of: ProposedBatch(opening: opening, commands: []), value: context.anyValue(),
                    round: UInt32(truncatingIfNeeded: context.random.below(12 as UInt64))))
        }
    }

    /// As many votes as a list may have, on requests that nobody knows.
    private func list(_ context: inout ByzantineContext) -> VoteListMessage {
        VoteListMessage(
            validator: context.own.key.publicKey, timestamp: context.now.time,
            votes: (0..<Limits.votesPerListMax).map { _ in
                .shown(
                    request: RequestID(context.anyValue()), vote: .approve, reason: .proofHolds)
            }, signature: .zero
        ).signed(by: context.own.key, in: context.ledger)
    }

    /// A request by one who is not listed, or in the name of one who is.
    private func request(_ context: inout ByzantineContext) -> RequestMessage {
        let listed = context.random.pick(context.state.submitters)?.key
        let circuit = context.random.pick(context.state.circuits)
        let isForged = context.random.happens(perMille: 300)
        return RequestMessage(
            circuit: circuit?.id ?? CircuitID(context.anyValue()),
            nullifiers: [context.random.bytes32()], amount: Amount(context.random.next()),
            recipient: context.random.bytes32(), proof: context.random.bytes(128),
            publicInputs: (0..<5).map { _ in context.random.bytes32() },
            timestamp: context.now.time,
            submitter: (isForged ? listed : nil) ?? context.own.key.publicKey, signature: .zero
        ).signed(by: context.own.key, in: context.ledger)
    }
}
