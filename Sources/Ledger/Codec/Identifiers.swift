// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The identity of a ledger: SHA-256 of its first entry, `LedgerOpened`.
package struct LedgerID: Hashable, Comparable, Sendable, BorshCodable {
    /// The digest.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
    /// Sixty-four hexadecimal digits.
    package var hex: String { digest.hex }
    package static func < (left: LedgerID, right: LedgerID) -> Bool { left.digest < right.digest }
    package func encode(to writer: inout BorshWriter) { writer.write(digest) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.digest())
    }
}

/// The identity of a withdrawal request: SHA-256 of every field but the signature.
package struct RequestID: Hashable, Comparable, Sendable, BorshCodable {
    /// The digest.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
    /// Sixty-four hexadecimal digits.
    package var hex: String { digest.hex }
    package static func < (left: RequestID, right: RequestID) -> Bool { left.digest < right.digest }
    package func encode(to writer: inout BorshWriter) { writer.write(digest) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.digest())
    }
}

/// The identity of a compute job: SHA-256 of every field but the signature.
package struct JobID: Hashable, Comparable, Sendable, BorshCodable {
    /// The digest.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
    /// Sixty-four hexadecimal digits.
    package var hex: String { digest.hex }
    package static func < (left: JobID, right: JobID) -> Bool { left.digest < right.digest }
    package func encode(to writer: inout BorshWriter) { writer.write(digest) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.digest())
    }
}

/// The identity of a circuit: SHA-256 of its definition.
package struct CircuitID: Hashable, Comparable, Sendable, BorshCodable {
    /// The digest.
    package let digest: Digest
    /// Wraps a digest.
    package init(_ digest: Digest) { self.digest = digest }
    /// Sixty-four hexadecimal digits.
    package var hex: String { digest.hex }
    package static func < (left: CircuitID, right: CircuitID) -> Bool { left.digest < right.digest }
    package func encode(to writer: inout BorshWriter) { writer.write(digest) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.digest())
    }
}

/// The position of an entry in the log, from 0.
package struct EntryIndex: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt64
    /// Wraps a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: EntryIndex, right: EntryIndex) -> Bool {
        left.rawValue < right.rawValue
    }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// The number of a batch, from 0.
package struct Height: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt64
    /// Wraps a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: Height, right: Height) -> Bool { left.rawValue < right.rawValue }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// The number that a validator key keeps for ever, from 0 in order of joining.
package struct ValidatorIndex: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt16
    /// Wraps a number.
    package init(_ rawValue: UInt16) { self.rawValue = rawValue }
    package static func < (left: ValidatorIndex, right: ValidatorIndex) -> Bool {
        left.rawValue < right.rawValue
    }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// The number of a submitter, from 0 in order of listing.
package struct SubmitterIndex: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt32
    /// Wraps a number.
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (left: SubmitterIndex, right: SubmitterIndex) -> Bool {
        left.rawValue < right.rawValue
    }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// The number of a circuit, from 0 in order of registration.
package struct CircuitIndex: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt16
    /// Wraps a number.
    package init(_ rawValue: UInt16) { self.rawValue = rawValue }
    package static func < (left: CircuitIndex, right: CircuitIndex) -> Bool {
        left.rawValue < right.rawValue
    }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// Milliseconds since 1970 UTC, leap seconds not counted.
package struct Time: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt64
    /// Wraps a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: Time, right: Time) -> Bool { left.rawValue < right.rawValue }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// Thousandths of a reputation point.
package struct Reputation: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt64
    /// Wraps a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: Reputation, right: Reputation) -> Bool {
        left.rawValue < right.rawValue
    }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// Stake in the smallest unit of its asset.
package struct Stake: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt64
    /// Wraps a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: Stake, right: Stake) -> Bool { left.rawValue < right.rawValue }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

/// A sum in the smallest unit of its asset.
package struct Amount: Hashable, Comparable, Sendable, BorshCodable {
    /// The number.
    package let rawValue: UInt64
    /// Wraps a number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (left: Amount, right: Amount) -> Bool { left.rawValue < right.rawValue }
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self.init(try reader.integer())
    }
}

extension Time {
    /// The number of whole UTC days since 1970.
    package var day: UInt64 { rawValue / 86_400_000 }
    /// The number of whole minutes since 1970.
    package var minute: UInt64 { rawValue / 60_000 }
    /// The later time, or the last that can be told.
    package func adding(milliseconds: UInt64) -> Time {
        let (sum, overflow) = rawValue.addingReportingOverflow(milliseconds)
        return Time(overflow ? .max : sum)
    }
}
