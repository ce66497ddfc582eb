// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
internal import Foundation
internal import GRDB
package import Ledger

/// The bridge's payments: a database of its own in which a payment is a row.
///
/// Every row is durable (SQLite, `synchronous = FULL`) before it is reported. What is reported is
/// derived from the row alone, so that a report lost with the process is made again, the same. It
/// pays on nobody's word: an order is under a root that T of those in office precommitted, see
/// `Office`.
package final class Vault: Bridge {
    /// The format of the database that this version writes (`PRAGMA user_version`).
    package static let version = 2
    /// Marks the file as a vault (`PRAGMA application_id`): "RCVT".
    static let applicationID = 0x5243_5654

    let path: String
    let ledger: LedgerID
    let key: SigningKey
    let balance: UInt64?
    let database: DatabaseQueue
    /// Kept as long as the vault is open: two who pay would not know of each other.
    private let lock: any DiskLock

    private init(
        path: String, ledger: LedgerID, key: SigningKey, balance: UInt64?, database: DatabaseQueue,
        lock: any DiskLock
    ) {
        self.path = path
        self.ledger = ledger
        self.key = key
        self.balance = balance
        self.database = database
        self.lock = lock
    }

    /// Makes a vault for a ledger. It is told of the validators here, and of changes by `follow`.
    package static func create(
        path: String, opened: LedgerOpened, ledger: LedgerID, balance: UInt64?, key: SigningKey
    ) throws(NodeError) -> Vault {
        let lock = try takeLock(path)
        return try working(path) {
            let database = try connect(path)
            try database.write { db in
                try db.execute(sql: schema)
                try db.execute(
                    sql: "INSERT INTO identity VALUES (1, ?, ?, 0)",
                    arguments: [Data(ledger.digest.bytes), Data(key.publicKey.bytes)])
                var members: [Era.Member] = []
                for validator in opened.validators {
                    members.append(
                        Era.Member(
                            index: try number(of: validator.key, db), key: validator.key))
                }
                try write(
                    Era(
                        batch: Height(0), threshold: Int(opened.parameters.threshold),
                        members: members), db)
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(version)")
            }
            return Vault(
                path: path, ledger: ledger, key: key, balance: balance, database: database,
                lock: lock)
        }
    }

    /// The ledger that the vault at `path` says it pays for.
    static func ledger(at path: String) throws(NodeError) -> LedgerID {
        guard Files.exists(path) else { throw .notAHome(path: path, missing: path) }
        let bytes: [UInt8]?
        do {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            let database = try DatabaseQueue(path: path, configuration: configuration)
            bytes = try database.read { db in
                try Data.fetchOne(db, sql: "SELECT ledger FROM identity").map { Array($0) }
            }
            try database.close()
        } catch {
            throw .vault(path: path, problem: "\(error)")
        }
        guard let digest = bytes.flatMap({ Bytes32($0) }) else {
            throw .vault(path: path, problem: "it names no ledger")
        }
        return LedgerID(Digest(digest))
    }

    /// Opens a vault; refuses one of a newer format, another ledger or another key.
    package static func open(
        path: String, ledger: LedgerID, balance: UInt64?, key: SigningKey
    ) throws(NodeError) -> Vault {
        guard Files.exists(path) else {
            throw .notAHome(path: (path as NSString).deletingLastPathComponent, missing: path)
        }
        let lock = try takeLock(path)
        let (database, mark, found, identity) = try working(path) {
            let database = try connect(path)
            let (mark, found) = try database.read { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                    try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                )
            }
            var identity: [Data] = []
            if mark == applicationID, found == version {
                identity = try database.read { db in
                    let row = try Row.fetchOne(db, sql: "SELECT ledger, bridge FROM identity")
                    return row.map { [$0["ledger"], $0["bridge"]] } ?? []
                }
            }
            return (database, mark, found, identity)
        }
        guard mark == applicationID else {
            throw .vault(path: path, problem: "it is not a vault's database")
        }
        guard found <= version else {
            throw .vaultNewer(path: path, version: found, known: version)
        }
        guard found == version else {
            throw .vault(
                path: path,
                problem: "its format \(found) is older than this program reads, as is the ledger"
                    + " that it paid for")
        }
        guard identity == [Data(ledger.digest.bytes), Data(key.publicKey.bytes)] else {
            throw .vaultForeign(path: path)
        }
        return Vault(
            path: path, ledger: ledger, key: key, balance: balance, database: database,
            lock: lock)
    }

    /// Closes the database.
    package func close() throws(NodeError) {
        try Self.working(path) { try database.close() }
        lock.release()
    }

    static func takeLock(_ path: String) throws(NodeError) -> any DiskLock {
        do throws(DiskError) { return try POSIXDisk().lock("\(path).lock") } catch {
            guard case .locked(_, let holder) = error else { throw .disk(error) }
            throw .vault(
                path: path,
                problem: "\(holder.map { "process \($0)" } ?? "another process") has it open;"
                    + " stop that first")
        }
    }

    private static let schema = """
        CREATE TABLE identity (
            one INTEGER PRIMARY KEY CHECK (one = 1), ledger BLOB NOT NULL, bridge BLOB NOT NULL,
            next_change INTEGER NOT NULL) STRICT;
        CREATE TABLE known_key (
            number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
        CREATE TABLE era (
            batch INTEGER PRIMARY KEY, threshold INTEGER NOT NULL, members BLOB NOT NULL) STRICT;
        CREATE TABLE payment (
            request BLOB PRIMARY KEY, entry INTEGER NOT NULL, recipient BLOB NOT NULL,
            amount BLOB NOT NULL, state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
            why TEXT NOT NULL) STRICT;
        CREATE TABLE paid_nullifier (
            nullifier BLOB PRIMARY KEY, request BLOB NOT NULL REFERENCES payment) STRICT;
        CREATE TABLE total (
            one INTEGER PRIMARY KEY CHECK (one = 1), paid BLOB NOT NULL) STRICT;
        INSERT INTO total VALUES (1, x'0000000000000000');
        """

    private static func connect(_ path: String) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = DELETE")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA foreign_keys = ON")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    static func working<T>(_ path: String, _ body: () throws -> T) throws(NodeError) -> T {
        do {
            return try body()
        } catch {
            throw .vault(path: path, problem: "\(error)")
        }
    }
}
