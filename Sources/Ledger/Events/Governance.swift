// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// T validators agree on a change.
package struct GovernanceMessage: BorshCodable, Hashable, Sendable {
    /// The running number of the change, kept in the parameters.
    package var number: UInt64
    /// What changes.
    package var change: Change
    /// At least T, by validator index.
    package var endorsements: [Endorsement]

    /// Whether they are enough, and in order, is for the rules to say.
    package init(
        number: UInt64, change: Change, endorsements: [Endorsement]
    ) {
        self.number = number
        self.change = change
        self.endorsements = endorsements
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(number)
        writer.write(change)
        writer.write(endorsements)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        number = try reader.integer()
        change = try Change(from: &reader)
        endorsements = try reader.list(bound: Limits.membersMax)
    }
}

extension GovernanceMessage: Signed {
    /// What each signature covers: Borsh of `recount/change/v1`, the ledger id, number and change.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/change/v1")
        writer.write(ledger)
        writer.write(number)
        writer.write(change)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        let bytes = signedBytes(in: ledger)
        return endorsements.map {
            SignatureCheck(key: $0.validator, message: bytes, signature: $0.signature)
        }
    }
}

/// A change that T validators agreed on.
package struct GovernanceApproved: BorshCodable, Hashable, Sendable {
    /// The running number of the change.
    package var number: UInt64
    /// What changes.
    package var change: Change
    /// The validators' signatures, by index, on `GovernanceMessage.signedBytes`.
    package var signatures: [IndexedSignature]

    /// Whether they are enough, and in order, is for the rules to say.
    package init(
        number: UInt64, change: Change, signatures: [IndexedSignature]
    ) {
        self.number = number
        self.change = change
        self.signatures = signatures
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(number)
        writer.write(change)
        writer.write(signatures)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        number = try reader.integer()
        change = try Change(from: &reader)
        signatures = try reader.list(bound: Limits.membersMax)
    }
}
