// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Why bytes are not what they should be. Offsets count bytes from the start of the entry.
package enum DecodingError: Error, Equatable {
    /// The bytes end before the value does.
    case truncated(offset: Int, neededBytes: Int)
    /// Bytes are left after the value.
    case trailing(offset: Int, bytes: Int)
    /// A tag that this version does not know.
    case unknownTag(type: String, tag: UInt8, offset: Int)
    /// A count over its bound.
    case overBound(type: String, count: UInt64, bound: UInt64, offset: Int)
    /// A value that its type does not admit, so that no two encodings mean the same.
    case notCanonical(type: String, offset: Int)
    /// A ledger of a version of the format that this program does not know.
    case otherVersion(found: UInt32, known: UInt32)
}

extension DecodingError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .truncated(let offset, let needed):
            "the bytes end \(needed) too early, at byte \(offset)"
        case .trailing(let offset, let bytes): "\(bytes) bytes are left over at byte \(offset)"
        case .unknownTag(let type, let tag, let offset):
            "\(type) has no tag \(tag) (byte \(offset))"
        case .overBound(let type, let count, let bound, let offset):
            "\(type) counts \(count), above \(bound) (byte \(offset))"
        case .notCanonical(let type, let offset): "\(type) is not canonical (byte \(offset))"
        case .otherVersion(let found, let known):
            "the ledger is of version \(found) of the format, and this program knows version"
                + " \(known)\(found > known ? "; a newer program is needed" : "")"
        }
    }
}

/// A value with exactly one encoding in Borsh: little-endian fixed-width integers, `u32` counts,
/// one `u8` enum tag, fields in order. Source: the specification at borsh.io.
package protocol BorshCodable {
    /// Appends the encoding.
    func encode(to writer: inout BorshWriter)
    /// Reads one value; accepts only what `encode` would have written.
    init(from reader: inout BorshReader) throws(DecodingError)
}

extension BorshCodable {
    /// The encoding.
    package var encoded: [UInt8] {
        var writer = BorshWriter()
        encode(to: &writer)
        return writer.bytes
    }

    /// Reads a value that takes up all of `bytes`.
    package init(decoding bytes: [UInt8]) throws(DecodingError) {
        var reader = BorshReader(bytes)
        self = try Self(from: &reader)
        try reader.end()
    }

    /// Reads a value that takes up all of a part of `bytes`.
    ///
    /// - Precondition: `range` lies in `bytes`.
    package init(decoding bytes: [UInt8], in range: Range<Int>) throws(DecodingError) {
        var reader = BorshReader(bytes, in: range)
        self = try Self(from: &reader)
        try reader.end()
    }
}

