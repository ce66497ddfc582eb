// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import GRDB
package import Ledger

/// Finds what people call by a number or by the first digits of its name.
extension LedgerViews {
    private static let candidatesMax = 6

    /// The entry of the request that is called so: by its entry, or by the first digits of its
    /// identity. A number that is no entry of a request is read as digits.
    package func request(called name: String) throws(ViewError) -> UInt64 {
        try find(
            name, exact: "SELECT count(*) AS count FROM request WHERE entry = ?",
            prefix: """
                SELECT entry AS number, id AS name FROM request WHERE id BETWEEN ? AND ?
                ORDER BY id LIMIT \(Self.candidatesMax)
                """)
    }

    /// The entry of the job that is called so, as for requests.
    package func job(called name: String) throws(ViewError) -> UInt64 {
        try find(
            name, exact: "SELECT count(*) AS count FROM job WHERE entry = ?",
            prefix: """
                SELECT entry AS number, id AS name FROM job WHERE id BETWEEN ? AND ?
                ORDER BY id LIMIT \(Self.candidatesMax)
                """)
    }

    /// The number of the validator that is called so: by its number, its name, or the first digits
    /// of its key, in this order.
    package func validator(called name: String) throws(ViewError) -> UInt64 {
        let exact = "SELECT count(*) AS count FROM validator WHERE number = ?"
        let isNumber = try Self.number(name).map { number throws(ViewError) in
            try count(exact, [number]) > 0
        }
        if isNumber != true {
            let named = try first("SELECT number FROM validator WHERE name = ?", [name]) {
                cells throws(ViewError) in try cells.number("number")
            }
            if let named { return named }
        }
        return try find(
            name, exact: exact,
            prefix: """
                SELECT number, key AS name FROM validator WHERE key BETWEEN ? AND ?
                ORDER BY key LIMIT \(Self.candidatesMax)
                """)
    }

    /// What all parties of the ledger are called.
    package func names() throws(ViewError) -> LedgerNames {
        func names(_ table: String) throws(ViewError) -> [String] {
            try rows("SELECT name FROM \(table) ORDER BY number") { cells throws(ViewError) in
                try cells.text("name")
            }
        }
        return LedgerNames(
            validators: try names("validator"), submitters: try names("submitter"),
            circuits: try names("circuit"))
    }

    /// What the submitter with this key is called; nil where there is none.
    package func submitterName(ofKey key: [UInt8]) throws(ViewError) -> String? {
        try first("SELECT name FROM submitter WHERE key = ?", [Data(key)]) {
            cells throws(ViewError) in try cells.text("name")
        }
    }

    /// The nullifier that starts with these hexadecimal digits.
    package func nullifier(called name: String) throws(ViewError) -> [UInt8] {
        guard let (low, high) = Self.bounds(name) else { throw .notAName }
        let found = try rows(
            """
            SELECT DISTINCT nullifier FROM nullifier WHERE nullifier BETWEEN ? AND ?
            ORDER BY nullifier LIMIT \(Self.candidatesMax)
            """, [low, high]
        ) { cells throws(ViewError) in try cells.bytes("nullifier") }
        guard let first = found.first else { throw .notFound }
        guard found.count == 1 else {
            throw .ambiguous(found.map { NamedThing(number: 0, name: $0.hex) })
        }
        return first
    }

    private static func number(_ name: String) -> Int64? {
        name.utf8.count <= 20 ? UInt64(plain: name).flatMap(Int64.init(exactly:)) : nil
    }

    private func find(
        _ name: String, exact: String, prefix: String
    ) throws(ViewError) -> UInt64 {
        if let number = Self.number(name), try count(exact, [number]) > 0 { return UInt64(number) }
        guard let (low, high) = Self.bounds(name) else { throw .notAName }
        let found = try rows(prefix, [low, high]) { cells throws(ViewError) in
            NamedThing(number: try cells.number("number"), name: try cells.hex("name"))
        }
        guard let first = found.first else { throw .notFound }
        guard found.count == 1 else { throw .ambiguous(found) }
        return first.number
    }

    /// The smallest and the largest 32 bytes whose hexadecimal digits start so.
    static func bounds(_ digits: String) -> (low: Data, high: Data)? {
        let digits = Array(digits.utf8)
        guard !digits.isEmpty, digits.count <= 64 else { return nil }
        var low = [UInt8](repeating: 0, count: 32)
        var high = [UInt8](repeating: 0xFF, count: 32)
        for (place, digit) in digits.enumerated() {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            let (byte, shift) = (place / 2, place % 2 == 0 ? 4 : 0)
            low[byte] |= UInt8(value) << UInt8(shift)
            high[byte] &= UInt8(value) << UInt8(shift) | (shift == 4 ? 0x0F : 0xF0)
        }
        return (Data(low), Data(high))
    }
}

/// Heights, entries and times.
extension LedgerViews {
    /// The height of the last batch; nil where there is none.
    package func lastHeight() throws(ViewError) -> UInt64? {
        try first("SELECT max(height) AS height FROM batch") { cells throws(ViewError) in
            try cells.numberIfAny("height")
        } ?? nil
    }

    /// The first batch of this time or later; nil where there is none. Batch times rise.
    package func firstHeight(at time: UInt64) throws(ViewError) -> UInt64? {
        guard let last = try lastHeight() else { return nil }
        var low: UInt64 = 0
        var high = last + 1
        while low < high {
            let middle = low + (high - low) / 2
            if try batchTime(middle) < time { low = middle + 1 } else { high = middle }
        }
        return low <= last ? low : nil
    }

    /// The first entry of the first batch of this time or later; nil where there is none.
    package func firstEntry(at time: UInt64) throws(ViewError) -> UInt64? {
        guard let height = try firstHeight(at: time) else { return nil }
        return try first("SELECT entry FROM batch WHERE height = ?", [Int64(height)]) {
            cells throws(ViewError) in try cells.number("entry")
        }
    }

    /// The time of the batch that holds an entry; zero before the first.
    package func time(of entry: UInt64) throws(ViewError) -> UInt64 {
        try first(
            "SELECT time FROM batch WHERE entry <= ? ORDER BY entry DESC LIMIT 1",
            [Int64(clamping: entry)]
        ) { cells throws(ViewError) in try cells.number("time") } ?? 0
    }

    func batchTime(_ height: UInt64) throws(ViewError) -> UInt64 {
        let time = try first("SELECT time FROM batch WHERE height = ?", [Int64(height)]) {
            cells throws(ViewError) in try cells.number("time")
        }
        guard let time else { throw .unreadable(column: "batch.height") }
        return time
    }
}

/// Which entries a question is about.
package struct EntryRange: Equatable, Sendable {
    /// The first entry.
    package var from: UInt64
    /// The last entry.
    package var to: UInt64

    /// Takes both ends; everything where they are not given.
    package init(from: UInt64 = 0, to: UInt64 = .max) {
        self.from = from
        self.to = to
    }

    /// Whether it is all that there is.
    package var isWhole: Bool { from == 0 && to == .max }

    /// The ends as SQLite takes them.
    var bounds: (Int64, Int64) { (Int64(clamping: from), Int64(clamping: to)) }
}
