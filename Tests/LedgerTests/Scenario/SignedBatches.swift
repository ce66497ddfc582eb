// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// What those sign who order the batches of a ledger that a test writes itself.
extension IndexedSignature {
    /// The precommit of a validator to the root of the log after a batch.
    init(
        precommitting root: Digest, of height: Height, round: UInt32 = 0, by index: ValidatorIndex,
        with key: SigningKey, in ledger: LedgerID
    ) {
        let bytes = ConsensusStatement.signedBytes(
            .precommit(height, round: round), value: root, validRound: -1, key: key.publicKey,
            ledger: ledger)
        self.init(validator: index, signature: bytes.map { key.sign($0) } ?? .zero)
    }
}

extension LedgerState {
    /// The precommits to the last batch, which left the log with this root: of the first T of those
    /// who ordered it.
    func precommits(
        root: Digest, key: (ValidatorIndex) -> SigningKey
    ) -> [IndexedSignature] {
        sealedBefore.members.prefix(Int(sealedBefore.parameters.threshold)).map { member in
            IndexedSignature(
                precommitting: root, of: height, by: member.index, with: key(member.index),
                in: ledger)
        }
    }

    /// The opening of the next batch, signed by whoever is in rank.
    ///
    /// - Parameter round: How many in rank are passed over.
    func nextOpening(
        at time: Time, round: UInt32 = 0, root: Digest, precommits: [IndexedSignature],
        key: (ValidatorIndex) -> SigningKey
    ) -> BatchOpening {
        let next = Height(height.rawValue + 1)
        let ranking = proposerRanking(height: next)
        let proposer = ranking[Int(round) % ranking.count]
        let bytes = BatchOpening.signedBytes(
            height: next, time: time, round: round, previousRoot: root,
            proposer: key(proposer).publicKey, in: ledger)
        let event = BatchOpened(
            height: next, time: time, proposer: proposer, round: round, previousRoot: root,
            precommitRound: 0, precommits: precommits, signature: key(proposer).sign(bytes))
        return BatchOpening(
            event: event, proposer: key(proposer).publicKey,
            precommitKeys: precommits.map { key($0.validator).publicKey })
    }
}
