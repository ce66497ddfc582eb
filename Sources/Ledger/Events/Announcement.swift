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

    /// The texts may be of any length: bounds are kept where they are read.
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

/// An announcement with who makes it, in a message and in the log.
package struct AnnouncementBody<ValidatorName: Naming>: BorshCodable, Hashable, Sendable {
    /// Who says it.
    package var validator: ValidatorName
    /// What it says.
    package var announcement: Announcement
    /// The validator's, on `AnnouncementMessage.signedBytes`.
    package var signature: Signature

    /// Any number will do: the rules hold it against those before.
    package init(
        validator: ValidatorName, announcement: Announcement, signature: Signature
    ) {
        self.validator = validator
        self.announcement = announcement
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        encodeContent(to: &writer)
        writer.write(signature)
    }

    /// Appends every field but the signature: what a message's own covers.
    package func encodeContent(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(announcement)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorName(from: &reader)
        announcement = try Announcement(from: &reader)
        signature = try reader.signature()
    }

    /// The same, with the validator named as the message or the log names it.
    package func naming<V>(validator: V) -> AnnouncementBody<V> {
        AnnouncementBody<V>(
            validator: validator, announcement: announcement, signature: signature)
    }
}

/// A validator says what it runs. It decides nothing.
package typealias AnnouncementMessage = AnnouncementBody<PublicKey>

/// A validator has said what it runs.
package typealias ValidatorAnnounced = AnnouncementBody<ValidatorIndex>

extension AnnouncementMessage: Signed, SignedByOne {
    package static var domain: String { "recount/announcement/v1" }
    package var signer: PublicKey { validator }
}
