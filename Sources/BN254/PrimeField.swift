// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An element of a field: what the group formulas need of a coordinate.
package protocol FieldElement: Hashable, Sendable {
    /// The neutral element of addition.
    static var zero: Self { get }
    /// The neutral element of multiplication.
    static var one: Self { get }
    /// Whether this is the neutral element of addition.
    var isZero: Bool { get }
    /// The sum.
    static func + (left: Self, right: Self) -> Self
    /// The difference.
    static func - (left: Self, right: Self) -> Self
    /// The product.
    static func * (left: Self, right: Self) -> Self
    /// The product with itself.
    func squared() -> Self
    /// Twice the element.
    func doubled() -> Self
    /// The element that gives zero when added to this one.
    var negated: Self { get }
    /// The element that gives one when multiplied with this one; zero for zero.
    var inverse: Self { get }
}

extension FieldElement {
    /// Replaces every element by its inverse, with one inversion in all; zeros stay zeros.
    ///
    /// Source: Montgomery 1987, section 10.3.1. Cost: 3 multiplications an element. The time
    /// depends on which elements are zero, on nothing else.
    package static func invertAll(_ elements: inout [Self]) {
        if elements.isEmpty { return }
        var prefix: [Self] = []
        prefix.reserveCapacity(elements.count)
        var product = Self.one
        for element in elements {
            prefix.append(product)
            if !element.isZero { product = product * element }
        }
        var rest = product.inverse
        for index in elements.indices.reversed() where !elements[index].isZero {
            let inverted = rest * prefix[index]
            rest = rest * elements[index]
            elements[index] = inverted
        }
    }
}

/// An element of a field of prime order, held in Montgomery form with radix 2^256.
///
/// `+ - *`, `negated` and `squared` are constant-time. Reading and writing text is not.
package protocol PrimeField: FieldElement {
    /// The order of the field.
    static var order: UInt256 { get }
    /// Makes the element that a number below the order stands for; not checked.
    init(uncheckedCanonical value: UInt256)
    /// The number below the order that this element stands for.
    var canonical: UInt256 { get }
}

extension PrimeField {
    /// Makes the element that a number below the order stands for, or nil for a larger number.
    package init?(canonical value: UInt256) {
        guard value < Self.order else { return nil }
        self.init(uncheckedCanonical: value)
    }

    /// Makes a small element.
    package init(_ value: UInt64) {
        self.init(uncheckedCanonical: UInt256(value, 0, 0, 0))
    }

    /// Makes the element that a number of 256 bits leaves after division by the order.
    package init(reducing value: UInt256) {
        // 2^256 is less than six times the order, so five subtractions at most.
        var rest = value
        while rest >= Self.order { rest = rest.subtractingWithCarry(Self.order).0 }
        self.init(uncheckedCanonical: rest)
    }

    /// Reads 32 bytes, least significant first; nil for another length or a value >= the order.
    package init?(littleEndian bytes: [UInt8]) {
        guard let value = UInt256(littleEndian: bytes) else { return nil }
        self.init(canonical: value)
    }

    /// Reads 32 bytes, least significant first; nil for another length or a value >= the order.
    package init?(littleEndian bytes: Span<UInt8>) {
        guard let value = UInt256(littleEndian: bytes) else { return nil }
        self.init(canonical: value)
    }

    /// Reads 32 bytes, most significant first; nil for another length or a value >= the order.
    package init?(bigEndian bytes: [UInt8]) {
        guard let value = UInt256(bigEndian: bytes) else { return nil }
        self.init(canonical: value)
    }

    /// Reads 32 bytes, most significant first; nil for another length or a value >= the order.
    package init?(bigEndian bytes: Span<UInt8>) {
        guard let value = UInt256(bigEndian: bytes) else { return nil }
        self.init(canonical: value)
    }

    /// Reads 32 bytes, least significant first, modulo the order; nil for another length.
    ///
    /// For hashes, where the reduction is part of a definition. Values that a party sends are
    /// read with `init(littleEndian:)`, which never reduces.
    package init?(reducingLittleEndian bytes: [UInt8]) {
        guard let value = UInt256(littleEndian: bytes) else { return nil }
        self.init(reducing: value)
    }

    /// Reads a decimal number below the order: digits only, no sign, no leading zero but in "0".
    ///
    /// Returns nil for anything else. No more than 79 bytes of the text are looked at.
    package init?(decimal text: some StringProtocol) {
        guard let value = UInt256(decimal: text) else { return nil }
        self.init(canonical: value)
    }

    /// The 32 bytes of the number, least significant first.
    package var littleEndianBytes: [UInt8] { canonical.littleEndianBytes }

    /// The 32 bytes of the number, most significant first.
    package var bigEndianBytes: [UInt8] { canonical.bigEndianBytes }

    /// The number in decimal, without leading zeros.
    package var decimal: String { canonical.decimal }
}

extension FieldElement {
    /// Returns this element to the power of `exponent`, which is public.
    ///
    /// Fixed windows of four bits; the time depends on the exponent only.
    @inline(__always)
    func power(publicExponent exponent: UInt256) -> Self {
        var table: [Self] = [.one, self]
        for index in 2..<16 { table.append(table[index - 1] * self) }
        var result = Self.one
        var isStarted = false
        for index in stride(from: 63, through: 0, by: -1) {
            if isStarted {
                result = result.squared().squared().squared().squared()
            }
            let digit = Int(exponent.bits(at: index * 4, width: 4))
            if digit != 0 {
                result = isStarted ? result * table[digit] : table[digit]
                isStarted = true
            }
        }
        return result
    }
}
