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

    /// A decimal number of TOML without its exponent, without a plus, and without zeros that say
    /// nothing: `1e-1` as `0.1`. One beyond forty digits stays as it is, which nothing here reads.
    package static func plain(_ text: String) -> String {
        let sign = text.hasPrefix("-") ? "-" : ""
        let parts = text.drop { $0 == "+" || $0 == "-" }
            .split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let exponent = parts.count == 2 ? Int(parts[1]) : 0
        guard let exponent, abs(exponent) <= 40, parts[0].utf8.count <= 40,
            parts[0].utf8.allSatisfy({ $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) })
        else { return text }
        let pad = String(repeating: "0", count: 41)
        let fraction = numbers.count == 2 ? numbers[1] : ""
        let digits = pad + numbers[0] + fraction + pad
        let point = digits.index(
            digits.startIndex, offsetBy: pad.count + numbers[0].count + exponent)
        let whole = digits[..<point].drop { $0 == "0" }
        var rest = digits[point...]
        while rest.hasSuffix("0") { rest.removeLast() }
        return sign + (whole.isEmpty ? "0" : whole) + (rest.isEmpty ? "" : ".\(rest)")
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
