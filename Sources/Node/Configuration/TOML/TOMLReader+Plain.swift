// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Values that are written without marks: numbers, dates and times, true and false.
extension TOMLReader {
    mutating func plain() throws(TOMLProblem) -> TOMLValue {
        let start = position
        takeWord()
        // A date and a time may have a blank between them.
        if Self.date(text(from: start)[...]) == true, has(" "), position + 1 < bytes.count,
            Self.isDigit(bytes[position + 1])
        {
            position += 1
            takeWord()
        }
        let word = text(from: start)
        if let value = Self.bool(word) ?? Self.number(word) ?? Self.time(word) { return value }
        throw fault(Self.problem(word), at: start)
    }

    private static func problem(_ word: String) -> String {
        if word.isEmpty { return "a value is wanted here" }
        let digits = word.drop { $0 == "+" || $0 == "-" }.utf8
        guard digits.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else {
            return "\(word.prefix(40)) is no value of TOML; a text stands in quotation marks"
        }
        return "\(word.prefix(40)) is no whole number of TOML: from -2^63 to 2^63 - 1, without"
            + " leading zeros, single underscores between digits"
    }

    private mutating func takeWord() {
        while let byte = next,
            Self.isBare(byte) || [0x2B, 0x2E, 0x3A].contains(byte)  // + . :
        { position += 1 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func bool(_ word: String) -> TOMLValue? {
        word == "true" ? .bool(true) : word == "false" ? .bool(false) : nil
    }

    // MARK: Numbers

    private static func number(_ word: String) -> TOMLValue? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.hasPrefix(prefix) {
            let digits = word.dropFirst(2)
            guard
                isGrouped(
                    digits,
                    { byte in
                        Character(Unicode.Scalar(byte)).hexDigitValue.map { $0 < radix } ?? false
                    })
            else { return nil }
            return Int64(digits.filter { $0 != "_" }, radix: radix).map { .integer($0) }
        }
        let sign = word.prefix { $0 == "+" || $0 == "-" }
        guard sign.count <= 1 else { return nil }
        let rest = word.dropFirst(sign.count)
        if rest == "inf" || rest == "nan" { return .decimal(word) }
        let whole = rest.prefix { $0 != "." && $0 != "e" && $0 != "E" }
        guard isGrouped(whole, isDigit), whole == "0" || !whole.hasPrefix("0") else { return nil }
        let plain = word.filter { $0 != "_" }
        if whole.endIndex == rest.endIndex { return Int64(plain).map { .integer($0) } }
        return isTail(rest[whole.endIndex...]) ? .decimal(plain) : nil
    }

    /// Whether it is a point with digits, an exponent, or both.
    private static func isTail(_ text: Substring) -> Bool {
        var rest = text
        if rest.hasPrefix(".") {
            let fraction = rest.dropFirst().prefix { $0 != "e" && $0 != "E" }
            guard isGrouped(fraction, isDigit) else { return false }
            rest = rest[fraction.endIndex...]
        }
        guard !rest.isEmpty else { return true }
        let exponent = rest.dropFirst()
        let digits =
            exponent.hasPrefix("+") || exponent.hasPrefix("-")
            ? exponent.dropFirst() : exponent
        return isGrouped(digits, isDigit)
    }

    /// Whether there are digits only, with single underscores between them.
    private static func isGrouped(_ text: Substring, _ isDigit: (UInt8) -> Bool) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        return parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
    }

    // MARK: Dates and times

    private static func time(_ word: String) -> TOMLValue? {
        let day = word.prefix(10)
        guard date(day) == true else {
            return isTime(word[...]) ? .time(.localTime, word) : nil
        }
        if day.endIndex == word.endIndex { return .time(.localDate, word) }
        guard let mark = word.dropFirst(10).first, "Tt ".contains(mark) else { return nil }
        let rest = word.dropFirst(11)
        if isTime(rest) { return .time(.localDateTime, word) }
        if rest.hasSuffix("Z") || rest.hasSuffix("z") {
            return isTime(rest.dropLast()) ? .time(.offsetDateTime, word) : nil
        }
        let offset = rest.suffix(6)
        guard offset.hasPrefix("+") || offset.hasPrefix("-"),
            numbers(offset.dropFirst(), [2, 2], ":").map({ $0[0] < 24 && $0[1] < 60 }) == true,
            isTime(rest.dropLast(6))
        else { return nil }
        return .time(.offsetDateTime, word)
    }

    /// Whether it is a day that was or will be.
    private static func date(_ text: Substring) -> Bool? {
        guard let parts = numbers(text, [4, 2, 2], "-") else { return nil }
        let (year, month, day) = (parts[0], parts[1], parts[2])
        guard (1...12).contains(month) else { return false }
        let isLeap =
            year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    /// Whether it is a time of day, with a fraction of a second or without.
    private static func isTime(_ text: Substring) -> Bool {
        let fraction = text.dropFirst(8)
        guard let parts = numbers(text.prefix(8), [2, 2, 2], ":"), parts[0] < 24, parts[1] < 60,
            parts[2] <= 60  // a leap second
        else { return false }
        guard !fraction.isEmpty else { return true }
        return fraction.hasPrefix(".") && fraction.count > 1
            && fraction.dropFirst().utf8.allSatisfy(isDigit)
    }

    /// Numbers of so many digits each, with a mark between them.
    private static func numbers(_ text: Substring, _ widths: [Int], _ mark: Character) -> [Int]? {
        let parts = text.split(separator: mark, omittingEmptySubsequences: false)
        guard parts.map({ $0.utf8.count }) == widths,
            parts.allSatisfy({ $0.utf8.allSatisfy(isDigit) })
        else { return nil }
        return parts.compactMap { Int($0) }
    }
}
