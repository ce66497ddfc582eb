// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CSodium

/// An integer below l = 2^252 + 27742317777372353535851937790883648493, the order of the group.
struct GroupScalar: Sendable {
    /// Its four words.
    let words: Words256

    /// l.
    static let order = Words256(
        0x5812_631A_5CF5_D3ED, 0x14DE_F9DE_A2F7_9CD6, 0, 0x1000_0000_0000_0000)

    /// Reads a little-endian integer; nil from l on.
    @inline(__always)
    init?(_ value: Bytes32) {
        let words = Words256(value)
        guard words.isBelow(Self.order) else { return nil }
        self.words = words
    }

    /// Reduces sixty-four bytes, one little-endian integer, modulo l.
    init(reducing wide: UnsafeBufferPointer<UInt8>) {
        invariant(wide.count == 64, "a wide scalar has other than sixty-four bytes")
        invariant(Sodium.isReady, "libsodium is not ready")
        // SAFETY: `wide` holds 64 bytes, and the result has room for the 32 that are written.
        let value = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { result in
            unsafe result.initialize(repeating: 0)
            guard let start = result.baseAddress, let wide = wide.baseAddress else {
                return Bytes32?.none
            }
            unsafe crypto_core_ed25519_scalar_reduce(start, wide)
            return unsafe Bytes32(Span(_unsafeElements: UnsafeBufferPointer(result)))
        }
        invariant(value != nil, "a scalar has other than thirty-two bytes")
        words = Words256(value ?? .zero)
    }

    /// The bits from `start` on, at most 32 of them, as far as `count` says.
    @inline(__always)
    func bits(from start: Int, count: Int) -> UInt64 {
        let shift = UInt64(truncatingIfNeeded: start & 63)
        let low: UInt64
        let high: UInt64
        switch start >> 6 {
        case 0: (low, high) = (words.word0, words.word1)
        case 1: (low, high) = (words.word1, words.word2)
        case 2: (low, high) = (words.word2, words.word3)
        default: (low, high) = (words.word3, 0)
        }
        // A shift by 64 gives zero.
        return (low >> shift | high << (64 - shift)) & (1 << UInt64(truncatingIfNeeded: count) - 1)
    }
}
