// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Speaks for clients without number: fresh keys that nobody listed, changes that nobody signed, or
/// one signed a thousand times, votes from the future, and questions without end.
package struct Strangers: Strategy {
    package static let name = "strangers"

    private enum Kind: CaseIterable, Sendable {
        case jobs, requests, governance, repeatedSignature, futureVotes, questions
    }

    private var burst = Burst(Kind.jobs)

    package init(random: inout SimulationRandom) {}

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard burst.begins(timesMax: 8, toOnePerMille: 600, &context) else { return [] }
        let (kind, victim) = (burst.kind, burst.victim)
        let count = kind == .repeatedSignature ? 4 : victim == nil ? 30 : 250
        return (0..<count).compactMap { _ in
            message(kind, &context).map { $0.leaving(to: victim) }
        }
    }

    private func message(_ kind: Kind, _ context: inout ByzantineContext) -> PeerMessage? {
        switch kind {
        case .jobs:
            let key = SigningKey(seed: context.random.bytes32())
            return .command(
                .job(
                    JobMessage(
                        module: context.anyValue(), input: context.anyValue(), moduleBytes: 1,
                        inputBytes: 1, fuel: 1, memoryBytes: 1, milliseconds: 0,
                        engine: "simulated", engineVersion: "1",
                        timestamp: context.now.time, submitter: key.publicKey, signature: .zero
                    ).signed(by: key, in: context.ledger)))
        case .requests:
            let key = SigningKey(seed: context.random.bytes32())
            return context.accompliceRequest { $0.submitter = key.publicKey }.map {
                .command(.request($0.signed(by: key, in: context.ledger)))
            }
        case .governance: return .command(.governance(change(&context)))
        case .repeatedSignature:
            var change = change(&context)
            let signature = context.own.key.sign(change.signedBytes(in: context.ledger))
            change.endorsements = Array(
                repeating: Endorsement(
                    validator: context.own.key.publicKey, signature: signature), count: 900)
            return .command(.governance(change))
        case .futureVotes:
            guard let entry = context.random.pick(context.state.openRounds),
                let id = context.state.requestID(at: entry)
            else { return nil }
            return .command(
                .vote(
                    VoteMessage(
                        request: id, validator: context.own.key.publicKey, vote: .abstain,
                        reason: .unspecified,
                        timestamp: context.now.time.adding(
                            milliseconds: context.random.number(in: 61_000...7_200_000)),
                        signature: .zero
                    ).signed(by: context.own.key, in: context.ledger)))
        case .questions:
            let height = Height(1 + context.random.below(context.nextHeight.rawValue))
            return .status(
                Status(
                    height: height, round: 0, hasProposal: false, prevotes: [], precommits: [],
                    wanted: []))
        }
    }

    private func change(_ context: inout ByzantineContext) -> GovernanceMessage {
        GovernanceMessage(
            number: context.state.nextChange,
            change: .submitterListed(
                key: context.own.key.publicKey, name: "stranger",
                quota: UInt32(1 + context.random.below(1_000))),
            endorsements: [])
    }
}
