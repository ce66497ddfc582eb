// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

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

    /// Signed or not: `BatchOpening.signedBytes` says what the signature must cover.
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

/// The opening of a batch, with the keys behind the indices so that signatures can be checked.
package struct BatchOpening: Sendable, Signed {
    /// The entry.
    package let event: BatchOpened
    /// The proposer's key.
    package let proposer: PublicKey
    /// The keys behind `event.precommits`, in their order.
    package let precommitKeys: [PublicKey]

    /// Joins the entry and the keys.
    package init(event: BatchOpened, proposer: PublicKey, precommitKeys: [PublicKey]) {
        self.event = event
        self.proposer = proposer
        self.precommitKeys = precommitKeys
    }

    /// What the proposer signs: Borsh of `recount/batch/v1`, ledger id, height, time, round,
    /// root of the log before, proposer's key.
    package static func signedBytes(
        height: Height, time: Time, round: UInt32, previousRoot: Digest, proposer: PublicKey,
        in ledger: LedgerID
    ) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/batch/v1")
        writer.write(ledger)
        writer.write(height)
        writer.write(time)
        writer.write(round)
        writer.write(previousRoot)
        writer.write(proposer)
        return writer.bytes
    }

    /// Nil where the keys are not those of the precommits, or a first batch has any.
    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        guard precommitKeys.count == event.precommits.count else { return nil }
        let signed = Self.signedBytes(
            height: event.height, time: event.time, round: event.round,
            previousRoot: event.previousRoot, proposer: proposer, in: ledger)
        var checks = [
            SignatureCheck(key: proposer, message: signed, signature: event.signature)
        ]
        guard event.height.rawValue > 0 else { return event.precommits.isEmpty ? checks : nil }
        let slot = Slot.precommit(
            Height(event.height.rawValue - 1), round: event.precommitRound)
        for (precommit, key) in zip(event.precommits, precommitKeys) {
            guard
                let bytes = ConsensusStatement.signedBytes(
                    slot, value: event.previousRoot, validRound: -1, key: key, ledger: ledger)
            else { return nil }
            checks.append(
                SignatureCheck(key: key, message: bytes, signature: precommit.signature))
        }
        return checks
    }
}
