// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Figures
import Foundation
import GRDB
import Ledger

/// Folding every entry of a ledger into the full state; signatures are not checked.
///
/// Beside it the same entries are read from a table of events in SQLite and folded the same way.
struct ReplayBenchmark {
    let entries: UInt64

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            let path = folder.appendingPathComponent("ledger").path
            try LedgerGenerator.make(entries: entries, at: path, signing: false, note)
            let database = try Self.database(folder, of: path)
            var ours: [Double] = []
            var theirs: [Double] = []
            for _ in 0..<runs {
                let (seconds, state) = try timed { try Self.replay(path) }
                ours.append(Double(state.size) / seconds)
                let (other, folded) = try timed { try Self.fold(database) }
                guard folded.componentRoots() == state.componentRoots() else {
                    fatalError("the same events gave another state")
                }
                theirs.append(Double(state.size) / other)
            }
            return [
                Figure(
                    "replay into the full state, signatures not checked", unit: "entries/s",
                    values: ours),
                Figure(
                    "  beside: the same events from SQLite, folded", unit: "entries/s",
                    values: theirs),
            ]
        }
    }

    /// What `recount replay` does.
    static func replay(_ path: String) throws -> LedgerState {
        let log = try EventLog.open(
            directory: path, disk: POSIXDisk(), access: .readOnly, options: LogOptions())
        return try Replay.state(of: log)
    }

    private static func database(_ folder: URL, of path: String) throws -> DatabaseQueue {
        let database = try DatabaseQueue(path: folder.appendingPathComponent("events.db").path)
        let log = try EventLog.open(
            directory: path, disk: POSIXDisk(), access: .readOnly, options: LogOptions())
        try database.write { db in
            try db.execute(sql: "CREATE TABLE event (position INTEGER PRIMARY KEY, data BLOB)")
            let insert = try db.makeStatement(sql: "INSERT INTO event VALUES (?, ?)")
            try log.forEach(from: 0, to: log.size) { index, bytes in
                var copy: [UInt8] = []
                for position in bytes.indices { copy.append(bytes[position]) }
                try insert.execute(arguments: [Int64(index), Data(copy)])
            }
        }
        return database
    }

    private static func fold(_ database: DatabaseQueue) throws -> LedgerState {
        try database.read { db in
            var state = LedgerState()
            let rows = try Row.fetchCursor(db, sql: "SELECT data FROM event ORDER BY position")
            while let row = try rows.next() {
                let bytes = try row.withUnsafeData(atIndex: 0) { data in [UInt8](data ?? Data()) }
                try state.apply(Entry(decoding: bytes))
            }
            return state
        }
    }
}
