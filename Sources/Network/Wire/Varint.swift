// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Unsigned numbers of variable length: seven bits a byte, lowest first, the top bit on all but
/// the last.
///
/// Sources: multiformats/unsigned-varint; Protocol Buffers, "Encoding".
package enum Varint {
    /// Which numbers a format takes.
    package enum Form: Sendable {
        /// At most nine bytes, thus below 2^63, and in the shortest form only.
        case multiformats
        /// At most ten bytes, thus all of 64 bits, in any form.
        case protobuf
    }

    /// The most bytes of a number that `encode` writes.
    package static let bytesMax = 10

    /// The bytes that `encode` writes for a number, 1 to 10.
    package static func size(_ value: UInt64) -> Int {
        max(1, (64 - value.leadingZeroBitCount + 6) / 7)
    }

    /// Appends the shortest form of a number.
    package static func encode(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// The shortest form of a number.
    package static func encode(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        encode(value, to: &bytes)
        return bytes
    }

    /// The number at the start of some bytes and how many bytes it takes, or nil while its end has
    /// not arrived.
    ///
    /// Throws as soon as no further byte could make a number of the form: an endless number is
    /// refused at its ninth or tenth byte.
    /// - Throws: `numberTooLarge`, then `numberNotMinimal`.
    package static func decode(
        _ bytes: ArraySlice<UInt8>, form: Form
    ) throws(WireError) -> (value: UInt64, size: Int)? {
        let sizeMax =
            switch form {
            case .multiformats: 9
            case .protobuf: 10
            }
        var value: UInt64 = 0
        var size = 0
        for byte in bytes {
            let low = UInt64(byte & 0x7F)
            // The tenth byte holds bit 63 alone.
            guard size < 9 || low <= 1 else { throw .numberTooLarge }
            value |= low << UInt64(7 * size)
            size += 1
            if byte < 0x80 {
                guard form == .protobuf || byte != 0 || size == 1 else { throw .numberNotMinimal }
                return (value, size)
            }
            guard size < sizeMax else { throw .numberTooLarge }
        }
        return nil
    }

    /// Reads the number at the start of some bytes, and drops it from them.
    /// - Throws: `truncated` where it has no end, and what `decode` throws.
    package static func read(
        from bytes: inout ArraySlice<UInt8>, form: Form
    ) throws(WireError) -> UInt64 {
        guard let (value, size) = try decode(bytes, form: form) else { throw .truncated }
        bytes = bytes.dropFirst(size)
        return value
    }

    /// Reads a length and as many bytes, and drops them.
    /// - Throws: what `read` throws; `tooLong` above the limit; `truncated` where fewer remain.
    package static func readPrefixed(
        from bytes: inout ArraySlice<UInt8>, form: Form, limit: Int
    ) throws(WireError) -> ArraySlice<UInt8> {
        let length = try read(from: &bytes, form: form)
        guard length <= UInt64(max(limit, 0)) else {
            throw .tooLong(length: length, limit: limit)
        }
        guard length <= UInt64(bytes.count) else { throw .truncated }
        let taken = bytes.prefix(Int(length))
        bytes = bytes.dropFirst(Int(length))
        return taken
    }
}
