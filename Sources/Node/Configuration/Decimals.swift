// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Decimal numbers as exact integers of millionths, and back.
package enum Decimals {
    /// Reads digits with up to six decimals, as millionths; nil for anything else.
    package static func millionths(_ text: some StringProtocol) -> UInt64? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts[0].isEmpty, parts[0].count <= 12,
            parts.count == 1 || (1...6).contains(parts[1].count)
        else { return nil }
        var value: UInt64 = 0
        for digit in parts.joined() {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        for _ in 0..<(6 - (parts.count == 2 ? parts[1].count : 0)) { value *= 10 }
        return value
    }

    /// Writes millionths with as few decimals as are needed.
    package static func text(millionths value: UInt64) -> String {
        let rest = value % 1_000_000
        guard rest > 0 else { return "\(value / 1_000_000)" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(value / 1_000_000).\(digits)"
    }
}
