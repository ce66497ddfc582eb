// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// A command of a batch that is proposed.
package struct ProposedCommand: BorshCodable, Hashable, Sendable {
    /// What is decided on.
    package var message: Message
    /// Whether the batch records that the rules refuse it.
    package var isRefused: Bool

    /// A refused one asks for the refusal to be recorded.
    package init(_ message: Message, isRefused: Bool = false) {
        self.message = message
        self.isRefused = isRefused
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(message)
        writer.write(UInt8(isRefused ? 1 : 0))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        message = try Message(from: &reader)
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: isRefused = false
        case 1: isRefused = true
        case let tag: throw .unknownTag(type: "Bool", tag: tag, offset: start)
        }
    }
}

/// The inputs of a batch: everything else of it is derived.
package struct ProposedBatch: BorshCodable, Hashable, Sendable {
    /// Signed by the proposer of the round in which the batch was proposed first, which it names.
    package var opening: BatchOpened
    /// In order.
    package var commands: [ProposedCommand]

    /// Whether it may be the next batch is `ExecutedBatch`.
    package init(opening: BatchOpened, commands: [ProposedCommand]) {
        self.opening = opening
        self.commands = commands
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(opening)
        writer.write(commands)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        opening = try BatchOpened(from: &reader)
        commands = try reader.list(bound: Limits.commandsPerBatchMax)
    }
}

/// A leader's proposal of a value in a round, with the batch behind it.
package struct Proposal: BorshCodable, Hashable, Sendable {
    /// The batch that is being agreed on.
    package var height: Height
    /// The attempt at it.
    package var round: UInt32
    /// The root of the log after the batch.
    package var value: Digest
    /// The round of the T prevotes for the value that the proposer has seen; -1 for none.
    package var validRound: Int64
    /// Who leads the round.
    package var proposer: ValidatorIndex
    /// On `ConsensusStatement.signedBytes`; it does not cover the batch, whose root the value is.
    package var signature: Signature
    /// What gives the value.
    package var batch: ProposedBatch

    /// A valid round of -1 is none.
    package init(
        height: Height, round: UInt32, value: Digest, validRound: Int64, proposer: ValidatorIndex,
        signature: Signature, batch: ProposedBatch
    ) {
        self.height = height
        self.round = round
        self.value = value
        self.validRound = validRound
        self.proposer = proposer
        self.signature = signature
        self.batch = batch
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(round)
        writer.write(value)
        writer.write(validRound)
        writer.write(proposer)
        writer.write(signature)
        writer.write(batch)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        round = try reader.integer()
        value = try reader.digest()
        validRound = try reader.integer()
        proposer = try ValidatorIndex(from: &reader)
        signature = try reader.signature()
        batch = try ProposedBatch(from: &reader)
    }
}

extension Proposal {
    /// What it may be said of once.
    package var slot: Slot { .proposal(height, round: round) }

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

    /// The proposal with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        let bytes = ConsensusStatement.signedBytes(
            slot, value: value, validRound: validRound, key: key.publicKey, ledger: ledger)
        invariant(bytes != nil, "a proposal of round \(round) of which nothing is signed")
        copy.signature = key.sign(bytes ?? [])
        return copy
    }
}
