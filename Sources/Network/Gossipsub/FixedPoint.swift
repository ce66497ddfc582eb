// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A number in millionths: what scores, weights and decays are counted in.
///
/// Sums and products saturate, so that no peer can make a score overflow; products round towards
/// zero. From -9.2e12 to 9.2e12.
package struct FixedPoint: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral {
    /// The number times a million.
    package let millionths: Int64

    /// Zero.
    package static let zero: FixedPoint = 0

    /// The number that is this many millionths.
    package init(millionths: Int64) { self.millionths = millionths }

    /// The number that is this many thousandths.
    package init(thousandths: Int64) {
        self.init(clamping: Int128(thousandths) * 1000)
    }

    /// A whole number.
    package init(_ value: Int) { self.init(clamping: Int128(value) * 1_000_000) }

    package init(integerLiteral value: Int) { self.init(value) }

    private init(clamping wide: Int128) { millionths = Int64(clamping: wide) }

    /// The whole part; what is behind the point is cut off.
    package var whole: Int { Int(millionths / 1_000_000) }

    /// The number times itself.
    package var squared: FixedPoint { self * self }

    package static func < (left: FixedPoint, right: FixedPoint) -> Bool {
        left.millionths < right.millionths
    }

    package static func + (left: FixedPoint, right: FixedPoint) -> FixedPoint {
        FixedPoint(clamping: Int128(left.millionths) + Int128(right.millionths))
    }

    package static func - (left: FixedPoint, right: FixedPoint) -> FixedPoint {
        FixedPoint(clamping: Int128(left.millionths) - Int128(right.millionths))
    }

    package static func * (left: FixedPoint, right: FixedPoint) -> FixedPoint {
        FixedPoint(clamping: Int128(left.millionths) * Int128(right.millionths) / 1_000_000)
    }

    package static func += (left: inout FixedPoint, right: FixedPoint) { left = left + right }
}

extension FixedPoint: CustomStringConvertible {
    package var description: String {
        let magnitude = millionths.magnitude
        let fraction = String(magnitude % 1_000_000 + 1_000_000).dropFirst()
        return "\(millionths < 0 ? "-" : "")\(magnitude / 1_000_000).\(fraction)"
    }
}
