// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB

/// A place where projections are not what a fresh fold of the log gives.
package struct ProjectionsDifference: Equatable, Sendable {
    /// A column with a value, as a person reads it.
    package struct Field: Equatable, Sendable {
        /// The name of the column.
        package var column: String
        /// Integers in decimal, text in quotes, bytes as `x'..'`, or `NULL`.
        package var value: String
    }

    /// The table; `sqlite_schema` where the tables themselves differ.
    package var table: String
    /// The key of the row.
    package var key: [Field]
    /// The first column that differs; nil where the whole row is missing or is one too many.
    package var column: String?
    /// What the file holds; nil where it has no such row.
    package var found: String?
    /// What a fresh fold gives; nil where it gives no such row.
    package var expected: String?
}

extension ProjectionsDifference: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        let key = key.map { "\($0.column) \($0.value)" }.joined(separator: ", ")
        guard let column else {
            return found == nil
                ? "table \(table) lacks the row of \(key)"
                : "table \(table) has a row of \(key), which the log does not give"
        }
        return "table \(table), \(key): \(column) is \(found ?? "missing"), and the log gives"
            + " \(expected ?? "nothing")"
    }
}

/// Compares two databases, table by table and row by row in the order of the keys.
struct TableComparison {
    /// Rows that were compared.
    private(set) var rows: UInt64 = 0

    /// Returns the first difference between what was found and what is expected.
    mutating func first(
        _ found: Database, _ expected: Database
    ) throws -> ProjectionsDifference? {
        let schema = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1, 2"
        if let difference = try compare("sqlite_schema", schema, keys: 2, found, expected) {
            return difference
        }
        let tables = try String.fetchAll(
            expected, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid")
        for table in tables {
            let key = try expected.primaryKey(table).columns
            let all = try expected.columns(in: table).map(\.name)
            let columns = key + all.filter { !key.contains($0) }
            let sql = """
                SELECT \(columns.joined(separator: ", ")) FROM \(table)
                ORDER BY \(key.joined(separator: ", "))
                """
            if let difference = try compare(table, sql, keys: key.count, found, expected) {
                return difference
            }
        }
        return nil
    }

    /// Goes through both in step; the first `keys` columns are the key and the order.
    private mutating func compare(
        _ table: String, _ sql: String, keys: Int, _ found: Database, _ expected: Database
    ) throws -> ProjectionsDifference? {
        let foundRows = try Row.fetchCursor(found, sql: sql)
        let expectedRows = try Row.fetchCursor(expected, sql: sql)
        while true {
            let left = try foundRows.next()
            let right = try expectedRows.next()
            guard let left, let right else {
                guard let row = left ?? right else { return nil }
                return whole(table, row, keys, isFound: left != nil)
            }
            for column in 0..<right.count {
                let have: DatabaseValue = left[column]
                let want: DatabaseValue = right[column]
                if have == want { continue }
                if column < keys {
                    let isFirst = Self.precedes(have, want)
                    return whole(table, isFirst ? left : right, keys, isFound: isFirst)
                }
                let names = Array(right.columnNames)
                return ProjectionsDifference(
                    table: table, key: Self.fields(right, keys), column: names[column],
                    found: Self.text(have), expected: Self.text(want))
            }
            rows += 1
        }
    }

    private func whole(
        _ table: String, _ row: Row, _ keys: Int, isFound: Bool
    ) -> ProjectionsDifference {
        let text = Self.fields(row, row.count).map { "\($0.column) \($0.value)" }
            .joined(separator: ", ")
        return ProjectionsDifference(
            table: table, key: Self.fields(row, keys), column: nil, found: isFound ? text : nil,
            expected: isFound ? nil : text)
    }

    private static func fields(_ row: Row, _ count: Int) -> [ProjectionsDifference.Field] {
        zip(row.columnNames, row.databaseValues).prefix(count).map { name, value in
            ProjectionsDifference.Field(column: name, value: text(value))
        }
    }

    private static func text(_ value: DatabaseValue) -> String {
        switch value.storage {
        case .null: "NULL"
        case .int64(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "'\(value)'"
        case .blob(let value): "x'\([UInt8](value).hex)'"
        }
    }

    /// The order of SQLite: nothing, numbers, text, bytes.
    private static func precedes(_ left: DatabaseValue, _ right: DatabaseValue) -> Bool {
        func rank(_ value: DatabaseValue) -> Int {
            switch value.storage {
            case .null: 0
            case .int64, .double: 1
            case .string: 2
            case .blob: 3
            }
        }
        switch (left.storage, right.storage) {
        case (.int64(let left), .int64(let right)): return left < right
        case (.string(let left), .string(let right)):
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.blob(let left), .blob(let right)): return left.lexicographicallyPrecedes(right)
        default: return rank(left) < rank(right)
        }
    }
}
