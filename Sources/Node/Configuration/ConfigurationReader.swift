// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Reads one table of a configuration: every value by its full name, and no unknown key.
struct ConfigurationReader {
    private let table: Configuration.Table
    private let section: String

    /// Reads `table`, called `section` in errors, in which only known keys may stand.
    init(_ table: Configuration.Table, section: String) throws(ConfigurationError) {
        self.table = table
        self.section = section
        let prefix = "\(section)."
        let known = Configuration.keys.map(\.name).filter { $0.hasPrefix(prefix) }
        for key in table.keys.sorted() where !known.contains(prefix + key) {
            throw .unknownKey(
                prefix + key,
                suggestion: Spelling.suggestion(
                    for: prefix + key, among: Configuration.keys.map(\.name)))
        }
    }

    private func name(_ key: String) -> String { "\(section).\(key)" }

    private func value(_ key: String) -> TOMLValue? { table[key] }

    /// A text, or nil where it is absent.
    func text(_ key: String) throws(ConfigurationError) -> String? {
        guard let value = value(key) else { return nil }
        guard case .text(let text) = value else { throw wrongType(key, "a text", value) }
        return text
    }

    /// A text that must be there.
    func requiredText(_ key: String) throws(ConfigurationError) -> String {
        guard let text = try text(key) else { throw .missing(name(key)) }
        return text
    }

    /// One of a few words.
    func word(_ key: String, _ words: [String]) throws(ConfigurationError) -> String? {
        guard let text = try text(key) else { return nil }
        guard words.contains(text) else {
            throw .wrongValue(
                name(key), value: "\"\(text)\"",
                wanted: "one of \(words.joined(separator: ", ")) is wanted"
                    + Spelling.suggestion(for: text, among: words))
        }
        return text
    }

    /// A whole number within a range.
    func integer(
        _ key: String, _ range: ClosedRange<UInt64>
    ) throws(ConfigurationError) -> UInt64? {
        guard let value = value(key) else { return nil }
        guard case .integer(let number) = value else {
            throw wrongType(key, "a whole number", value)
        }
        guard let result = UInt64(exactly: number), range.contains(result) else {
            throw .wrongValue(
                name(key), value: "\(number)",
                wanted: "a whole number from \(range.lowerBound) to \(range.upperBound) is wanted")
        }
        return result
    }

    /// A decimal number of at most six decimals, as millionths.
    func millionths(_ key: String, max: UInt64) throws(ConfigurationError) -> UInt64? {
        guard let value = value(key) else { return nil }
        let written: String
        switch value {
        case .integer(let number): written = "\(number)"
        case .decimal(let text): written = Decimals.plain(text)
        default: throw wrongType(key, "a decimal number", value)
        }
        guard let result = Decimals.millionths(written) else {
            if written.hasPrefix("-") || written.hasSuffix("nan") || written.hasSuffix("inf") {
                throw outOfRange(key, written, max)
            }
            throw .notExact(name(key), value: written)
        }
        guard result <= max else { throw outOfRange(key, written, max) }
        return result
    }

    private func outOfRange(_ key: String, _ text: String, _ max: UInt64) -> ConfigurationError {
        .wrongValue(
            name(key), value: text,
            wanted: "a number from 0 to \(Decimals.text(millionths: max)) is wanted")
    }

    /// Seconds of at most three decimals above zero, as milliseconds.
    func seconds(_ key: String, max: UInt64) throws(ConfigurationError) -> UInt64? {
        guard let millionths = try millionths(key, max: max * 1_000_000) else { return nil }
        guard millionths > 0, millionths.isMultiple(of: 1000) else {
            throw .wrongValue(
                name(key), value: Decimals.text(millionths: millionths),
                wanted: "seconds above 0 and of at most three decimals are wanted")
        }
        return millionths / 1000
    }

    /// A list of texts.
    func texts(_ key: String) throws(ConfigurationError) -> [String]? {
        guard let value = value(key) else { return nil }
        guard case .array(let array) = value else {
            throw wrongType(key, "a list of texts", value)
        }
        var texts: [String] = []
        for element in array {
            guard case .text(let text) = element else {
                throw .wrongType(
                    "\(name(key))[\(texts.count)]", expected: "a text", found: element.word)
            }
            texts.append(text)
        }
        return texts
    }

    /// Two whole numbers.
    func pair(_ key: String) throws(ConfigurationError) -> (UInt64, UInt64)? {
        guard let value = value(key) else { return nil }
        guard case .array(let array) = value else {
            throw wrongType(key, "a list of two", value)
        }
        var numbers: [UInt64] = []
        for element in array {
            guard case .integer(let number) = element, let result = UInt64(exactly: number) else {
                let found =
                    if case .integer(let number) = element { "\(number)" } else { element.word }
                throw .wrongType(
                    "\(name(key))[\(numbers.count)]", expected: "a whole number of points from 0",
                    found: found)
            }
            numbers.append(result)
        }
        guard numbers.count == 2 else {
            throw .wrongValue(
                name(key), value: "a list of \(numbers.count)",
                wanted: "two numbers are wanted, the lowest and the highest")
        }
        return (numbers[0], numbers[1])
    }

    private func wrongType(
        _ key: String, _ expected: String, _ value: TOMLValue
    ) -> ConfigurationError {
        .wrongType(name(key), expected: expected, found: value.word)
    }
}
