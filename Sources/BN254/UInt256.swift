// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An unsigned integer of 256 bits: four named limbs, `limb0` the least significant.
package struct UInt256: Hashable, Sendable {
    package var limb0: UInt64
    package var limb1: UInt64
    package var limb2: UInt64
    package var limb3: UInt64

    /// Makes the number `limb0 + limb1 * 2^64 + limb2 * 2^128 + limb3 * 2^192`.
    @inline(__always)
    package init(_ limb0: UInt64, _ limb1: UInt64, _ limb2: UInt64, _ limb3: UInt64) {
        self.limb0 = limb0
        self.limb1 = limb1
        self.limb2 = limb2
        self.limb3 = limb3
    }

    /// Zero.
    package static let zero = UInt256(0, 0, 0, 0)

    /// Whether every bit is clear.
    @inline(__always)
    package var isZero: Bool { limb0 | limb1 | limb2 | limb3 == 0 }

    /// Returns limb `index`, 0 the least significant; limbs past the fourth are zero.
    @inline(__always)
    package func limb(_ index: Int) -> UInt64 {
        switch index {
        case 0: limb0
        case 1: limb1
        case 2: limb2
        case 3: limb3
        default: 0
        }
    }

    /// Returns bit `index`, 0 the least significant; bits past the 256th are clear.
    @inline(__always)
    package func bit(_ index: Int) -> Bool {
        (limb(index >> 6) >> UInt64(index & 63)) & 1 == 1
    }

    /// Returns the `width` bits (at most 63) that start at bit `index`.
    @inline(__always)
    package func bits(at index: Int, width: Int) -> UInt64 {
        let offset = UInt64(index & 63)
        let low = limb(index >> 6) >> offset
        // A shift by 64 or more gives zero in Swift, which is what offset 0 needs.
        let high = limb((index >> 6) + 1) << (64 - offset)
        return (low | high) & ((1 << UInt64(width)) &- 1)
    }

    /// The number of bits up to the highest one that is set.
    package var bitWidth: Int {
        for index in stride(from: 3, through: 0, by: -1) where limb(index) != 0 {
            return index * 64 + 64 - limb(index).leadingZeroBitCount
        }
        return 0
    }
}

// MARK: - Arithmetic

/// Returns `left + right + carry` and the carry out, each carry 0 or 1.
@inline(__always)
func addWithCarry(_ left: UInt64, _ right: UInt64, _ carry: UInt64) -> (UInt64, UInt64) {
    // In 128 bits this compiles to one instruction; overflow flags of type Bool leave branches
    // behind, which doubled the time of a verification.
    let wide = UInt128(left) &+ UInt128(right) &+ UInt128(carry)
    return (UInt64(truncatingIfNeeded: wide), UInt64(truncatingIfNeeded: wide >> 64))
}

extension UInt256 {
    /// Returns `self + other + carry` modulo 2^256 and the carry out, each carry 0 or 1.
    @inline(__always)
    func addingWithCarry(_ other: UInt256, _ carry: UInt64 = 0) -> (UInt256, UInt64) {
        let (sum0, carry0) = addWithCarry(limb0, other.limb0, carry)
        let (sum1, carry1) = addWithCarry(limb1, other.limb1, carry0)
        let (sum2, carry2) = addWithCarry(limb2, other.limb2, carry1)
        let (sum3, carry3) = addWithCarry(limb3, other.limb3, carry2)
        return (UInt256(sum0, sum1, sum2, sum3), carry3)
    }

    /// Returns `self - other` modulo 2^256, and 1 where `self >= other`, else 0.
    @inline(__always)
    func subtractingWithCarry(_ other: UInt256) -> (UInt256, UInt64) {
        addingWithCarry(other.complement, 1)
    }

    /// 2^256 - 1 less the number.
    @inline(__always)
    var complement: UInt256 { UInt256(~limb0, ~limb1, ~limb2, ~limb3) }

    /// Returns `self` where `mask` is all ones and zero where it is zero.
    @inline(__always)
    func masked(by mask: UInt64) -> UInt256 {
        UInt256(limb0 & mask, limb1 & mask, limb2 & mask, limb3 & mask)
    }

    /// Returns `self / 2`, rounded down.
    @inline(__always)
    func halved() -> UInt256 {
        UInt256(
            limb0 >> 1 | limb1 << 63, limb1 >> 1 | limb2 << 63, limb2 >> 1 | limb3 << 63,
            limb3 >> 1)
    }

