// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import GRDB
internal import Ledger

extension ProjectionsPlace {
    /// What a look at the file says.
    enum Condition {
        /// There is none.
        case absent
        /// It was replaced while it was being looked at.
        case gone
        /// It fits the log.
        case fits(name: String, ProjectionsPosition)
        /// It does not, and why.
        case unfit(String)
        /// It cannot be told.
        case failed(ProjectionsError)
    }

    /// Looks whether the file holds projections of this log, made by these migrations.
    ///
    /// A position beyond the log is measured against the log as it is now: its owner may have
    /// gone on since it was opened. Without `seal` a file fits also where somebody else has changed
    /// rows of it.
    func inspect(_ log: EventLog, seal: Bool = true) -> Condition {
        let name: String
        switch target() {
        case .nothing: return .absent
        case .directory:
            return .failed(.database(path: link, problem: "it is a directory; remove it"))
        case .file(let found): name = found
        }
        guard size(of: name) != nil else {
            return target() == .file(name)
                ? .unfit("the file that it leads to is not there") : .gone
        }
        do {
            let queue = try Self.connect(path(name), .read)
            let (result, damage) = try queue.read { db in
                let result = try Self.look(db)
                guard seal, case .success = result else { return (result, String?.none) }
                return (result, try Seal.damage(db))
            }
            try queue.close()
            switch result {
            case .failure(let problem): return .unfit(problem.text)
            case .success(let position):
                if let problem = try Self.compare(position, log) { return .unfit(problem) }
                if let damage { return .unfit(damage) }
                return .fits(name: name, position)
            }
        } catch let error as DatabaseError {
            if target() != .file(name) { return .gone }
            switch error.resultCode {
            case .SQLITE_NOTADB: return .unfit("it is not a database of SQLite")
            case .SQLITE_CORRUPT, .SQLITE_ERROR:
                return .unfit("it is damaged: \(error.message ?? "\(error.resultCode)")")
            default:
                return .failed(
                    .database(path: path(name), problem: error.message ?? "\(error.resultCode)"))
            }
        } catch let error as LogError {
            return .failed(.log(error))
        } catch {
            return .failed(.database(path: path(name), problem: "\(error)"))
        }
    }

    struct Problem: Error { let text: String }

    /// What a file says of itself.
    private static func look(_ db: Database) throws -> Result<ProjectionsPosition, Problem> {
        func problem(_ text: String) -> Result<ProjectionsPosition, Problem> {
            .failure(Problem(text: text))
        }
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == applicationID else {
            return problem("it is not a file of projections")
        }
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found == version else {
            return problem("its format is \(found), and this program writes \(version)")
        }
        guard let position = try ProjectionsPosition(db) else {
            return problem("it does not say how far it has come")
        }
        guard position.schema == Schema.digest else {
            return problem("its tables are those of other migrations")
        }
        let batch = try Row.fetchOne(
            db, sql: "SELECT sealed, state_root FROM batch ORDER BY height DESC LIMIT 1")
        guard let batch, batch.unsigned(0).map({ $0 + 1 }) == position.entries,
            batch.digest(1) == position.stateRoot
        else { return problem("it says that it has come further than its tables have") }
        return .success(position)
    }

    /// Returns why a position is none of this log, or nil.
    static func compare(
        _ position: ProjectionsPosition, _ log: EventLog
    ) throws(LogError) -> String? {
        guard position.ledger == LedgerID(Digest(hashing: try log.entry(at: 0))) else {
            return "it is of another ledger, \(position.ledger.hex)"
        }
        let log = try Self.log(log, holding: position.entries)
        guard position.entries <= log.size else {
            return "it has seen \(position.entries) entries and the log holds \(log.size);"
                + " unless the log was put back on purpose, entries are missing from it"
        }
        guard position.logRoot == (try log.root(at: position.entries)) else {
            return "the root that it has seen after \(position.entries) entries is not the log's;"
                + " unless the log was replaced on purpose, entries of it were changed"
        }
        return nil
    }

    /// The log, opened again where it holds less: its owner may have gone on since.
    static func log(_ log: EventLog, holding entries: UInt64) throws(LogError) -> EventLog {
        guard entries > log.size else { return log }
        return try EventLog.open(directory: log.directory, disk: POSIXDisk(), access: .readOnly)
    }

    /// The size of a file in bytes; nil where it cannot be told.
    func size(of name: String) -> UInt64? {
        do throws(DiskError) { return try disk.open(path(name), .read).size() } catch {
            return nil
        }
    }
}
