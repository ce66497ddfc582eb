// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Thirty-two bytes as a value: digests, public keys and field elements as they are stored.
///
/// Held as four words in the order of memory, so that they are the bytes as they stand; compared in
/// the order of the bytes.
package struct Bytes32: Hashable, Comparable, Sendable {
    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    /// Thirty-two zero bytes.
    package static let zero = Bytes32(word0: 0, word1: 0, word2: 0, word3: 0)

    private init(word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }

    /// Takes four words, most significant first, of which the bytes are one big-endian integer.
    init(bigEndianWords word0: UInt64, _ word1: UInt64, _ word2: UInt64, _ word3: UInt64) {
        self.init(
            word0: word0.bigEndian, word1: word1.bigEndian, word2: word2.bigEndian,
            word3: word3.bigEndian)
    }

    /// Reads thirty-two bytes at `offset`; nil where the span is shorter.
    package init?(_ span: Span<UInt8>, at offset: Int = 0) {
        guard offset >= 0, span.count >= 32, offset <= span.count - 32 else { return nil }
        self = unsafe span.withUnsafeBytes { buffer in
            // SAFETY: the buffer holds thirty-two bytes from `offset` on; any alignment will do.
            unsafe buffer.loadUnaligned(fromByteOffset: offset, as: Bytes32.self)
        }
    }

    /// Reads exactly thirty-two bytes; nil at any other length.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.init(bytes.span)
    }

    /// Reads sixty-four hexadecimal digits; nil for any other text.
    package init?(hex: some StringProtocol) {
        guard let bytes = [UInt8](hex: hex) else { return nil }
        self.init(bytes)
    }

    /// The bytes, first to last.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(32)
        append(to: &result)
        return result
    }

    /// Appends the thirty-two bytes.
    package func append(to buffer: inout [UInt8]) {
        // SAFETY: the bytes of four words without padding, for the call.
        unsafe withUnsafeBytes(of: self) { bytes in unsafe buffer.append(contentsOf: bytes) }
    }

    /// Sixty-four lower-case hexadecimal digits.
    package var hex: String { bytes.hex }

    /// The value as four words, most significant first, where the bytes are one big-endian integer.
    package var bigEndianWords: (UInt64, UInt64, UInt64, UInt64) {
        (word0.bigEndian, word1.bigEndian, word2.bigEndian, word3.bigEndian)
    }

    package static func < (left: Bytes32, right: Bytes32) -> Bool {
        left.bigEndianWords < right.bigEndianWords
    }
}

extension Span<UInt8> {
    /// Reads eight bytes at `offset`, least significant first; nil where the span is shorter.
    @inlinable
    package func word(at offset: Int) -> UInt64? {
        guard offset >= 0, count >= 8, offset <= count - 8 else { return nil }
        return unsafe withUnsafeBytes { buffer in
            // SAFETY: the buffer holds eight bytes from `offset` on; any alignment will do.
            let word = unsafe buffer.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            return UInt64(littleEndian: word)
        }
    }
}

extension [UInt8] {
    /// Reads an even number of hexadecimal digits; nil for any other text.
    package init?(hex text: some StringProtocol) {
        let digits = Swift.Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(digits.count / 2)
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x41...0x46: digit - 0x41 + 10
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[position]), let low = value(digits[position + 1]) else {
                return nil
            }
            result.append(high << 4 | low)
        }
        self = result
    }

    /// Two lower-case hexadecimal digits for each byte.
    package var hex: String {
        let digits = Swift.Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(count * 2)
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
