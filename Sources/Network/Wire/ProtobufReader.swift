// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A field of a protobuf message as it came.
package struct ProtobufField: Equatable {
    /// What a field holds, by its wire type.
    package enum Value: Equatable {
        /// Wire type 0.
        case varint(UInt64)
        /// Wire type 1.
        case fixed64(UInt64)
        /// Wire type 2: bytes, text or a message. A view of the message's bytes, not a copy.
        case bytes(ArraySlice<UInt8>)
        /// Wire type 5.
        case fixed32(UInt32)
    }

    /// The number of the field, from 1 to 2^29 - 1.
    package let number: UInt32
    /// What it holds.
    package let value: Value
    /// The field as it came, key included.
    package let raw: ArraySlice<UInt8>

    /// The number that a field of wire type 0 holds.
    /// - Throws: `unexpectedType`.
    package func varint() throws(WireError) -> UInt64 {
        guard case .varint(let value) = value else { throw .unexpectedType(field: number) }
        return value
    }

    /// The bytes that a field of wire type 2 holds.
    /// - Throws: `unexpectedType`; `tooLong` above the limit.
    package func bytes(limit: Int = .max) throws(WireError) -> ArraySlice<UInt8> {
        guard case .bytes(let value) = value else { throw .unexpectedType(field: number) }
        guard value.count <= limit else {
            throw .tooLong(length: UInt64(value.count), limit: limit)
        }
        return value
    }
}

/// Reads the fields of a protobuf message in the order in which they come.
///
/// A caller skips the numbers it does not know, and decides what a repeated one means: for a
/// single field the last one counts. Nothing is copied, and no length is believed before that many
/// bytes are there. Groups are refused.
///
/// Source: Protocol Buffers, "Encoding".
package struct ProtobufReader {
    private var rest: ArraySlice<UInt8>

    /// A reader of one message, which is all of the bytes.
    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// A reader of one message, which is all of the bytes.
    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// The next field, or nil at the end of the message.
    /// - Throws: `truncated`, `numberTooLarge`, `fieldNumber` or `wireType`.
    package mutating func next() throws(WireError) -> ProtobufField? {
        guard !rest.isEmpty else { return nil }
        let start = rest
        let key = try Varint.read(from: &rest, form: .protobuf)
        guard (1...536_870_911).contains(key >> 3) else { throw .fieldNumber(key >> 3) }
        let number = UInt32(key >> 3)
        let value: ProtobufField.Value
        switch key & 7 {
        case 0: value = .varint(try Varint.read(from: &rest, form: .protobuf))
        case 1: value = .fixed64(try takeFixed(8))
        case 2: value = .bytes(try takeBytes())
        case 5: value = .fixed32(UInt32(try takeFixed(4)))
        default: throw .wireType(field: number, type: UInt8(key & 7))
        }
        let raw = start[start.startIndex..<rest.startIndex]
        return ProtobufField(number: number, value: value, raw: raw)
    }

    private mutating func takeBytes() throws(WireError) -> ArraySlice<UInt8> {
        try Varint.readPrefixed(from: &rest, form: .protobuf, limit: .max)
    }

    private mutating func takeFixed(_ size: Int) throws(WireError) -> UInt64 {
        guard rest.count >= size else { throw .truncated }
        let value = rest.prefix(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        rest = rest.dropFirst(size)
        return value
    }
}
