// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What a validator's journal holds, durably, before what rests on it leaves.
package enum JournalItem: Hashable, Sendable {
    /// A proposal of its own; the batch behind it is held.
    case proposed(ProposedValue)
    /// A prevote or precommit of its own.
    case cast(ConsensusVote)
    /// A prevote of another, so that a fork can be traced.
    case received(ConsensusVote)
    /// The batch behind a value that it may have to propose again.
    case held(Height, value: Digest, ProposedBatch)

    /// What it is about.
    package var height: Height {
        switch self {
        case .proposed(let proposal): proposal.height
        case .cast(let vote), .received(let vote): vote.height
        case .held(let height, _, _): height
        }
    }
}

/// A proposal without its batch.
package struct ProposedValue: BorshCodable, Hashable, Sendable {
    /// The batch that is being agreed on.
    package var height: Height
    /// The attempt at it.
    package var round: UInt32
    /// The root of the log after the batch.
    package var value: Digest
    /// The round of the T prevotes for the value that the proposer has seen; -1 for none.
    package var validRound: Int64
    /// The proposer's, on `ConsensusStatement.signedBytes`.
    package var signature: Signature

    /// A valid round of -1 is none.
    package init(
        height: Height, round: UInt32, value: Digest, validRound: Int64, signature: Signature
    ) {
        self.height = height
        self.round = round
        self.value = value
        self.validRound = validRound
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(value)
        writer.write(validRound)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        round = try reader.integer()
        value = try reader.digest()
        validRound = try reader.integer()
        signature = try reader.signature()
    }
}
