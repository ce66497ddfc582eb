// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB
internal import GRDBSQLite

/// A statement without rows of its own, prepared once, to which values are bound by hand.
///
/// Values are bound from left to right; `run` steps and starts again at the left. Several times as
/// fast as arguments of GRDB. Used only on the queue of its connection.
@safe final class BoundStatement {
    private let statement: Statement
    private let handle: SQLiteStatement
    private let database: Database
    private var place: Int32 = 0
    private var failure = SQLITE_OK

    /// Prepares a statement.
    init(_ database: Database, _ sql: String) throws {
        self.database = database
        statement = try database.makeStatement(sql: sql)
        // SAFETY: the statement is kept for as long as the handle.
        unsafe handle = statement.sqliteStatement
    }

    /// Prepares an insertion of whole rows.
    convenience init(_ database: Database, into table: String, columns: Int) throws {
        let marks = Array(repeating: "?", count: columns).joined(separator: ", ")
        try self.init(database, "INSERT INTO \(table) VALUES (\(marks))")
    }

    private func note(_ code: Int32) {
        if code != SQLITE_OK, failure == SQLITE_OK { failure = code }
    }

    /// Binds an integer.
    func bind(_ value: Int64) {
        place += 1
        // SAFETY: the handle is that of a statement that lives.
        note(unsafe sqlite3_bind_int64(handle, place, value))
    }

    /// Binds an integer, or its decimal digits where SQLite has no integer that large.
    func bind(_ value: UInt64) {
        guard let small = Int64(exactly: value) else { return bind("\(value)") }
        bind(small)
    }

    /// Binds an integer.
    func bind(_ value: some FixedWidthInteger) { bind(Int64(value)) }

    /// Binds an integer, or nothing.
    func bind(_ value: UInt64?) {
        guard let value else { return bindNull() }
        bind(value)
    }

    /// Binds nothing.
    func bindNull() {
        place += 1
        // SAFETY: the handle is that of a statement that lives.
        note(unsafe sqlite3_bind_null(handle, place))
    }

    /// Binds a text.
    func bind(_ value: String) {
        place += 1
        var value = value
        let place = place
        // SAFETY: SQLite copies the bytes before the call returns.
        let code = value.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { text in
                unsafe sqlite3_bind_text(
                    handle, place, text.baseAddress, Int32(text.count), transient)
            }
        }
        note(code)
    }

    /// Binds a text, or nothing.
    func bind(_ value: String?) {
        guard let value else { return bindNull() }
        bind(value)
    }

    /// Binds bytes.
    func bind(_ value: [UInt8]) {
        guard !value.isEmpty else {
            place += 1
            // SAFETY: the handle is that of a statement that lives.
            return note(unsafe sqlite3_bind_zeroblob(handle, place, 0))
        }
        place += 1
        // SAFETY: SQLite copies the bytes before the call returns.
        note(unsafe sqlite3_bind_blob(handle, place, value, Int32(value.count), transient))
    }

    /// Binds thirty-two bytes.
    func bind(_ value: Bytes32) {
        place += 1
        let place = place
        // SAFETY: four words without padding, which SQLite copies before the call returns.
        let code = unsafe withUnsafeBytes(of: value) { bytes in
            unsafe sqlite3_bind_blob(handle, place, bytes.baseAddress, 32, transient)
        }
        note(code)
    }

    /// Binds thirty-two bytes.
    func bind(_ value: Digest) { bind(value.value) }

    /// Binds thirty-two bytes, or nothing.
    func bind(_ value: Digest?) {
        guard let value else { return bindNull() }
        bind(value.value)
    }

    /// Runs the statement with what is bound; returns how many rows it changed.
    @discardableResult
    func run() throws -> Int {
        defer {
            place = 0
            failure = SQLITE_OK
        }
        guard failure == SQLITE_OK else { throw error(failure) }
        // SAFETY: the handle is that of a statement that lives.
        let code = unsafe sqlite3_step(handle)
        // SAFETY: as above. What it returns is the failure of the step, which is at hand.
        unsafe sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw error(code) }
        return database.changesCount
    }

    private func error(_ code: Int32) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage,
            sql: statement.sql)
    }

    /// Tells SQLite to copy what it is given.
    private var transient: sqlite3_destructor_type {
        // SAFETY: SQLITE_TRANSIENT is the pointer -1 by definition, and is never called.
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }
}
