// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The texts of hosts: addresses of versions 4 and 6, and names.
enum HostText {
    /// The most bytes of a name (RFC 1035 section 2.3.4, without the root's dot).
    static let nameBytesMax = 253

    /// Whether a text may be a name of a host: letters, digits, hyphens, underscores and dots.
    static func isName(_ text: some StringProtocol) -> Bool {
        guard (1...nameBytesMax).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }

    /// Reads digits without a leading zero; nil for any other text and above `max`.
    static func decimal(_ text: some StringProtocol, max: UInt64) -> UInt64? {
        guard (1...10).contains(text.utf8.count) else { return nil }
        guard text.utf8.first != 0x30 || text.utf8.count == 1 else { return nil }
        var value: UInt64 = 0
        for digit in text.utf8 {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return value <= max ? value : nil
    }

    /// Spells an address of version 4.
    static func ip4(_ value: UInt32) -> String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }

    /// Reads an address of version 4.
    static func ip4(_ text: some StringProtocol) -> UInt32? {
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        guard words.count == 4 else { return nil }
        var value: UInt32 = 0
        for word in words {
            guard let byte = decimal(word, max: 255) else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    /// Spells an address of version 6 as RFC 5952 has it: the longest run of zeros, the first of
    /// equals, is left out.
    static func ip6(_ value: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            let end = groups[start...].firstIndex { $0 != 0 } ?? 8
            if end - start > longest.count { longest = start..<end }
            start = max(end, start) + 1
        }
        func spell(_ groups: some Sequence<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard longest.count > 1 else { return spell(groups) }
        return spell(groups[..<longest.lowerBound]) + "::" + spell(groups[longest.upperBound...])
    }

    /// Reads an address of version 6 (RFC 4291 section 2.2), without a zone.
    static func ip6(_ text: some StringProtocol) -> UInt128? {
        guard (2...45).contains(text.utf8.count) else { return nil }
        let words = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        // A leading or trailing "::" leaves one empty word more than one inside does.
        var head = words[...]
        var tail: ArraySlice<String>?
        if let gap = words.indices.dropFirst().dropLast().first(where: { words[$0].isEmpty }) {
            head = words[..<gap]
            tail = words[(gap + 1)...]
            if head == [""] { head = [] }
            if tail == [""] { tail = [] }
        }
        guard let first = groups(head, last: tail == nil) else { return nil }
        guard let tail else { return first.count == 8 ? join(first) : nil }
        guard let rest = groups(tail, last: true), first.count + rest.count < 8 else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - first.count - rest.count)
        return join(first + zeros + rest)
    }

    /// Reads groups of four digits; the last word may be an address of version 4.
    private static func groups(_ words: ArraySlice<String>, last: Bool) -> [UInt16]? {
        var groups: [UInt16] = []
        for (place, word) in zip(words.indices, words) {
            if last, place == words.endIndex - 1, let value = ip4(word) {
                groups += [UInt16(value >> 16), UInt16(value & 0xFFFF)]
                continue
            }
            guard (1...4).contains(word.utf8.count), word.utf8.first != UInt8(ascii: "+"),
                let group = UInt16(word, radix: 16)
            else { return nil }
            groups.append(group)
        }
        return groups
    }

    private static func join(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }
}
