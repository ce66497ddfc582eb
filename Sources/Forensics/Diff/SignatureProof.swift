// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// What the signatures in two histories prove about their difference.
package struct SignatureProof: Codable, Equatable, Sendable {
    /// What is proved.
    package enum Kind: String, Codable, Sendable {
        /// T validators signed the batch of one history.
        case certificate
        /// A validator signed two batches at one height and round: evidence of a precommit.
        case doublePrecommit
        /// A party signed two votes, results or reports that contradict each other: evidence.
        case contradiction
        /// A proposer signed two openings of one height and round. There is no evidence of this
        /// kind; it is told.
        case twoOpenings
    }

    /// What is proved.
    package let kind: Kind
    /// The history that it is from; nil where both are needed.
    package let copy: String?
    /// Who signed, by name.
    package let signers: [String]
    /// How many of them must sign; nil where the kind asks for no number.
    package let needed: Int?
    /// The round, where there is one.
    package let round: UInt32?
    /// Whether every signature holds, and there are enough.
    package let holds: Bool
    /// The evidence that convicts, as hexadecimal digits of the Borsh of `EvidenceMessage`; nil
    /// where the kind convicts nobody.
    package let evidence: String?
}

extension SignatureProof {
    /// The T precommits of a batch.
    static func certificate(
        of batch: DisputedBatch, in copy: String, _ roll: PartyRoll
    ) -> SignatureProof? {
        guard let precommits = batch.precommits, !precommits.signatures.isEmpty,
            let (members, threshold) = roll.ordering(precommits.height)
        else { return nil }
        let isSigned = precommits.areSigned(by: members, in: roll.ledger, threshold: threshold)
        return SignatureProof(
            kind: .certificate, copy: copy,
            signers: precommits.signatures.map { roll.names.name(of: $0.validator) },
            needed: threshold, round: precommits.round,
            holds: isSigned && precommits.root == batch.root, evidence: nil)
    }

    /// Each validator that precommitted to both batches in one round.
    static func doublePrecommits(
        _ one: Precommits, _ other: Precommits, _ roll: PartyRoll
    ) -> [SignatureProof] {
        guard one.height == other.height, one.round == other.round, one.root != other.root else {
            return []
        }
        return one.signatures.compactMap { first in
            guard let second = other.signatures.first(where: { $0.validator == first.validator })
            else { return nil }
            return evidence(
                .doublePrecommit, of: first.validator, round: one.round,
                .consensus(.precommit(one.height, round: one.round)),
                .consensus(value: one.root, validRound: -1, first.signature),
                .consensus(value: other.root, validRound: -1, second.signature), roll)
        }
    }

    /// The proposer that opened both batches in one round.
    static func twoOpenings(
        _ one: BatchOpened, _ other: BatchOpened, _ roll: PartyRoll
    ) -> SignatureProof? {
        guard one.proposer == other.proposer, one.round == other.round, one.height == other.height,
            one.time != other.time || one.previousRoot != other.previousRoot,
            let key = roll.key(of: one.proposer)
        else { return nil }
        let holds = [one, other].allSatisfy { opened in
            key.verifies(
                opened.signature,
                of: BatchOpening.signedBytes(
                    height: opened.height, time: opened.time, round: opened.round,
                    previousRoot: opened.previousRoot, proposer: key, in: roll.ledger))
        }
        return SignatureProof(
            kind: .twoOpenings, copy: nil, signers: [roll.names.name(of: one.proposer)],
            needed: nil, round: one.round, holds: holds, evidence: nil)
    }

    static func evidence(
        _ kind: Kind, of validator: ValidatorIndex, round: UInt32?, _ slot: EvidenceSlot,
        _ first: Statement, _ second: Statement, _ roll: PartyRoll
    ) -> SignatureProof? {
        guard let key = validator == .bridge ? roll.bridge : roll.key(of: validator) else {
            return nil
        }
        let message = EvidenceMessage(
            validator: key, slot: slot, first: first, second: second)
        let name = validator == .bridge ? "the bridge" : roll.names.name(of: validator)
        return SignatureProof(
            kind: kind, copy: nil, signers: [name], needed: nil, round: round,
            holds: message.isSigned(in: roll.ledger), evidence: message.encoded.hex)
    }
}
