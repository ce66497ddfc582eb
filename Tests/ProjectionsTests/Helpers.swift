// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import GRDB
import Ledger
import Projections

/// A ledger in a temporary folder, removed with it, of which the log is written batch by batch.
final class ProjectedLedger {
    let directory: String
    let log: EventLog
    /// The events of each batch, in order.
    let batches: [[Event]]
    private(set) var written = 0

    /// Writes the first `count` batches of a run in which everything happens; all by default.
    convenience init(seed: UInt64, batches: Int = 60, writing count: Int? = nil) throws {
        try self.init(
            events: GoldenRun.play(seed: seed, batches: batches, signs: false).log,
            writing: count)
    }

    init(events: [Event], writing count: Int? = nil) throws {
        batches = events.batches
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-projections-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        directory = folder.appendingPathComponent("ledger").path
        log = try EventLog.create(
            directory: directory, disk: POSIXDisk(), options: LogOptions(segmentBytesMax: 40_000))
        try write(count ?? batches.count)
    }

    deinit {
        do {
            try log.close()
            try FileManager.default.removeItem(
                atPath: (directory as NSString).deletingLastPathComponent)
        } catch {
            // A folder left behind in the temporary directory harms no test.
        }
    }

    /// Commits so many more batches.
    func write(_ count: Int) throws {
        for batch in batches[written..<written + count] {
            for event in batch { _ = try log.stage(event.encoded) }
            try log.commit()
        }
        written += count
    }

    func writer() -> ProjectionsWriter { ProjectionsWriter(directory: directory, log: log) }

    func reader() throws -> ProjectionsReader {
        try Projections.reader(ledgerDirectory: directory, log: log)
    }

    /// The tables with all their rows, each row as text, in the order of the keys.
    func content() throws -> [String: [String]] { try tables(of: reader()) }

    /// What a comparison finds wrong, as text; nil where every row is right.
    func verdict() throws -> String? {
        switch try Projections.verify(ledgerDirectory: directory, log: log) {
        case .equal: nil
        case .different(_, let difference): "\(difference)"
        case .unfit(let problem): problem
        case .absent: "absent"
        }
    }

    func info() -> ProjectionsInfo { Projections.info(ledgerDirectory: directory, log: log) }

    /// Changes the file behind everybody's back.
    func edit(_ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let queue = try DatabaseQueue(path: link, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
            try db.execute(sql: sql)
        }
        try queue.close()
    }

    /// Writes over the file in use.
    func overwrite(_ bytes: [UInt8]) throws {
        let file = try POSIXDisk().open(link, .create)
        try file.write(bytes, at: 0)
    }

    var link: String { directory + "/projections.sqlite" }

    /// The names of the files of projections, but for the lock and what SQLite keeps beside the
    /// file in use.
    func files() throws -> [String] {
        try POSIXDisk().list(directory).filter {
            let current = try FileManager.default.destinationOfSymbolicLink(atPath: link)
            return $0.hasPrefix("projections") && $0 != "projections.lock"
                && $0 != current + "-wal" && $0 != current + "-shm"
        }
    }
}

/// The tables with all their rows, each row as text, in the order of the keys.
func tables(of reader: ProjectionsReader) throws -> [String: [String]] {
    try reader.read { db in
        var result: [String: [String]] = [:]
        for name in try tableNames(db) {
            let key = try db.primaryKey(name).columns.joined(separator: ", ")
            result[name] = try Row.fetchAll(db, sql: "SELECT * FROM \(name) ORDER BY \(key)")
                .map { "\($0)" }
        }
        return result
    }
}

func tableNames(_ db: Database) throws -> [String] {
    try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
}