/// Appends values in Borsh.
package struct BorshWriter: Sendable {
    /// What has been written.
    package private(set) var bytes: [UInt8] = []

    /// Starts with nothing written.
    package init() { bytes.reserveCapacity(128) }

    /// Starts with a domain string, length-prefixed like any other.
    package init(domain: String) {
        self.init()
        write(domain)
    }

    /// Appends a fixed-width integer, little-endian.
    ///
    /// At most 64 bits wide. The loop is not generic: called from another module it would be slow.
    package mutating func write(_ value: some FixedWidthInteger) {
        invariant(value.bitWidth <= 64, "an integer of \(value.bitWidth) bits is written")
        append(UInt64(truncatingIfNeeded: value), byteCount: value.bitWidth / 8)
    }

    private mutating func append(_ value: UInt64, byteCount: Int) {
        var rest = value
        for _ in 0..<byteCount {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// Appends the bytes alone, for fields of fixed length.
    package mutating func writeFixed(_ value: [UInt8]) { bytes += value }

    /// Appends a `u32` count and the bytes.
    package mutating func write(_ value: [UInt8]) {
        write(UInt32(value.count))
        bytes += value
    }

    /// Appends a `u32` count and the UTF-8 bytes.
    package mutating func write(_ value: String) { write(Array(value.utf8)) }

    /// Appends thirty-two bytes.
    package mutating func write(_ value: Bytes32) { value.append(to: &bytes) }

    /// Appends thirty-two bytes.
    package mutating func write(_ value: Digest) { write(value.value) }

    /// Appends thirty-two bytes.
    package mutating func write(_ value: PublicKey) { write(value.value) }

    /// Appends sixty-four bytes.
    package mutating func write(_ value: Signature) { value.append(to: &bytes) }

    /// Appends any value with an encoding of its own.
    package mutating func write(_ value: some BorshCodable) { value.encode(to: &self) }

    /// Appends a `u32` count and the elements.
    package mutating func write(_ values: [some BorshCodable]) {
        write(UInt32(values.count))
        for value in values { value.encode(to: &self) }
    }

    /// Appends a `u32` count and the elements, each of thirty-two bytes.
    package mutating func write(_ values: [Bytes32]) {
        write(UInt32(values.count))
        for value in values { write(value) }
    }

    /// Appends a `u32` count and the elements, each 0, or 1 and the value.
    package mutating func write(_ values: [(some BorshCodable)?]) {
        write(UInt32(values.count))
        for value in values { write(optional: value) }
    }

    /// Appends 0, or 1 and the value.
    package mutating func write(optional value: (some BorshCodable)?) {
        guard let value else { return write(UInt8(0)) }
        write(UInt8(1))
        write(value)
    }
}

/// Reads values in Borsh. Never takes memory for a count before the bytes for it are seen.
///
/// Invariants: `0 <= start <= position <= limit <= bytes.count`; `position` never goes back.
package struct BorshReader: Sendable {
    private let bytes: [UInt8]
    private let start: Int
    private let limit: Int
    private var position: Int

    /// The offset of the next byte, from the first that is read.
    package var offset: Int { position - start }

    /// Reads all of `bytes`.
    package init(_ bytes: [UInt8]) { self.init(bytes, in: bytes.indices) }

    /// Reads a part of `bytes`.
    ///
    /// - Precondition: `range` lies in `bytes`.
    package init(_ bytes: [UInt8], in range: Range<Int>) {
        invariant(
            range.lowerBound >= 0 && range.upperBound <= bytes.count,
            "\(range) of \(bytes.count) bytes")
        self.bytes = bytes
        start = range.lowerBound
        position = range.lowerBound
        limit = range.upperBound
    }

    /// Throws where bytes are left.
    package func end() throws(DecodingError) {
        guard position == limit else { throw .trailing(offset: offset, bytes: limit - position) }
    }

    private func need(_ count: Int) throws(DecodingError) {
        guard limit - position >= count else {
            throw .truncated(offset: offset, neededBytes: count - (limit - position))
        }
    }

    /// Reads a fixed-width integer of at most 64 bits, little-endian.
    package mutating func integer<T: FixedWidthInteger>(
        _ type: T.Type = T.self
    ) throws(DecodingError) -> T {
        invariant(T.bitWidth <= 64, "an integer of \(T.bitWidth) bits is read")
        return T(truncatingIfNeeded: try integer(byteCount: T.bitWidth / 8))
    }

    private mutating func integer(byteCount: Int) throws(DecodingError) -> UInt64 {
        try need(byteCount)
        defer { position += byteCount }
        // One load where eight bytes are there, whatever they belong to.
        if let word = bytes.span.word(at: position) {
            return byteCount == 8 ? word : word & (1 << UInt64(8 * byteCount) - 1)
        }
        var value: UInt64 = 0
        for place in 0..<byteCount {
            value |= UInt64(bytes[position + place]) << UInt64(8 * place)
        }
        return value
    }

    /// Reads `count` bytes.
    package mutating func fixed(_ count: Int) throws(DecodingError) -> [UInt8] {
        try need(count)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// Reads a `u32` count of at most `bound`.
    package mutating func count(
        of type: @autoclosure () -> String, bound: Int
    ) throws(DecodingError) -> Int {
        let start = offset
        let count = try integer(UInt32.self)
        guard count <= bound else {
            throw .overBound(
                type: type(), count: UInt64(count), bound: UInt64(bound), offset: start)
        }
        return Int(count)
    }

    /// Reads a `u32` count of at most `bound` and so many bytes.
    package mutating func blob(of type: String, bound: Int) throws(DecodingError) -> [UInt8] {
        try fixed(count(of: type, bound: bound))
    }

    /// Reads a `u32` count of at most `bound` and so many bytes of well-formed UTF-8.
    package mutating func text(of type: String, bound: Int) throws(DecodingError) -> String {
        let start = offset
        let bytes = try blob(of: type, bound: bound)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .notCanonical(type: type, offset: start)
        }
        return text
    }

    /// Reads thirty-two bytes.
    package mutating func bytes32() throws(DecodingError) -> Bytes32 {
        try need(32)
        defer { position += 32 }
        return Bytes32(bytes.span, at: position) ?? .zero
    }

    /// Reads a digest.
    package mutating func digest() throws(DecodingError) -> Digest { Digest(try bytes32()) }

    /// Reads a public key.
    package mutating func publicKey() throws(DecodingError) -> PublicKey {
        PublicKey(try bytes32())
    }

    /// Reads a signature.
    package mutating func signature() throws(DecodingError) -> Signature {
        try need(64)
        defer { position += 64 }
        return Signature(bytes.span, at: position) ?? .zero
    }

    /// Reads a `u32` count of at most `bound` and so many values of thirty-two bytes.
    package mutating func list32(of type: String, bound: Int) throws(DecodingError) -> [Bytes32] {
        let count = try count(of: type, bound: bound)
        try need(32 * count)
        var values: [Bytes32] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try bytes32()) }
        return values
    }

    /// Reads a `u32` count of at most `bound` and so many elements.
    package mutating func list<T: BorshCodable>(
        of type: T.Type = T.self, bound: Int
    ) throws(DecodingError) -> [T] {
        let count = try count(of: "\(type)", bound: bound)
        var values: [T] = []
        for _ in 0..<count { values.append(try T(from: &self)) }
        return values
    }

    /// Reads a `u32` count of at most `bound` and so many elements, each 0, or 1 and a value.
    package mutating func optionals<T: BorshCodable>(
        of type: T.Type = T.self, bound: Int
    ) throws(DecodingError) -> [T?] {
        let count = try count(of: "\(type)?", bound: bound)
        var values: [T?] = []
        for _ in 0..<count { values.append(try optional()) }
        return values
    }

    /// Reads 0, or 1 and a value.
    package mutating func optional<T: BorshCodable>(
        _ type: T.Type = T.self
    ) throws(DecodingError) -> T? {
        let start = offset
        switch try integer(UInt8.self) {
        case 0: return nil
        case 1: return try T(from: &self)
        case let tag: throw .unknownTag(type: "\(type)?", tag: tag, offset: start)
        }
    }

    /// Reads the one-byte tag of an enumeration.
    package mutating func tag<T: RawRepresentable<UInt8>>(
        _ type: T.Type = T.self
    ) throws(DecodingError) -> T {
        let start = offset
        let raw = try integer(UInt8.self)
        guard let value = T(rawValue: raw) else {
            throw .unknownTag(type: "\(type)", tag: raw, offset: start)
        }
        return value
    }
}

/// A key is encoded as its thirty-two bytes.
extension PublicKey: BorshCodable {
    package func encode(to writer: inout BorshWriter) { writer.write(value) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self = try reader.publicKey()
    }
}

/// An enumeration without payload is encoded as its tag.
extension BorshCodable where Self: RawRepresentable<UInt8> {
    package func encode(to writer: inout BorshWriter) { writer.write(rawValue) }
    package init(from reader: inout BorshReader) throws(DecodingError) {
        self = try reader.tag(Self.self)
    }
}
