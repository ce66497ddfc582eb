// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a validator says that it runs: the same in its message and in the log.
package struct Announcement: BorshCodable, Hashable, Sendable {
    /// A running number of the validator's own: higher than any before.
    package var number: UInt64
    /// The version of the program; 1 to `Limits.nameBytesMax` bytes.
    package var program: String
    /// What runs compute jobs; empty where nothing does.
    package var engine: String
    /// The version of the engine.
    package var engineVersion: String
    /// Whether the journal was begun anew, so that earlier votes may be forgotten.
    package var isJournalNew: Bool

    /// Takes the fields in order.
    package init(
        number: UInt64, program: String, engine: String, engineVersion: String, isJournalNew: Bool
    ) {
        self.number = number
        self.program = program
        self.engine = engine
        self.engineVersion = engineVersion
        self.isJournalNew = isJournalNew
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(number)
        writer.write(program)
        writer.write(engine)
        writer.write(engineVersion)
        writer.write(UInt8(isJournalNew ? 1 : 0))
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        number = try reader.integer()
        program = try reader.text(of: "Announcement.program", bound: Limits.nameBytesMax)
        engine = try reader.text(of: "Announcement.engine", bound: Limits.nameBytesMax)
        engineVersion = try reader.text(
            of: "Announcement.engineVersion", bound: Limits.nameBytesMax)
        let start = reader.offset
        let flag = try reader.integer(UInt8.self)
        guard flag <= 1 else { throw .notCanonical(type: "Announcement", offset: start) }
        isJournalNew = flag == 1
    }
}

/// A validator says what it runs. It decides nothing.
package struct AnnouncementMessage: BorshCodable, Hashable, Sendable {
    /// Who says it.
    package var validator: PublicKey
    /// What it says.
    package var announcement: Announcement
    /// The validator's.
    package var signature: Signature

    /// Takes the fields in order.
    package init(validator: PublicKey, announcement: Announcement, signature: Signature) {
        self.validator = validator
        self.announcement = announcement
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(announcement)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try reader.publicKey()
        announcement = try Announcement(from: &reader)
        signature = try reader.signature()
    }
}

extension AnnouncementMessage: Signed {
    /// What the signature covers: Borsh of `recount/announcement/v1`, ledger id, every field but
    /// it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/announcement/v1")
        writer.write(ledger)
        writer.write(validator)
        writer.write(announcement)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [
            SignatureCheck(
                key: validator, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}

/// A validator has said what it runs.
package struct ValidatorAnnounced: BorshCodable, Hashable, Sendable {
    /// Who said it.
    package var validator: ValidatorIndex
    /// What it said.
    package var announcement: Announcement
    /// The validator's, on `AnnouncementMessage.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(validator: ValidatorIndex, announcement: Announcement, signature: Signature) {
        self.validator = validator
        self.announcement = announcement
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(announcement)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorIndex(from: &reader)
        announcement = try Announcement(from: &reader)
        signature = try reader.signature()
    }

    /// The message that was signed.
    package func message(by key: PublicKey) -> AnnouncementMessage {
        AnnouncementMessage(validator: key, announcement: announcement, signature: signature)
    }
}
