// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
private import Foundation
package import GRDB

/// Questions to the projections of one ledger, all answered from the same moment.
///
/// Rows are typed, in the order said at each question, and hold integers and texts alone. Every
/// question throws `ViewError`; none changes anything.
package struct LedgerViews {
    let db: Database

    /// Asks within a transaction that somebody else holds.
    package init(_ db: Database) { self.db = db }

    /// Runs `body` on what the file says at one moment, unless somebody else has written to it.
    package static func read<Value>(
        _ reader: any DatabaseReader, _ body: (LedgerViews) throws(ViewError) -> Value
    ) throws(ViewError) -> Value {
        do {
            return try reader.read { db in
                if let damage = try Seal.damage(db) { throw ViewError.changed(damage) }
                return try body(LedgerViews(db))
            }
        } catch let error as ViewError {
            throw error
        } catch let error as DatabaseError {
            throw .database(error.message ?? "code \(error.resultCode.rawValue)")
        } catch {
            throw .database("\(error)")
        }
    }

    /// All rows of a statement, each read by `body`.
    func rows<Value>(
        _ sql: String, _ arguments: StatementArguments = [],
        _ body: (Cells) throws(ViewError) -> Value
    ) throws(ViewError) -> [Value] {
        var result: [Value] = []
        try forEach(sql, arguments) { cells throws(ViewError) in result.append(try body(cells)) }
        return result
    }

    /// The first row of a statement, or nil.
    func first<Value>(
        _ sql: String, _ arguments: StatementArguments = [],
        _ body: (Cells) throws(ViewError) -> Value
    ) throws(ViewError) -> Value? {
        let row = try onFile {
            try Row.fetchOne(try db.cachedStatement(sql: sql), arguments: arguments)
        }
        guard let row else { return nil }
        return try body(Cells(row))
    }

    /// Hands each row of a statement to `body`; memory stays flat.
    func forEach(
        _ sql: String, _ arguments: StatementArguments = [],
        _ body: (Cells) throws(ViewError) -> Void
    ) throws(ViewError) {
        let cursor = try onFile { try Row.fetchCursor(db, sql: sql, arguments: arguments) }
        while let row = try onFile({ try cursor.next() }) { try body(Cells(row)) }
    }

    /// The single number that a statement gives; zero where it gives none.
    func count(_ sql: String, _ arguments: StatementArguments = []) throws(ViewError) -> UInt64 {
        try first(sql, arguments) { cells throws(ViewError) in
            try cells.numberIfAny("count") ?? 0
        } ?? 0
    }

    func onFile<Value>(_ body: () throws -> Value) throws(ViewError) -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw .database(error.message ?? "code \(error.resultCode.rawValue)")
        } catch {
            throw .database("\(error)")
        }
    }
}

/// A row whose values are read by the names of their columns.
struct Cells {
    private let row: Row

    init(_ row: Row) { self.row = row }

    /// A number from 0 on; also one kept as decimal digits, since it is above 2^63 - 1.
    func number(_ column: String) throws(ViewError) -> UInt64 {
        guard let value = try numberIfAny(column) else { throw .unreadable(column: column) }
        return value
    }

    func numberIfAny(_ column: String) throws(ViewError) -> UInt64? {
        switch value(column).storage {
        case .null: return nil
        case .int64(let value):
            guard let value = UInt64(exactly: value) else { throw .unreadable(column: column) }
            return value
        case .string(let digits):
            guard let value = UInt64(digits) else { throw .unreadable(column: column) }
            return value
        default: throw .unreadable(column: column)
        }
    }

    func signedIfAny(_ column: String) throws(ViewError) -> Int64? {
        switch value(column).storage {
        case .null: return nil
        case .int64(let value): return value
        default: throw .unreadable(column: column)
        }
    }

    func isTrue(_ column: String) throws(ViewError) -> Bool { try number(column) != 0 }

    func text(_ column: String) throws(ViewError) -> String {
        guard let value = try textIfAny(column) else { throw .unreadable(column: column) }
        return value
    }

    func textIfAny(_ column: String) throws(ViewError) -> String? {
        switch value(column).storage {
        case .null: return nil
        case .string(let text): return text
        default: throw .unreadable(column: column)
        }
    }

    func bytes(_ column: String) throws(ViewError) -> [UInt8] {
        guard let bytes = try bytesIfAny(column) else { throw .unreadable(column: column) }
        return bytes
    }

    func bytesIfAny(_ column: String) throws(ViewError) -> [UInt8]? {
        switch value(column).storage {
        case .null: return nil
        case .blob(let data): return Array(data)
        default: throw .unreadable(column: column)
        }
    }

    /// The bytes as lower-case hexadecimal digits.
    func hex(_ column: String) throws(ViewError) -> String { try bytes(column).hex }

    func hexIfAny(_ column: String) throws(ViewError) -> String? { try bytesIfAny(column)?.hex }

    private func value(_ column: String) -> DatabaseValue { row[column] ?? .null }
}
