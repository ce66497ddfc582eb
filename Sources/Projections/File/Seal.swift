// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import GRDB

/// What tells whether anybody but the fold has written to a file of projections.
///
/// Anybody may open the file with any program that knows SQLite, and change a row. So every table
/// has triggers that note in the row `seal` which table was changed, unless a fold says in the same
/// row that it is at work; and the number that SQLite counts with each change of the tables
/// themselves is kept there too. A look costs one row, however large the file is. It finds what is
/// done with SQL; who takes the trouble to forge the row as well is found only by comparing every
/// row with the log, as `Projections.verify` and an audit do.
enum Seal {
    /// The table; its row is written as the last of a build.
    private static let table = """
        CREATE TABLE seal (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            folding INTEGER NOT NULL,        -- 1 within the transactions of a fold
            changed TEXT,                    -- the first table that somebody else wrote to
            tables_version INTEGER NOT NULL  -- PRAGMA schema_version when the file was built
        ) STRICT;
        """

    /// Seals a file whose tables, indexes and rows are complete.
    static func close(_ db: Database) throws {
        let names = try tables(db)
        try db.execute(sql: table)
        for name in names {
            for event in ["INSERT", "UPDATE", "DELETE"] {
                try db.execute(sql: trigger(on: name, after: event))
            }
        }
        try db.execute(
            sql: "INSERT INTO seal VALUES (1, 0, NULL, ?)", arguments: [try version(db)])
    }

    /// All SQL that seals a file, for a table and an event in general.
    static var text: String { table + trigger(on: "TABLE", after: "EVENT") }

    private static func tables(_ db: Database) throws -> [String] {
        try String.fetchAll(
            db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    }

    private static func trigger(on table: String, after event: String) -> String {
        """
        CREATE TRIGGER seal_\(table)_\(event.lowercased()) AFTER \(event) ON \(table)
        WHEN (SELECT folding FROM seal) = 0
        BEGIN UPDATE seal SET changed = '\(table)' WHERE changed IS NULL; END
        """
    }

    private static func version(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "PRAGMA schema_version") ?? 0
    }

    /// Says within a transaction that a fold is at work, or that it has ended.
    static func set(folding: Bool, _ db: Database) throws {
        try db.execute(sql: "UPDATE seal SET folding = ?", arguments: [folding ? 1 : 0])
    }

    /// Returns what somebody else has done to the file, in words; nil where nothing shows.
    static func damage(_ db: Database) throws -> String? {
        let sql = "SELECT changed, tables_version FROM seal WHERE folding = 0"
        guard let row = try Row.fetchOne(try db.cachedStatement(sql: sql)) else {
            return "its seal is not there: somebody else has written to it"
        }
        if case .string(let table) = (row[0] as DatabaseValue).storage {
            return "somebody else has written to its table \(table)"
        }
        guard row.unsigned(1) == UInt64(exactly: try version(db)) else {
            return "somebody else has changed its tables or what watches over them"
        }
        return nil
    }
}
