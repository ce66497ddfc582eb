// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What a validator says of a height and round once it has seen the proposal.
package enum ConsensusKind: UInt8, BorshCodable, Sendable {
    /// The first vote of a round (arXiv:1807.04938, L22 to L33 and L57).
    case prevote = 0
    /// The second (L36 to L46 and L61).
    case precommit = 1
}

/// A prevote or precommit: a validator's signed word on a value, or on none.
package struct ConsensusVote: BorshCodable, Hashable, Sendable {
    /// Which of the two it is.
    package var kind: ConsensusKind
    /// The batch that is being agreed on.
    package var height: Height
    /// The attempt at it.
    package var round: UInt32
    /// The root of the log after the batch; nil for none.
    package var value: Digest?
    /// The ground of a prevote: the last round for which its validator holds T prevotes for the
    /// value. -1 for none, for nil, and for a precommit.
    package var ground: Int64
    /// Who votes.
    package var validator: ValidatorIndex
    /// On `ConsensusStatement.signedBytes`.
    package var signature: Signature

    /// A value of nil is a vote for none; a ground of -1 is none.
    package init(
        kind: ConsensusKind, height: Height, round: UInt32, value: Digest?, ground: Int64,
        validator: ValidatorIndex, signature: Signature
    ) {
        self.kind = kind
        self.height = height
        self.round = round
        self.value = value
        self.ground = ground
        self.validator = validator
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(kind)
        writer.write(height)
        writer.write(round)
        writer.write(UInt8(value == nil ? 0 : 1))
        if let value { writer.write(value) }
        writer.write(ground)
        writer.write(validator)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        kind = try ConsensusKind(from: &reader)
        height = try Height(from: &reader)
        round = try reader.integer()
        let flag = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: value = nil
        case 1: value = try reader.digest()
        case let tag: throw .unknownTag(type: "Digest?", tag: tag, offset: flag)
        }
        ground = try reader.integer()
        validator = try ValidatorIndex(from: &reader)
        signature = try reader.signature()
    }
}

extension ConsensusVote {
    /// What it may be said of once.
    package var slot: Slot {
        switch kind {
        case .prevote: .prevote(height, round: round)
        case .precommit: .precommit(height, round: round)
        }
    }

    /// What evidence shows of it.
    package var statement: Statement {
        .consensus(value: value, validRound: ground, signature)
    }

    /// Whether `key` signed it, for the ledger named.
    package func isSigned(by key: PublicKey, in ledger: LedgerID) -> Bool {
        ConsensusStatement.signedBytes(
            slot, value: value, validRound: ground, key: key, ledger: ledger
        ).map { key.verifies(signature, of: $0) } ?? false
    }

    /// The vote with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        let bytes = ConsensusStatement.signedBytes(
            slot, value: value, validRound: ground, key: key.publicKey, ledger: ledger)
        invariant(bytes != nil, "a vote of round \(round) of which nothing is signed")
        copy.signature = key.sign(bytes ?? [])
        return copy
    }
}
