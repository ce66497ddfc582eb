// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What those sign who order the batches of a ledger that a test writes itself.
extension Precommits {
    /// Those of some validators to the root of the log after a batch.
    init(
        to root: Digest, of height: Height, round: UInt32 = 0, by validators: [ValidatorIndex],
        in ledger: LedgerID, key: (ValidatorIndex) -> SigningKey
    ) {
        self.init(
            height: height, round: round, root: root,
            signatures: validators.map { index in
                let key = key(index)
                let bytes = ConsensusStatement.signedBytes(
                    .precommit(height, round: round), value: root, validRound: -1,
                    key: key.publicKey, ledger: ledger)
                return IndexedSignature(
                    validator: index, signature: bytes.map { key.sign($0) } ?? .zero)
            })
    }
}

extension LedgerState {
    /// The first T of those who ordered the last batch.
    var orderers: [ValidatorIndex] {
        sealedBefore.members.prefix(Int(sealedBefore.parameters.threshold)).map(\.index)
    }

    /// Their precommits to that batch, which left the log with this root.
    func precommits(root: Digest, key: (ValidatorIndex) -> SigningKey) -> Precommits {
        Precommits(to: root, of: height, by: orderers, in: ledger, key: key)
    }

    /// The opening of the next batch, signed by whoever is in rank.
    ///
    /// - Parameters:
    ///   - round: How many in rank are passed over.
    ///   - change: What the opening says otherwise; whoever it names as the proposer signs.
    func nextOpening(
        at time: Time, round: UInt32 = 0, root: Digest, precommits: [IndexedSignature] = [],
        key: (ValidatorIndex) -> SigningKey, change: (inout BatchOpened) -> Void = { _ in }
    ) -> BatchOpening {
        let next = Height(height.rawValue + 1)
        let ranking = proposerRanking(height: next)
        var event = BatchOpened(
            height: next, time: time, proposer: ranking[Int(round) % ranking.count], round: round,
            previousRoot: root, precommitRound: 0, precommits: precommits, signature: .zero)
        change(&event)
        let proposer = key(event.proposer)
        event.signature = proposer.sign(
            BatchOpening.signedBytes(
                height: event.height, time: event.time, round: event.round,
                previousRoot: event.previousRoot, proposer: proposer.publicKey, in: ledger))
        return BatchOpening(
            event: event, proposer: proposer.publicKey,
            precommitKeys: event.precommits.map { key($0.validator).publicKey })
    }
}
