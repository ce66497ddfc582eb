// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import GRDB
internal import GRDBSQLite

/// A statement without rows of its own, prepared once, to which values are bound by hand.
///
/// Values are bound from left to right; `run` steps and starts again at the left. Several times as
/// fast as arguments of GRDB. Used only on the queue of its connection.
@safe package final class BoundStatement {
    private let statement: Statement
    private let handle: SQLiteStatement
    private let database: Database
    private var place: Int32 = 0
    private var failure = SQLITE_OK
    /// The bytes of short values, until the next run; and how many of them are used.
    private let scratch: UnsafeMutableRawPointer
    private var used = 0

    /// Enough for what most rows hold.
    private static let scratchBytes = 512

    /// Prepares a statement.
    package init(_ database: Database, _ sql: String) throws {
        self.database = database
        statement = try database.makeStatement(sql: sql)
        // SAFETY: the statement is kept for as long as the handle.
        unsafe handle = statement.sqliteStatement
        // SAFETY: given back with the object.
        unsafe scratch = .allocate(byteCount: Self.scratchBytes, alignment: 8)
    }

    deinit {
        // SAFETY: the statement is not stepped any more, so nobody reads what is bound.
        unsafe scratch.deallocate()
    }

    /// Prepares an insertion of whole rows.
    package convenience init(_ database: Database, into table: String, columns: Int) throws {
        let marks = Array(repeating: "?", count: columns).joined(separator: ", ")
        try self.init(database, "INSERT INTO \(table) VALUES (\(marks))")
    }

    private func note(_ code: Int32) {
        if code != SQLITE_OK, failure == SQLITE_OK { failure = code }
    }

    /// Binds an integer.
    package func bind(_ value: Int64) {
        place += 1
        // SAFETY: the handle is that of a statement that lives.
        note(unsafe sqlite3_bind_int64(handle, place, value))
    }

    /// Binds an integer, or its decimal digits where SQLite has no integer that large.
    package func bind(_ value: UInt64) {
        guard let small = Int64(exactly: value) else { return bind("\(value)") }
        bind(small)
    }

    /// Binds an integer.
    package func bind(_ value: some FixedWidthInteger) { bind(Int64(value)) }

    /// Binds an integer, or nothing.
    package func bind(_ value: UInt64?) {
        guard let value else { return bindNull() }
        bind(value)
    }

    /// Binds nothing.
    package func bindNull() {
        place += 1
        // SAFETY: the handle is that of a statement that lives.
        note(unsafe sqlite3_bind_null(handle, place))
    }

    /// Binds a text.
    package func bind(_ value: String) {
        place += 1
        var value = value
        let place = place
        let code = value.withUTF8 { bytes in
            // SAFETY: the bytes live for the call, which keeps a copy.
            unsafe bindBytes(UnsafeRawBufferPointer(bytes)) { start, count, keeper in
                unsafe sqlite3_bind_text(
                    handle, place, start?.assumingMemoryBound(to: CChar.self), count, keeper)
            }
        }
        note(code)
    }

    /// Hands bytes to SQLite: short ones from `scratch`, of others it makes a copy of its own.
    @inline(__always)
    private func bindBytes(
        _ bytes: UnsafeRawBufferPointer,
        _ bind: (UnsafeRawPointer?, Int32, sqlite3_destructor_type?) -> Int32
    ) -> Int32 {
        guard bytes.count <= Self.scratchBytes - used else {
            // SAFETY: SQLite copies the bytes before the call returns.
            return unsafe bind(bytes.baseAddress, Int32(bytes.count), transient)
        }
        // SAFETY: the bytes fit behind those that are used, and stay until the next run.
        let start = unsafe scratch + used
        if let source = bytes.baseAddress {
            unsafe start.copyMemory(from: source, byteCount: bytes.count)
        }
        used += bytes.count
        // SAFETY: without a destructor SQLite reads them where they are.
        return unsafe bind(start, Int32(bytes.count), nil)
    }

    /// Binds a text, or nothing.
    package func bind(_ value: String?) {
        guard let value else { return bindNull() }
        bind(value)
    }

    /// Binds bytes.
    package func bind(_ value: [UInt8]) {
        // SAFETY: the bytes live for the call, which keeps a copy.
        unsafe value.withUnsafeBytes { unsafe bindBlob($0) }
    }

    /// Binds thirty-two bytes.
    package func bind(_ value: Bytes32) {
        // SAFETY: four words without padding, which live for the call, which keeps a copy.
        unsafe withUnsafeBytes(of: value) { unsafe bindBlob($0) }
    }

    @inline(__always)
    private func bindBlob(_ bytes: UnsafeRawBufferPointer) {
        place += 1
        let place = place
        guard bytes.count > 0 else {
            // SAFETY: the handle is that of a statement that lives.
            return note(unsafe sqlite3_bind_zeroblob(handle, place, 0))
        }
        note(
            // SAFETY: as `bindBytes` says.
            unsafe bindBytes(bytes) { start, count, keeper in
                unsafe sqlite3_bind_blob(handle, place, start, count, keeper)
            })
    }

    /// Binds thirty-two bytes.
    package func bind(_ value: Digest) { bind(value.value) }

    /// Binds thirty-two bytes, or nothing.
    package func bind(_ value: Digest?) {
        guard let value else { return bindNull() }
        bind(value.value)
    }

    /// Binds what was read from a column.
    package func bind(_ value: DatabaseValue) {
        switch value.storage {
        case .null, .double: bindNull()
        case .int64(let value): bind(value)
        case .string(let value): bind(value)
        case .blob(let value): bind([UInt8](value))
        }
    }

    /// Runs the statement with what is bound.
    package func run() throws {
        defer {
            place = 0
            used = 0
            failure = SQLITE_OK
        }
        guard failure == SQLITE_OK else { throw error(failure) }
        // SAFETY: the handle is that of a statement that lives.
        let code = unsafe sqlite3_step(handle)
        // SAFETY: as above. What it returns is the failure of the step, which is at hand.
        unsafe sqlite3_reset(handle)
        guard code == SQLITE_DONE else { throw error(code) }
    }

    /// Runs the statement with what is bound; returns how many rows it changed.
    func runCounting() throws -> Int {
        try run()
        return database.changesCount
    }

    private func error(_ code: Int32) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage,
            sql: statement.sql)
    }

    /// Tells SQLite to copy what it is given.
    private var transient: sqlite3_destructor_type? {
        // SAFETY: SQLITE_TRANSIENT is the pointer -1 by definition, and is never called.
        unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }
}
