// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// An integer modulo p = 2^255 - 19, the plainest way: for holding the kernels against.
struct ReferenceField: Equatable {
    /// The least representative, least significant word first.
    private let words: [UInt64]

    static let zero = ReferenceField(0)
    static let one = ReferenceField(1)

    init(_ value: UInt64) { words = [value, 0, 0, 0] }

    /// Any integer, least significant word first.
    init(reducing wide: [UInt64]) {
        var value = wide
        while value.count > 4 {
            // 2^256 is 38.
            let high = Array(value[4...])
            value = Self.sum(Array(value[..<4]), Self.product(high, [38]))
            while value.count > 4, value.last == 0 { value.removeLast() }
        }
        value += [UInt64](repeating: 0, count: 4 - value.count)
        for _ in 0..<2 where value[3] >> 63 == 1 || Self.isModulusOrMore(value) {
            // Less p is 19 more, less 2^255.
            value = Array(Self.sum(value, [19])[..<4])
            value[3] ^= 1 << 63
        }
        words = value
    }

    /// Five limbs of fifty-one bits, which may hold more.
    init(limbs: ArraySlice<UInt64>) {
        var result = Self.zero
        for limb in limbs.reversed() { result = result * ReferenceField(1 << 51) + Self(limb) }
        self = result
    }

    init(hexBigEndian text: String) {
        let bytes = [UInt8](hex: text) ?? []
        self.init(
            reducing: (0..<4).reversed().map { word in
                bytes[8 * word..<8 * word + 8].reduce(0) { $0 << 8 | UInt64($1) }
            })
    }

    static func + (left: Self, right: Self) -> Self { Self(reducing: sum(left.words, right.words)) }

    static func - (left: Self, right: Self) -> Self { left + right * minusOne }

    static func * (left: Self, right: Self) -> Self {
        Self(reducing: product(left.words, right.words))
    }

    private static let minusOne = ReferenceField(
        reducing: [.max - 19, .max, .max, .max >> 1])

    /// The inverse, by the power p - 2.
    var inverse: Self {
        var result = Self.one
        for bit in (0..<255).reversed() {
            result = result * result
            if bit != 2 && bit != 4 { result = result * self }
        }
        return result
    }

    var isOdd: Bool { words[0] & 1 == 1 }

    /// Five limbs below 2^51.
    var limbs: [UInt64] {
        (0..<5).map { limb in
            let (word, bit) = (51 * limb / 64, UInt64(51 * limb % 64))
            let high = word < 3 ? words[word + 1] : 0
            return (words[word] >> bit | (bit > 13 ? high << (64 - bit) : 0)) & (1 << 51 - 1)
        }
    }

    /// As the encoding of a point has y, with a bit above it.
    func encoding(withSign sign: Bool) -> [UInt64] {
        words[..<3] + [words[3] | (sign ? 1 << 63 : 0)]
    }

    private static func isModulusOrMore(_ value: [UInt64]) -> Bool {
        value[0] >= .max - 18 && value[1] == .max && value[2] == .max && value[3] == .max >> 1
    }

    /// A word longer than the longer.
    private static func sum(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        var carry: UInt64 = 0
        return (0...max(left.count, right.count)).map { place in
            let wide =
                UInt128(place < left.count ? left[place] : 0)
                + UInt128(place < right.count ? right[place] : 0) + UInt128(carry)
            carry = UInt64(wide >> 64)
            return UInt64(truncatingIfNeeded: wide)
        }
    }

    private static func product(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: left.count + right.count)
        for (low, one) in left.enumerated() {
            var carry: UInt128 = 0
            for (high, other) in right.enumerated() {
                carry += UInt128(one) * UInt128(other) + UInt128(result[low + high])
                result[low + high] = UInt64(truncatingIfNeeded: carry)
                carry >>= 64
            }
            result[low + right.count] = UInt64(carry)
        }
        return result
    }
}

/// A point in extended coordinates, on the curve or not: the formulas hold as they are.
struct ReferencePoint {
    private var x = ReferenceField.zero
    private var y = ReferenceField.one
    private var z = ReferenceField.one
    private var t = ReferenceField.zero

    /// Adds an entry of a table, fifteen limbs: (y + x) / 2, (y - x) / 2 and dxy; or its opposite.
    mutating func add(_ entry: ArraySlice<UInt64>, isNegated: Bool) {
        let start = entry.startIndex
        var above = ReferenceField(limbs: entry[start..<start + 5])
        var below = ReferenceField(limbs: entry[start + 5..<start + 10])
        var product = ReferenceField(limbs: entry[start + 10..<start + 15])
        if isNegated { (above, below, product) = (below, above, .zero - product) }
        let (a, b, c) = ((y - x) * below, (y + x) * above, t * product)
        let (e, f, g, h) = (b - a, z - c, z + c, b + a)
        (x, y, z, t) = (e * f, g * h, f * g, e * h)
    }

    /// Four words, least significant first.
    var encoding: [UInt64] {
        let inverse = z.inverse
        return (y * inverse).encoding(withSign: (x * inverse).isOdd)
    }
}
