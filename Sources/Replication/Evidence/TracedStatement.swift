// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// A validator's signed word on the order of batches, without the batch behind it.
package enum TracedStatement: Hashable, Sendable {
    /// A leader's proposal.
    case proposal(ProposedValue, proposer: ValidatorIndex)
    /// A prevote or precommit.
    case vote(ConsensusVote)

    /// What an item of the journal of `owner` shows; nil for a batch that is merely held.
    package init?(_ item: JournalItem, of owner: ValidatorIndex) {
        switch item {
        case .proposed(let value): self = .proposal(value, proposer: owner)
        case .cast(let vote), .received(let vote): self = .vote(vote)
        case .held: return nil
        }
    }

    /// What the certificate of a decided batch shows.
    package static func precommits(_ certificate: Precommits) -> [TracedStatement] {
        certificate.signatures.map { entry in
            .vote(
                ConsensusVote(
                    kind: .precommit, height: certificate.height, round: certificate.round,
                    value: certificate.root, ground: -1, validator: entry.validator,
                    signature: entry.signature))
        }
    }

    /// Who says it.
    package var validator: ValidatorIndex {
        switch self {
        case .proposal(_, let proposer): proposer
        case .vote(let vote): vote.validator
        }
    }

    /// The batch that is being agreed on.
    package var height: Height {
        switch self {
        case .proposal(let proposal, _): proposal.height
        case .vote(let vote): vote.height
        }
    }

    /// The attempt at it.
    package var round: UInt32 {
        switch self {
        case .proposal(let proposal, _): proposal.round
        case .vote(let vote): vote.round
        }
    }

    /// The root of the log after the batch; nil for none.
    package var value: Digest? {
        switch self {
        case .proposal(let proposal, _): proposal.value
        case .vote(let vote): vote.value
        }
    }

    /// The round of the prevotes on which it rests, of a prevote its ground; -1 for none.
    package var validRound: Int64 {
        switch self {
        case .proposal(let proposal, _): proposal.validRound
        case .vote(let vote): vote.ground
        }
    }

    /// On `ConsensusStatement.signedBytes`.
    package var signature: Signature {
        switch self {
        case .proposal(let proposal, _): proposal.signature
        case .vote(let vote): vote.signature
        }
    }

    /// What it may be said of once.
    package var slot: Slot {
        switch self {
        case .proposal(let proposal, _): .proposal(proposal.height, round: proposal.round)
        case .vote(let vote): vote.slot
        }
    }

    /// What evidence shows of it.
    package var statement: Statement {
        .consensus(value: value, validRound: validRound, signature)
    }

    /// Whether `key` signed it, for the ledger named.
    package func isSigned(by key: PublicKey, in ledger: LedgerID) -> Bool {
        ConsensusStatement.signedBytes(
            slot, value: value, validRound: validRound, key: key, ledger: ledger
        ).map { key.verifies(signature, of: $0) } ?? false
    }

    /// Whether both say the same, whatever their signatures.
    func repeats(_ other: TracedStatement) -> Bool {
        validator == other.validator && slot == other.slot && value == other.value
            && validRound == other.validRound
    }

    /// A total order: validator, kind, round, value, valid round, signature.
    func precedes(_ other: TracedStatement) -> Bool {
        if validator != other.validator { return validator < other.validator }
        if kind != other.kind { return kind < other.kind }
        if round != other.round { return round < other.round }
        if value != other.value {
            guard let left = value else { return true }
            guard let right = other.value else { return false }
            return left < right
        }
        if validRound != other.validRound { return validRound < other.validRound }
        return signature.bytes.lexicographicallyPrecedes(other.signature.bytes)
    }

    private var kind: UInt8 {
        switch self {
        case .proposal: 0
        case .vote(let vote): vote.kind == .prevote ? 1 : 2
        }
    }
}
