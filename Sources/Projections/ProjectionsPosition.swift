// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import GRDB
package import Ledger

/// How far a file of projections has come: its row `position`.
package struct ProjectionsPosition: Equatable, Sendable {
    /// The ledger: SHA-256 of its first entry.
    package var ledger: LedgerID
    /// `Schema.digest` of the program that made the tables.
    package var schema: Digest
    /// Entries folded: the next is the entry of this number.
    package var entries: UInt64
    /// The last batch.
    package var height: Height
    /// The root of the log of that many entries.
    package var logRoot: Digest
    /// What the last batch states of its state.
    package var stateRoot: Digest

    /// Reads the row; nil where there is none, or one that was never written.
    init?(_ database: Database) throws {
        let sql = "SELECT ledger, schema, entries, height, log_root, state_root FROM position"
        guard let row = try Row.fetchOne(database, sql: sql) else { return nil }
        guard let ledger = row.digest(0), let schema = row.digest(1), let logRoot = row.digest(4),
            let stateRoot = row.digest(5), let entries = UInt64(exactly: row[2] as Int64),
            let height = UInt64(exactly: row[3] as Int64)
        else { return nil }
        self.ledger = LedgerID(ledger)
        self.schema = schema
        self.entries = entries
        self.height = Height(height)
        self.logRoot = logRoot
        self.stateRoot = stateRoot
    }

    init(
        ledger: LedgerID, entries: UInt64, height: Height, logRoot: Digest, stateRoot: Digest
    ) {
        self.ledger = ledger
        schema = Schema.digest
        self.entries = entries
        self.height = height
        self.logRoot = logRoot
        self.stateRoot = stateRoot
    }

    /// Writes the row in place of the one that is there.
    func write(_ database: Database) throws {
        let statement = try BoundStatement(
            database, "INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?, ?, ?, ?)")
        statement.bind(ledger.digest)
        statement.bind(schema)
        statement.bind(entries)
        statement.bind(height.rawValue)
        statement.bind(logRoot)
        statement.bind(stateRoot)
        try statement.run()
    }
}

extension Row {
    /// Thirty-two bytes of a column; nil for anything else.
    func bytes32(_ column: Int) -> Bytes32? {
        guard case .blob(let data) = (self[column] as DatabaseValue).storage else { return nil }
        return Bytes32([UInt8](data))
    }

    /// A digest of a column; nil for anything else.
    func digest(_ column: Int) -> Digest? { bytes32(column).map { Digest($0) } }

    /// A number that `BoundStatement` wrote as an integer or as digits; nil for anything else.
    func unsigned(_ column: Int) -> UInt64? {
        switch (self[column] as DatabaseValue).storage {
        case .int64(let value): UInt64(exactly: value)
        case .string(let digits): UInt64(digits)
        default: nil
        }
    }
}
