// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A validator's signature on the root of a batch, at its height and round.
package struct IndexedSignature: BorshCodable, Hashable, Sendable {
    /// The validator.
    package var validator: ValidatorIndex
    /// On `ConsensusStatement.signedBytes` of a precommit.
    package var signature: Signature

    /// The length of its encoding.
    package static let byteCount = 66

    /// Takes the fields in order.
    package init(
        validator: ValidatorIndex, signature: Signature
    ) {
        self.validator = validator
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorIndex(from: &reader)
        signature = try reader.signature()
    }
}

/// The first entry of every batch but batch 0.
package struct BatchOpened: BorshCodable, Hashable, Sendable {
    /// The number of the batch.
    package var height: Height
    /// Batch time: later than that of the batch before.
    package var time: Time
    /// Who proposes the batch.
    package var proposer: ValidatorIndex
    /// How many in rank were passed over to reach the proposer.
    package var round: UInt32
    /// The root of the log before this entry: after `BatchSealed` of the batch before.
    package var previousRoot: Digest
    /// The round of all `precommits`; 0 where there are none.
    package var precommitRound: UInt32
    /// Exactly T from height 2 on, by index; before it none.
    package var precommits: [IndexedSignature]
    /// The proposer's, on `BatchOpening.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        height: Height, time: Time, proposer: ValidatorIndex, round: UInt32, previousRoot: Digest,
        precommitRound: UInt32, precommits: [IndexedSignature], signature: Signature
    ) {
        self.height = height
        self.time = time
        self.proposer = proposer
        self.round = round
        self.previousRoot = previousRoot
        self.precommitRound = precommitRound
        self.precommits = precommits
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(time)
        writer.write(proposer)
        writer.write(round)
        writer.write(previousRoot)
        writer.write(precommitRound)
        writer.write(precommits)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        time = try Time(from: &reader)
        proposer = try ValidatorIndex(from: &reader)
        round = try reader.integer()
        previousRoot = try reader.digest()
        precommitRound = try reader.integer()
        precommits = try reader.list(bound: Limits.membersMax)
        signature = try reader.signature()
    }
}
