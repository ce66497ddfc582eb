// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Foundation
internal import GRDB
internal import GRDBSQLite
internal import Ledger

/// Where the projections of a ledger lie, and how their files are opened.
///
/// `projections.sqlite` is a symbolic link to `projections-<n>.sqlite` beside it. SQLite follows it
/// and names `-wal` and `-shm` after what it leads to, so that another file is put in place by one
/// rename while connections go on with the file that they have open.
struct ProjectionsPlace: Sendable {
    /// The format of the file (`PRAGMA user_version`), beside `Schema.digest` of its tables.
    static let version = 1
    /// Marks the file as projections (`PRAGMA application_id`): "RCPJ".
    static let applicationID = 0x5243_504A
    /// Seconds that a connection waits for another process.
    static let busySeconds = 30

    /// The directory of the ledger.
    let directory: String
    let disk = POSIXDisk()

    /// What everybody opens.
    var link: String { "\(directory)/projections.sqlite" }
    /// Held by whoever builds a new file.
    var lock: String { "\(directory)/projections.lock" }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// What is found at the link.
    enum Target: Equatable { case nothing, file(String), directory }

    /// Returns the name of the file in use; a file in place of the link is its own target.
    func target() -> Target {
        let files = FileManager.default
        do {
            switch try files.attributesOfItem(atPath: link)[.type] as? FileAttributeType {
            case .typeSymbolicLink?:
                return .file(try files.destinationOfSymbolicLink(atPath: link))
            case .typeDirectory?: return .directory
            default: return .file("projections.sqlite")
            }
        } catch { return .nothing }
    }

    /// The number in the name of a file of projections, or of what SQLite puts beside it.
    private func number(of name: String) -> Int? {
        let parts = name.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, parts[0] == "projections", name.contains(".sqlite") else {
            return nil
        }
        return Int(parts[1].prefix { $0.isNumber })
    }

    /// A name that no file has.
    func newName() throws(DiskError) -> String {
        let last = try disk.list(directory).compactMap { number(of: $0) }.max() ?? 0
        return "projections-\(last + 1).sqlite"
    }

    /// Removes the files of earlier projections; only by the holder of the lock.
    ///
    /// Who has one open keeps it until it is closed.
    func removeOthers() throws(DiskError) {
        guard case .file(let current) = target() else { return }
        for name in try disk.list(directory) {
            guard number(of: name) != nil, !name.hasPrefix(current) else { continue }
            try disk.remove(path(name))
        }
    }

    /// Puts a finished file in place of what the link leads to.
    func use(_ name: String) throws(DiskError) {
        let temporary = link + ".tmp"
        do throws(DiskError) { try disk.remove(temporary) } catch {
            guard case .notFound = error else { throw error }
        }
        do {
            try FileManager.default.createSymbolicLink(
                atPath: temporary, withDestinationPath: name)
        } catch {
            let code = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            throw .failed(.create, path: temporary, code: Int32(code?.code ?? 0))
        }
        try disk.rename(temporary, to: link)
        try disk.syncDirectory(directory)
    }
}

/// How a connection is used.
enum ConnectionUse {
    /// Reads.
    case read
    /// Follows the log, beside readers.
    case follow
    /// Builds a file that nobody else sees.
    case build
}

extension ProjectionsPlace {
    /// Opens a database.
    static func connect(_ path: String, _ use: ConnectionUse) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = use == .read
        // The fold writes rows in the order of events, checks itself what they refer to, and has
        // the words that it writes from enumerations: to look for them again costs a third.
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(TimeInterval(busySeconds))
        configuration.label = "projections"
        configuration.prepareDatabase { db in
            switch use {
            case .read: break
            case .follow:
                try keepJournal(db)
                try db.execute(
                    sql: """
                        PRAGMA synchronous = NORMAL;
                        PRAGMA journal_size_limit = 0;
                        PRAGMA ignore_check_constraints = ON;
                        """)
            case .build:
                try db.execute(
                    sql: """
                        PRAGMA journal_mode = OFF;
                        PRAGMA synchronous = OFF;
                        PRAGMA locking_mode = EXCLUSIVE;
                        PRAGMA cache_size = -65536;
                        PRAGMA ignore_check_constraints = ON;
                        """)
            }
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Leaves the (empty) write-ahead log and its index in place when the file is closed: without
    /// them, who may not write to the directory could not read the file.
    private static func keepJournal(_ db: Database) throws {
        var isKept: Int32 = 1
        // SAFETY: the connection is open, and SQLite reads the number during the call.
        let code = unsafe sqlite3_file_control(
            db.sqliteConnection, "main", SQLITE_FCNTL_PERSIST_WAL, &isKept)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
    }

    /// Runs work on a database and gives its errors as those of projections.
    static func working<T>(
        _ path: String, _ body: () throws -> T
    ) throws(ProjectionsError) -> T {
        do {
            return try body()
        } catch let error as ProjectionsError {
            throw error
        } catch let error as FoldProblem {
            throw .entry(error.entry, problem: error.problem)
        } catch let error as LogError {
            throw .log(error)
        } catch let error as DiskError {
            throw .disk(error)
        } catch let error as DatabaseError {
            throw .database(path: path, problem: error.message ?? "\(error.resultCode)")
        } catch {
            throw .database(path: path, problem: "\(error)")
        }
    }
}
