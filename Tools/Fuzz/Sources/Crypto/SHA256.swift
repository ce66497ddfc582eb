// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// SHA-256 (FIPS 180-4) with the few names that the `Cryptography` module uses of swift-crypto.
///
/// Only for fuzzing: it spares that build some hundred C files. Recount itself uses swift-crypto.
public struct SHA256 {
    /// Thirty-two bytes.
    public typealias Digest = SHA256Digest

    private var state: InlineArray<8, UInt32> = [
        0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
        0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
    ]
    private var block = InlineArray<64, UInt8>(repeating: 0)
    private var count = 0

    /// Starts with nothing hashed.
    public init() {}

    /// Hashes bytes.
    public mutating func update(bufferPointer bytes: UnsafeRawBufferPointer) {
        for place in 0..<bytes.count {
            // SAFETY: the place is within the buffer, which the caller keeps alive.
            put(unsafe bytes[place])
        }
    }

    /// The digest of all that was hashed.
    public consuming func finalize() -> SHA256Digest {
        let bits = UInt64(count) * 8
        put(0x80)
        while count % 64 != 56 { put(0) }
        for place in 0..<8 { put(UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * place))) }
        return SHA256Digest(state)
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        block[count & 63] = byte
        count += 1
        if count & 63 == 0 { compress() }
    }

    private mutating func compress() {
        var words = InlineArray<64, UInt32>(repeating: 0)
        for place in 0..<16 {
            words[place] =
                UInt32(block[4 * place]) << 24 | UInt32(block[4 * place + 1]) << 16
                | UInt32(block[4 * place + 2]) << 8 | UInt32(block[4 * place + 3])
        }
        for place in 16..<64 {
            let early = words[place - 15]
            let late = words[place - 2]
            words[place] =
                words[place - 16] &+ words[place - 7]
                &+ (rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3))
                &+ (rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10))
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for place in 0..<64 {
            let first =
                h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ ((e & f) ^ (~e & g))
                &+ constants[place] &+ words[place]
            let second =
                (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22))
                &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e) = (g, f, e, d &+ first)
            (d, c, b, a) = (c, b, a, first &+ second)
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
        state[4] &+= e
        state[5] &+= f
        state[6] &+= g
        state[7] &+= h
    }
}

/// A digest of SHA-256.
public struct SHA256Digest {
    private let bytes: InlineArray<32, UInt8>

    fileprivate init(_ state: InlineArray<8, UInt32>) {
        var bytes = InlineArray<32, UInt8>(repeating: 0)
        for place in 0..<32 {
            bytes[place] = UInt8(
                truncatingIfNeeded: state[place / 4] >> UInt32(24 - 8 * (place % 4)))
        }
        self.bytes = bytes
    }

    /// Hands the bytes to `body`.
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        // SAFETY: thirty-two bytes without padding, for the call.
        unsafe try Swift.withUnsafeBytes(of: bytes, body)
    }
}

@inline(__always)
private func rotate(_ value: UInt32, _ bits: UInt32) -> UInt32 {
    value >> bits | value << (32 - bits)
}

/// The first bits of the fractions of the cube roots of the first 64 primes.
private let constants: InlineArray<64, UInt32> = [
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1,
    0x923F82A4, 0xAB1C5ED5, 0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3,
    0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174, 0xE49B69C1, 0xEFBE4786,
    0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147,
    0x06CA6351, 0x14292967, 0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13,
    0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85, 0xA2BFE8A1, 0xA81A664B,
    0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A,
    0x5B9CCA4F, 0x682E6FF3, 0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208,
    0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
]
