// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import GRDB
internal import Ledger

/// Folding a stretch of the log into the tables.
extension Projector {
    /// The tag of `BatchSealed`.
    private static let sealTag: UInt8 = 76

    /// The number of entries up to the last seal among the first `size`.
    static func sealedSize(of log: EventLog, upTo size: UInt64) throws(LogError) -> UInt64 {
        var end = size
        while end > 0, try log.entry(at: end - 1).first != sealTag { end -= 1 }
        return end
    }

    /// Folds whole batches up to `end`, which is the end of a batch, until there are `enough`.
    ///
    /// `step` is called about every ten thousand entries with what is held not written yet.
    func fold(
        _ log: EventLog, to end: UInt64, enough: UInt64, _ step: () throws -> Void = {}
    ) throws {
        let start = entries
        var last = entries
        var failure: (any Error)?
        try log.forEachFrame(from: start, to: end) { frame in
            do {
                for entry in Int(entries - frame.firstIndex)..<frame.count {
                    guard entries < end else { return false }
                    try fold(frame.bytes, in: frame.range(of: entry))
                    guard !isOpen else { continue }
                    if entries - start >= enough { return false }
                    if entries - last >= ProjectionsWriter.entriesPerTransaction {
                        try step()
                        last = entries
                    }
                }
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        guard !isOpen else { throw fail("the batch does not end") }
    }

    /// Writes what is held, and how far the fold has come.
    func finish(_ log: EventLog) throws -> ProjectionsPosition {
        try flush()
        guard let sealed else { throw fail("no batch is sealed") }
        let position = ProjectionsPosition(
            ledger: ledger, entries: entries, height: sealed.height,
            logRoot: try log.root(at: entries), stateRoot: sealed.stateRoot)
        try position.write(database)
        return position
    }
}

/// Builds a whole file of projections at once.
enum ProjectionsBuilder {
    /// Folds the log up to `end` into a new file, made durable.
    ///
    /// Without a journal and with indexes last: a file that is not finished is of no use, and is
    /// the caller's to remove.
    static func build(
        _ path: String, from log: EventLog, to end: UInt64,
        progress: (UInt64, UInt64) throws -> Void
    ) throws(ProjectionsError) -> ProjectionsPosition {
        try ProjectionsPlace.working(path) {
            let queue = try ProjectionsPlace.connect(path, .build)
            let position = try queue.writeWithoutTransaction { db in
                var position: ProjectionsPosition?
                try db.inTransaction(.exclusive) {
                    try db.execute(sql: Schema.tables)
                    let projector = try Projector(db)
                    try projector.fold(log, to: end, enough: .max) {
                        try projector.flush()
                        try progress(projector.entries, end)
                    }
                    position = try projector.finish(log)
                    try db.execute(sql: Schema.indexes)
                    try Seal.close(db)
                    try db.execute(
                        sql: "PRAGMA application_id = \(ProjectionsPlace.applicationID)")
                    try db.execute(sql: "PRAGMA user_version = \(ProjectionsPlace.version)")
                    return .commit
                }
                try progress(end, end)
                return position
            }
            try queue.close()
            // Readers and a writer go on beside each other only with a write-ahead log.
            let other = try ProjectionsPlace.connect(path, .follow)
            _ = try other.writeWithoutTransaction { db in
                try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
            }
            try other.close()
            try POSIXDisk().open(path, .write).sync()
            guard let position else { fatalError("a file was built without a position") }
            return position
        }
    }
}
