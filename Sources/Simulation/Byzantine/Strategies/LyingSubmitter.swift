// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
import Ledger
import Replication

/// Has a listed submitter send what the rules refuse, now or for ever: unknown roots, nullifiers
/// that are spent, fields that contradict each other, jobs that nobody can answer in time.
package struct LyingSubmitter: Strategy {
    package static let name = "lying-submitter"

    private enum Kind: CaseIterable, Sendable {
        case unknownRoots, spentNullifiers, contradictions, falseProofs, shortJobs
    }

    private var burst = Burst(Kind.unknownRoots)

    package init(random: inout SimulationRandom) {}

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] {
        guard burst.begins(timesMax: 6, toOnePerMille: 700, &context) else { return [] }
        let (kind, victim) = (burst.kind, burst.victim)
        // Few of those that cost a round of the honest, many of those that cost nothing.
        let count = kind == .falseProofs || kind == .shortJobs ? 3 : victim == nil ? 20 : 200
        return (0..<count).compactMap { _ in
            command(kind, &context).map { PeerMessage.command($0).leaving(to: victim) }
        }
    }

    private func command(_ kind: Kind, _ context: inout ByzantineContext) -> Message? {
        switch kind {
        case .unknownRoots:
            let root = context.random.bytes32()
            return context.accompliceRequest { $0.publicInputs[0] = root }.map(Message.request)
        case .spentNullifiers:
            guard let spent = context.spentNullifiers.last else { return nil }
            return context.accompliceRequest(nullifier: spent).map(Message.request)
        case .contradictions:
            return context.accompliceRequest {
                $0.amount = Amount($0.amount.rawValue + 1)
            }.map(Message.request)
        case .falseProofs: return context.accompliceRequest().map(Message.request)
        case .shortJobs:
            guard let key = context.accomplices.first else { return nil }
            return .job(
                JobMessage(
                    module: context.anyValue(), input: context.anyValue(), moduleBytes: 1,
                    inputBytes: 1, fuel: 1, memoryBytes: 1, milliseconds: 1, engine: "simulated",
                    engineVersion: "1",
                    timestamp: context.now.time, submitter: key.publicKey, signature: .zero
                ).signed(by: key, in: context.ledger))
        }
    }
}
