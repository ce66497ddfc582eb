// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A scalar `low + high * lambda`, where lambda takes a point (x, y) of G1 to (beta x, y).
///
/// No two pairs of halves stand for the same scalar: with a and b the differences of the halves,
/// a + b lambda = 0 and lambda^2 + lambda + 1 = 0 give a^2 - a b + b^2 = 0 modulo the order, while
/// that number is below 2^130. So 128 random bits are one of 2^128 scalars, and a point is
/// multiplied in 64 doublings.
/// Source: Gallant, Lambert and Vanstone 2001, "Faster point multiplication on elliptic curves
/// with efficient endomorphisms".
package struct SplitScalar: Sendable {
    /// The half that is taken as it is.
    package let low: UInt64
    /// The half that is multiplied with lambda.
    package let high: UInt64

    /// Makes the scalar of two halves.
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Draws 128 bits.
    package init(from generator: inout some RandomNumberGenerator) {
        low = generator.next()
        high = generator.next()
    }

    /// The scalar as an element of the field.
    package var element: Fr { Fr(low) + Fr(high) * CurveConstants.lambda }

    /// The scalar that has the digits 2 d - 15 in base 16 where the halves have the digits d.
    ///
    /// That is 2 d - 2^64 + 1 for a half d: odd, so that no digit is zero, and as many scalars.
    package var signedElement: Fr {
        // 2^64 - 1 for either half.
        let offset = Fr(UInt64.max) * (Fr.one + CurveConstants.lambda)
        return element.doubled() - offset
    }
}

extension G1Affine {
    /// Returns the point (beta x, y), which is this one times lambda.
    @inline(__always)
    var endomorphism: G1Affine { G1Affine(uncheckedX: x * CurveConstants.frobeniusTwice2, y: y) }

    /// Brings points to affine coordinates with one inversion in all.
    package static func normalize(_ points: [G1Point]) -> [G1Affine] {
        var inverted = points.map(\.z)
        Fp.invertAll(&inverted)
        return zip(points, inverted).map { point, inverse in
            let square = inverse.squared()
            return G1Affine(uncheckedX: point.x * square, y: point.y * square * inverse)
        }
    }

    /// Returns the point times a scalar.
    ///
    /// Two digits of four bits, -7...8, a window: 64 doublings and at most 34 additions.
    package func multipliedVariableTime(by scalar: SplitScalar) -> G1Point {
        var multiples = [jacobian]
        for index in 2...8 {
            multiples.append(
                index % 2 == 0
                    ? multiples[index / 2 - 1].doubled() : multiples[index - 2].adding(x: x, y: y))
        }
        let low = SignedDigits(scalar.low, width: 4)
        let high = SignedDigits(scalar.high, width: 4)
        var result = G1Point.infinity
        for window in (0..<low.count).reversed() {
            if !result.isInfinity { result = result.doubled().doubled().doubled().doubled() }
            let digit = low.digit(window)
            if digit != 0 {
                let multiple = multiples[Int(digit.magnitude) - 1]
                result = result + (digit > 0 ? multiple : multiple.negated)
            }
            let turned = high.digit(window)
            if turned != 0 {
                let multiple = multiples[Int(turned.magnitude) - 1]
                let image = G1Point(
                    x: multiple.x * CurveConstants.frobeniusTwice2, y: multiple.y, z: multiple.z)
                result = result + (turned > 0 ? image : image.negated)
            }
        }
        return result
    }

    /// Returns the sum of each point times its scalar, by buckets.
    ///
    /// For 64 points 15 windows of five bits, each with an addition a half and 32 more.
    /// Source: Bernstein, Doumen, Lange and Oosterwijk 2012, "Faster batch forgery
    /// identification", section 4, which names Pippenger's algorithm.
    ///
    /// - Precondition: there is one scalar for each point; the caller has checked it.
    package static func sumVariableTime(
        _ points: [G1Affine], _ scalars: [SplitScalar]
    ) -> G1Point {
        guard points.count == scalars.count else {
            fatalError("\(scalars.count) scalars for \(points.count) points")
        }
        let width = points.count < 12 ? 4 : 5
        let images = points.map(\.endomorphism)
        let low = scalars.map { SignedDigits($0.low, width: width) }
        let high = scalars.map { SignedDigits($0.high, width: width) }
        var result = G1Point.infinity
        for window in (0..<SignedDigits.count(width: width)).reversed() {
            if !result.isInfinity { for _ in 0..<width { result = result.doubled() } }
            var buckets = [G1Point](repeating: .infinity, count: 1 << (width - 1))
            for index in points.indices {
                points[index].add(low[index].digit(window), to: &buckets)
                images[index].add(high[index].digit(window), to: &buckets)
            }
            // The sum of m times bucket m, as the sum of the sums from the top down.
            var running = G1Point.infinity
            for bucket in buckets.reversed() {
                running = running + bucket
                result = result + running
            }
        }
        return result
    }

    /// Adds the point to the bucket of a digit, or its negation for a digit below zero.
    private func add(_ digit: Int, to buckets: inout [G1Point]) {
        if digit == 0 { return }
        let index = Int(digit.magnitude) - 1
        buckets[index] = buckets[index].adding(x: x, y: digit > 0 ? y : y.negated)
    }
}

/// The digits of a number of 64 bits, from -2^(w - 1) + 1 to 2^(w - 1), least significant first.
struct SignedDigits {
    private let value: UInt64
    private let carries: UInt64
    private let width: Int

    /// Splits a number into windows of 4 to 8 bits.
    init(_ value: UInt64, width: Int) {
        var carries: UInt64 = 0
        var carry: UInt64 = 0
        for window in 0..<Self.count(width: width) {
            carries |= carry << UInt64(window)
            let digit = Self.bits(value, window, width) + carry
            carry = digit > 1 << UInt64(width - 1) ? 1 : 0
        }
        self.value = value
        self.carries = carries
        self.width = width
    }

    /// How many digits there are; the last takes the carry.
    static func count(width: Int) -> Int { 64 / width + 1 }

    /// How many digits there are; the last takes the carry.
    var count: Int { Self.count(width: width) }

    /// Returns the digit of a window.
    func digit(_ window: Int) -> Int {
        let digit = Int(Self.bits(value, window, width) + carries >> UInt64(window) & 1)
        return digit > 1 << (width - 1) ? digit - 1 << width : digit
    }

    private static func bits(_ value: UInt64, _ window: Int, _ width: Int) -> UInt64 {
        // A shift by 64 or more gives zero in Swift.
        value >> UInt64(window * width) & ((1 << UInt64(width)) - 1)
    }
}
