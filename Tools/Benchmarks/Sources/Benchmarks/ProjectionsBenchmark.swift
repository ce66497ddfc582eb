// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Figures
import Foundation
import GRDB
import Projections

/// Rebuilding the projections of a generated ledger, beside raw inserts of the same rows.
struct ProjectionsBenchmark {
    let entries: UInt64

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            let path = folder.appendingPathComponent("ledger").path
            try LedgerGenerator.make(entries: entries, at: path, signing: false, note)
            let log = try EventLog.open(
                directory: path, disk: POSIXDisk(), access: .readOnly, options: LogOptions())
            return try measure(log, in: folder, path, runs: runs)
        }
    }

    private func measure(
        _ log: EventLog, in folder: URL, _ path: String, runs: Int
    ) throws -> [Figure] {
        let size = log.size
        var rebuilds: [Double] = []
        var inserts: [Double] = []
        var rows: [RawTable] = []
        for run in 0..<runs {
            let rebuild = try timed { try Projections.rebuild(ledgerDirectory: path, log: log) }
            guard rebuild.result.entries == size else { fatalError("a rebuild stopped early") }
            rebuilds.append(Double(size) / rebuild.seconds)
            if rows.isEmpty {
                rows = try RawTable.all(of: Projections.reader(ledgerDirectory: path, log: log))
            }
            let raw = folder.appendingPathComponent("raw-\(run).sqlite").path
            inserts.append(
                Double(size) / (try timed { try RawTable.insert(rows, into: raw) }).seconds)
        }
        try log.close()
        let count = rows.reduce(0) { $0 + $1.rows.count }
        return [
            Figure(
                "rebuild of the SQLite projections, \(size) entries", unit: "entries/s",
                values: rebuilds, note: "log read, entries decoded and folded; one core"),
            Figure(
                "  beside: raw inserts of the same \(count) rows", unit: "entries/s",
                values: inserts, note: "rows held in memory; same tables, indexes and settings"),
        ]
    }
}

/// The rows of a table, held in memory.
private struct RawTable {
    let name: String
    let rows: [[DatabaseValue]]

    /// Reads every table out, in the order of the keys.
    static func all(of reader: ProjectionsReader) throws -> [RawTable] {
        try reader.read { db in
            // The seal of the file, one row, is none of the schema's.
            let names = try String.fetchAll(
                db,
                sql: """
                    SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'seal'
                    ORDER BY rowid
                    """)
            return try names.map { name in
                let key = try db.primaryKey(name).columns.joined(separator: ", ")
                let rows = try Row.fetchAll(db, sql: "SELECT * FROM \(name) ORDER BY \(key)")
                return RawTable(name: name, rows: rows.map { Array($0.databaseValues) })
            }
        }
    }

    /// Inserts all rows as a rebuild does: bound by hand, no journal, indexes last, then synced.
    static func insert(_ tables: [RawTable], into path: String) throws {
        let queue = try Projections.buildingConnection(path)
        try queue.writeWithoutTransaction { db in
            try db.inTransaction(.exclusive) {
                try db.execute(sql: Schema.tables)
                for table in tables {
                    guard let first = table.rows.first else { continue }
                    let statement = try BoundStatement(
                        db, into: table.name, columns: first.count)
                    for row in table.rows {
                        for value in row { statement.bind(value) }
                        try statement.run()
                    }
                }
                try db.execute(sql: Schema.indexes)
                return .commit
            }
        }
        try queue.close()
        try POSIXDisk().open(path, .write).sync()
    }
}
