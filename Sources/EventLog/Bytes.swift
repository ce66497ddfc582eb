// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension [UInt8] {
    /// Appends an integer, least significant byte first.
    mutating func append<T: FixedWidthInteger & UnsignedInteger>(littleEndian value: T) {
        for shift in stride(from: 0, to: T.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> T(truncatingIfNeeded: shift)))
        }
    }
}

extension Span<UInt8> {
    /// Reads an integer, least significant byte first.
    ///
    /// - Precondition: the span holds it whole.
    func integer<T: FixedWidthInteger & UnsignedInteger>(at offset: Int, as: T.Type = T.self) -> T {
        var value: T = 0
        for position in 0..<T.bitWidth / 8 {
            value |=
                T(truncatingIfNeeded: self[offset + position])
                << T(truncatingIfNeeded: 8 * position)
        }
        return value
    }

    /// Reads a digest.
    ///
    /// - Precondition: the span holds it whole.
    func digest(at offset: Int) -> Digest {
        let value = Bytes32(self, at: offset)
        invariant(value != nil, "a digest was read beyond the end")
        return Digest(value ?? .zero)
    }
}

/// The checksum of this format: the first eight bytes of SHA-256, as they are.
///
/// A random change passes with probability 2^-64.
func sha64(_ bytes: Span<UInt8>) -> UInt64 {
    Digest(hashing: bytes).value.bigEndianWords.0.byteSwapped
}

/// The checksum of bytes that follow the salt of their segment.
func sha64(salt: UInt64, _ bytes: Span<UInt8>) -> UInt64 {
    var salted: [UInt8] = []
    salted.reserveCapacity(8 + bytes.count)
    salted.append(littleEndian: salt)
    for position in bytes.indices { salted.append(bytes[position]) }
    return sha64(salted.span)
}
