// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of a protobuf message in the order in which it is told them.
///
/// Nothing is left out: a caller that wants a field of value zero absent does not write it.
package struct ProtobufWriter {
    /// The message so far.
    package private(set) var bytes: [UInt8] = []

    /// A writer of an empty message.
    package init() {}

    /// Appends a field of wire type 0.
    package mutating func write(_ number: UInt32, varint value: UInt64) {
        Varint.encode(UInt64(number) << 3, to: &bytes)
        Varint.encode(value, to: &bytes)
    }

    /// Appends a field of wire type 2: bytes, text, or the bytes of a message.
    package mutating func write(_ number: UInt32, bytes content: some Collection<UInt8>) {
        Varint.encode(UInt64(number) << 3 | 2, to: &bytes)
        Varint.encode(UInt64(content.count), to: &bytes)
        bytes.append(contentsOf: content)
    }

    /// Appends a field as it came, key included.
    package mutating func write(raw field: ArraySlice<UInt8>) {
        bytes.append(contentsOf: field)
    }
}
