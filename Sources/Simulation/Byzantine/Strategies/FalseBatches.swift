// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Hosting
package import Ledger
import Replication

/// Answers those who are behind with batches that nobody decided.
package struct FalseBatches: Strategy {
    package static let name = "false-batches"

    private let share: Int

    package init(random: inout SimulationRandom) {
        share = random.happens(perMille: 500) ? 1_000 : 200
    }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] {
        guard let sender, context.random.happens(perMille: share),
            case .status(let status)? = PeerMessage(reading: message),
            status.height <= context.nextHeight
        else { return [] }
        return batch(at: status.height, &context).map {
            PeerMessage.batch($0).send(to: [sender])
        } ?? []
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            guard case .batch(let batch) = message, let peer,
                context.random.happens(perMille: share)
            else { return nil }
            return PeerMessage.batch(altered(batch, &context)).send(to: [peer])
        }
    }

    private func batch(
        at height: Height, _ context: inout ByzantineContext
    ) -> DecidedBatch? {
        if height == context.nextHeight { return ownBatch(&context) }
        let batches = context.overheard.compactMap { heard -> DecidedBatch? in
            guard case .batch(let batch)? = heard.message, batch.precommits.height == height else {
                return nil
            }
            return batch
        }
        return context.random.pick(batches).map { altered($0, &context) }
    }

    /// A batch of its own at the next height, with what precommits it can make.
    private func ownBatch(_ context: inout ByzantineContext) -> DecidedBatch {
        let opening = BatchOpened(
            height: context.nextHeight, time: context.state.time.adding(milliseconds: 1),
            proposer: context.own.index, round: 0, previousRoot: context.frontier.root,
            precommitRound: context.precommits?.round ?? 0,
            precommits: context.precommits?.signatures ?? [], signature: .zero)
        var signed = opening
        signed.signature = context.own.key.sign(
            BatchOpening.signedBytes(
                height: opening.height, time: opening.time, round: 0,
                previousRoot: opening.previousRoot, proposer: context.own.key.publicKey,
                in: context.ledger))
        let run = context.run(ProposedBatch(opening: signed, commands: []))
        let root = run?.frontier.root ?? context.anyValue()
        let entries = (run?.entries ?? [Entry(.batchOpened(signed))]).map { EntryBytes($0.bytes) }
        let precommits = Precommits(
            height: opening.height, round: 0, root: root,
            signatures: signatures(opening.height, root, &context))
        return DecidedBatch(precommits: precommits, entries: entries)
    }

    /// Too few, the same again and again, or forged.
    private func signatures(
        _ height: Height, _ root: Digest, _ context: inout ByzantineContext
    ) -> [IndexedSignature] {
        let own = context.liars.sorted { $0.index < $1.index }.map { liar in
            IndexedSignature(
                validator: liar.index,
                signature: context.vote(.precommit, height, 0, root, by: liar).signature)
        }
        let threshold = context.threshold
        switch context.random.below(4) {
        case 0: return own
        case 1: return (0..<threshold).map { own[$0 * own.count / max(1, threshold)] }
        case 2: return (0..<threshold).map { own[$0 % own.count] }
        default:
            let key = context.own.key
            return context.members.prefix(threshold).map { member in
                IndexedSignature(
                    validator: member, signature: key.sign(member.encoded + root.value.bytes))
            }
        }
    }

    /// What was decided, with something changed.
    private func altered(
        _ batch: DecidedBatch, _ context: inout ByzantineContext
    ) -> DecidedBatch {
        var result = batch
        let place = context.random.below(result.entries.count)
        switch context.random.below(7) {
        case 0 where !result.precommits.signatures.isEmpty:
            result.precommits.signatures.removeLast()
        case 1 where !result.precommits.signatures.isEmpty:
            let first = result.precommits.signatures[0]
            result.precommits.signatures = result.precommits.signatures.map { _ in first }
        case 2: result.precommits.round += result.precommits.round < .max ? 1 : 0
        case 3 where !result.entries.isEmpty: result.entries.remove(at: place)
        case 4 where !result.entries.isEmpty && !result.entries[place].bytes.isEmpty:
            let byte = context.random.below(result.entries[place].bytes.count)
            result.entries[place].bytes[byte] ^= 1
        case 5: result.precommits.root = context.anyValue()
        default: result.entries = []
        }
        return result
    }
}