    /// Returns `self * factor + addend`, or nil where that is 2^256 or more.
    func multipliedAdding(_ factor: UInt64, _ addend: UInt64) -> UInt256? {
        let (low0, carry0) = multiplyAdd(0, limb0, factor, addend)
        let (low1, carry1) = multiplyAdd(0, limb1, factor, carry0)
        let (low2, carry2) = multiplyAdd(0, limb2, factor, carry1)
        let (low3, carry3) = multiplyAdd(0, limb3, factor, carry2)
        return carry3 == 0 ? UInt256(low0, low1, low2, low3) : nil
    }

    /// Returns quotient and remainder by a divisor that is not zero.
    func dividedWithRemainder(by divisor: UInt64) -> (UInt256, UInt64) {
        let (quotient3, remainder3) = limb3.quotientAndRemainder(dividingBy: divisor)
        let (quotient2, remainder2) = divisor.dividingFullWidth((remainder3, limb2))
        let (quotient1, remainder1) = divisor.dividingFullWidth((remainder2, limb1))
        let (quotient0, remainder0) = divisor.dividingFullWidth((remainder1, limb0))
        return (UInt256(quotient0, quotient1, quotient2, quotient3), remainder0)
    }
}

extension UInt256: Comparable {
    /// Whether `left` is the smaller number.
    @inline(__always)
    package static func < (left: UInt256, right: UInt256) -> Bool {
        left.subtractingWithCarry(right).1 == 0
    }
}

// MARK: - Bytes and decimal digits

extension UInt256 {
    /// Reads exactly 32 bytes, least significant first; nil for any other length.
    package init?(littleEndian bytes: some RandomAccessCollection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self = .zero
        for (position, byte) in bytes.enumerated() { set(byte, at: position) }
    }

    /// Reads exactly 32 bytes, most significant first; nil for any other length.
    package init?(bigEndian bytes: some RandomAccessCollection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self = .zero
        for (position, byte) in bytes.enumerated() { set(byte, at: 31 - position) }
    }

    /// Reads exactly 32 bytes, least significant first; nil for any other length.
    package init?(littleEndian bytes: Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self = .zero
        for position in 0..<32 { set(bytes[position], at: position) }
    }

    /// Reads exactly 32 bytes, most significant first; nil for any other length.
    package init?(bigEndian bytes: Span<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self = .zero
        for position in 0..<32 { set(bytes[position], at: 31 - position) }
    }

    /// Fills a byte that is still zero, `position` counted from the least significant.
    private mutating func set(_ byte: UInt8, at position: Int) {
        let shifted = UInt64(byte) << UInt64((position & 7) * 8)
        switch position >> 3 {
        case 0: limb0 |= shifted
        case 1: limb1 |= shifted
        case 2: limb2 |= shifted
        default: limb3 |= shifted
        }
    }

    /// The 32 bytes, least significant first.
    package var littleEndianBytes: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: limb($0 >> 3) >> UInt64(($0 & 7) * 8)) }
    }

    /// The 32 bytes, most significant first.
    package var bigEndianBytes: [UInt8] { littleEndianBytes.reversed() }

    /// Reads a decimal number: digits only, no leading zero but in "0" itself, at most 78 digits.
    ///
    /// Returns nil for anything else and for 2^256 or more. Cost is bounded: no more than 79
    /// bytes of the text are looked at.
    package init?(decimal text: some StringProtocol) {
        var value = UInt256.zero
        var count = 0
        for digit in text.utf8 {
            guard digit >= 0x30, digit <= 0x39, count < 78 else { return nil }
            if count == 1, value.isZero { return nil }
            guard let next = value.multipliedAdding(10, UInt64(digit - 0x30)) else { return nil }
            value = next
            count += 1
        }
        guard count > 0 else { return nil }
        self = value
    }

    /// The number in decimal, without leading zeros.
    package var decimal: String {
        var digits: [UInt8] = []
        var rest = self
        repeat {
            let (quotient, digit) = rest.dividedWithRemainder(by: 10)
            digits.append(0x30 + UInt8(digit))
            rest = quotient
        } while !rest.isZero
        return String(decoding: digits.reversed(), as: UTF8.self)
    }
}
