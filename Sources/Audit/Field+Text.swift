// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

extension Field {
    /// The value on one line; hexadecimal texts are cut to twelve digits unless `isFull`, parties
    /// have their names behind their numbers, and texts show what controls a terminal.
    package func text(isFull: Bool = false) -> String {
        switch self {
        case .number(let value): "\(value)"
        case .signed(let value): "\(value)"
        case .time(let value): UTC.text(Time(value))
        case .points(let value): UTC.points(Reputation(value))
        case .text(let value): value.visible
        case .party(let number, _, let name):
            name.map { "\(number) (\($0.visible))" } ?? "\(number)"
        case .hex(let value):
            isFull || value.utf8.count <= 16 ? value : "\(value.prefix(12))…"
        case .list(let values):
            "[" + values.map { $0.text(isFull: isFull) }.joined(separator: " ") + "]"
        case .record(let fields):
            "(" + fields.map { $0.text(isFull: isFull) }.joined(separator: " ") + ")"
        case .none: "none"
        }
    }
}

extension NamedField {
    /// Name and value.
    package func text(isFull: Bool = false) -> String {
        "\(name)=\(words(isFull) ?? value.text(isFull: isFull))"
    }

    /// What a bridge calls a payment, where it calls it by a text: all begin with the same word.
    private func words(_ isFull: Bool) -> String? {
        guard name == "reference", case .hex(let digits) = value,
            let bytes = [UInt8](hex: digits), !bytes.isEmpty,
            bytes.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        return isFull || text.count <= 24 ? text : "\(text.prefix(18))…"
    }
}

extension Event {
    /// Kind and fields on one line, for people.
    package var text: String {
        ([kind] + fields.map { $0.text() }).joined(separator: " ")
    }

    /// Kind and those fields that differ from `other` of the same kind; all where kinds differ.
    package func text(whereUnlike other: Event) -> String {
        guard tag == other.tag else { return text }
        let theirs = other.fields
        let differing = fields.enumerated().filter { position, field in
            position >= theirs.count || theirs[position] != field
        }
        return ([kind] + differing.map { $0.element.text(isFull: true) }).joined(separator: " ")
    }
}

/// Times and reputations as people read them.
package enum UTC {
    /// The time as `2026-01-01T00:00:00.000Z`; a year past 9999 is written in full.
    ///
    /// Source of the calendar: Hinnant, "chrono-compatible low-level date algorithms",
    /// `civil_from_days`.
    package static func text(_ time: Time) -> String {
        let days = time.rawValue / 86_400_000
        let rest = time.rawValue % 86_400_000
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        return padded(year, 4) + "-" + padded(civilMonth, 2) + "-" + padded(day, 2) + "T"
            + padded(rest / 3_600_000, 2) + ":" + padded(rest / 60_000 % 60, 2) + ":"
            + padded(rest / 1_000 % 60, 2) + "." + padded(rest % 1_000, 3) + "Z"
    }

    /// Reads `2026-01-01`, `2026-01-01T00:00:00Z` or with three decimals; nil for anything else.
    package static func time(_ text: some StringProtocol) -> Time? {
        var rest = Substring(text)
        func number(_ width: Int) -> UInt64? {
            let digits = rest.prefix(width)
            guard digits.utf8.count == width, digits.utf8.allSatisfy({ (48...57).contains($0) })
            else { return nil }
            rest.removeFirst(width)
            return UInt64(digits)
        }
        func skip(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }
        guard let year = number(4), skip("-"), let month = number(2), skip("-"),
            let day = number(2), let date = days(year, month, day)
        else { return nil }
        if rest.isEmpty { return Time(date * 86_400_000) }
        guard skip("T"), let hour = number(2), hour < 24, skip(":"), let minute = number(2),
            minute < 60, skip(":"), let second = number(2), second < 60
        else { return nil }
        var milliseconds: UInt64 = 0
        if skip(".") {
            guard let fraction = number(3) else { return nil }
            milliseconds = fraction
        }
        guard skip("Z"), rest.isEmpty else { return nil }
        let seconds = (hour * 60 + minute) * 60 + second
        return Time(date * 86_400_000 + seconds * 1_000 + milliseconds)
    }

    /// Days since 1970 (`days_from_civil` of the same source); nil where there is no such date.
    private static func days(_ year: UInt64, _ month: UInt64, _ day: UInt64) -> UInt64? {
        guard year >= 1970, (1...12).contains(month) else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [UInt64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[Int(month) - 1]).contains(day) else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return shifted / 400 * 146_097 + dayOfEra - 719_468
    }

    /// A reputation in points, with three decimals.
    package static func points(_ reputation: Reputation) -> String {
        "\(reputation.rawValue / 1_000)." + padded(reputation.rawValue % 1_000, 3)
    }

    private static func padded(_ value: UInt64, _ width: Int) -> String {
        let digits = "\(value)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
