// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import Foundation
internal import GRDB
package import Ledger

/// The bridge of a ledger in one process: a database of its own in which a payment is a row.
///
/// Every row is durable (SQLite, `synchronous = FULL`) before it is reported. What is reported is
/// derived from the row alone, so that a report lost with the process is made again, the same.
package final class SingleVault: SingleBridge {
    /// The format of the database that this version writes (`PRAGMA user_version`).
    package static let version = 1
    /// Marks the file as a vault (`PRAGMA application_id`): "RCVT".
    static let applicationID = 0x5243_5654

    private let path: String
    private let ledger: LedgerID
    private let key: SigningKey
    private let balance: UInt64?
    private let database: DatabaseQueue

    private init(
        path: String, ledger: LedgerID, key: SigningKey, balance: UInt64?, database: DatabaseQueue
    ) {
        self.path = path
        self.ledger = ledger
        self.key = key
        self.balance = balance
        self.database = database
    }

    /// Makes a vault for a ledger. It is told of the validators here, and of changes by `follow`.
    package static func create(
        path: String, opened: LedgerOpened, ledger: LedgerID, balance: UInt64?, key: SigningKey
    ) throws(NodeError) -> SingleVault {
        try working(path) {
            let database = try connect(path)
            try database.write { db in
                try db.execute(sql: schema)
                try db.execute(
                    sql: "INSERT INTO identity VALUES (1, ?, ?, ?, 0)",
                    arguments: [
                        Data(ledger.digest.bytes), Data(key.publicKey.bytes),
                        Int64(opened.parameters.threshold),
                    ])
                for (index, validator) in opened.validators.enumerated() {
                    try db.execute(
                        sql: "INSERT INTO validator VALUES (?, ?, 1)",
                        arguments: [Int64(index), Data(validator.key.bytes)])
                }
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(version)")
            }
            return SingleVault(
                path: path, ledger: ledger, key: key, balance: balance, database: database)
        }
    }

    /// Opens a vault; refuses one of a newer format, another ledger or another key.
    package static func open(
        path: String, ledger: LedgerID, balance: UInt64?, key: SigningKey
    ) throws(NodeError) -> SingleVault {
        guard Files.exists(path) else {
            throw .notAHome(path: (path as NSString).deletingLastPathComponent, missing: path)
        }
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
            throw .vault(path: path, problem: "its format \(found) was never written")
        }
        guard identity == [Data(ledger.digest.bytes), Data(key.publicKey.bytes)] else {
            throw .vaultForeign(path: path)
        }
        return SingleVault(
            path: path, ledger: ledger, key: key, balance: balance, database: database)
    }

    /// Closes the database.
    package func close() throws(NodeError) {
        try Self.working(path) { try database.close() }
    }

    private static let schema = """
        CREATE TABLE identity (
            one INTEGER PRIMARY KEY CHECK (one = 1), ledger BLOB NOT NULL, bridge BLOB NOT NULL,
            threshold INTEGER NOT NULL, next_change INTEGER NOT NULL) STRICT;
        CREATE TABLE validator (
            number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, is_member INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE payment (
            request BLOB PRIMARY KEY, entry INTEGER NOT NULL, recipient BLOB NOT NULL,
            amount BLOB NOT NULL, is_paid INTEGER NOT NULL, why TEXT NOT NULL) STRICT;
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

    private static func working<T>(_ path: String, _ body: () throws -> T) throws(NodeError) -> T {
        do {
            return try body()
        } catch {
            throw .vault(path: path, problem: "\(error)")
        }
    }
}

// MARK: - Payments

extension SingleVault {
    package func settle(
        _ orders: [SingleOrder]
    ) throws(NodeError) -> [Result<SettlementMessage, SingleOrderProblem>] {
        let keys = try Self.working(path) { try database.read { try Self.validatorKeys($0) } }
        let proved = orders.map { order in
            Result { () throws(SingleOrderProblem) in
                try order.prove(in: ledger) { keys[$0] }
            }
        }
        let rows = try Self.working(path) {
            try database.write { db in
                try proved.map { result -> Result<(RequestID, Bool), SingleOrderProblem> in
                    switch result {
                    case .failure(let problem): return .failure(problem)
                    case .success(let order):
                        return .success((order.id, try self.record(order, db)))
                    }
                }
            }
        }
        return rows.map { row in
            row.map { id, isPaid in
                // The reference is derived: it names the request in this vault.
                SettlementMessage(
                    request: id, bridge: key.publicKey,
                    reference: Array("vault:\(id.hex.prefix(32))".utf8),
                    result: isPaid ? .settled : .failed, signature: .zero
                ).signed(by: key, in: ledger)
            }
        }
    }

    /// The sum of all payments so far.
    package func paidTotal() throws(NodeError) -> UInt64 {
        try Self.working(path) { try database.read { try Self.total($0) } }
    }

    /// The number of rows: paid, and voided.
    package func counts() throws(NodeError) -> (paid: Int, voided: Int) {
        try Self.working(path) {
            try database.read { db in
                let sql = "SELECT count(*) FROM payment WHERE is_paid = ?"
                return (
                    try Int.fetchOne(db, sql: sql, arguments: [1]) ?? 0,
                    try Int.fetchOne(db, sql: sql, arguments: [0]) ?? 0
                )
            }
        }
    }

    /// Returns whether the request is paid, after making sure that it is decided for good.
    private func record(_ order: SingleProvedOrder, _ db: Database) throws -> Bool {
        let id = Data(order.id.digest.bytes)
        if let isPaid = try Bool.fetchOne(
            db, sql: "SELECT is_paid FROM payment WHERE request = ?", arguments: [id])
        {
            return isPaid
        }
        let total = try Self.total(db)
        let (sum, overflow) = total.addingReportingOverflow(order.amount.rawValue)
        var fault: String?
        for nullifier in order.nullifiers {
            let known = try Data.fetchOne(
                db, sql: "SELECT request FROM paid_nullifier WHERE nullifier = ?",
                arguments: [Data(nullifier.bytes)])
            if known != nil { fault = "a nullifier is paid" }
        }
        if fault == nil, overflow || sum > (balance ?? .max) { fault = "the balance is too low" }
        try db.execute(
            sql: "INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                id, Int64(bitPattern: order.entry.rawValue), Data(order.recipient.bytes),
                Self.data(order.amount.rawValue), fault == nil, fault ?? "paid",
            ])
        guard fault == nil else { return false }
        for nullifier in order.nullifiers {
            try db.execute(
                sql: "INSERT INTO paid_nullifier VALUES (?, ?)",
                arguments: [Data(nullifier.bytes), id])
        }
        try db.execute(sql: "UPDATE total SET paid = ?", arguments: [Self.data(sum)])
        return true
    }

    private static func total(_ db: Database) throws -> UInt64 {
        let bytes = try Data.fetchOne(db, sql: "SELECT paid FROM total") ?? Data()
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Eight bytes, most significant first: SQLite's integers have a sign.
    private static func data(_ value: UInt64) -> Data {
        Data((0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) })
    }

    private static func validatorKeys(_ db: Database) throws -> [ValidatorIndex: PublicKey] {
        var keys: [ValidatorIndex: PublicKey] = [:]
        let rows = try Row.fetchAll(db, sql: "SELECT number, key FROM validator")
        for row in rows {
            let number: Int64 = row["number"]
            let key: Data = row["key"]
            if let number = UInt16(exactly: number), let bytes = Bytes32([UInt8](key)) {
                keys[ValidatorIndex(number)] = PublicKey(bytes)
            }
        }
        return keys
    }
}

// MARK: - Comparison

extension SingleVault {
    /// Every request that was paid or voided, in the order of the ledger's entries.
    package func payments() throws(NodeError) -> [(request: RequestID, isPaid: Bool)] {
        try Self.working(path) {
            try database.read { db in
                let rows = try Row.fetchAll(
                    db, sql: "SELECT request, is_paid FROM payment ORDER BY entry")
                return rows.compactMap { row in
                    let request: Data = row["request"]
                    return Bytes32([UInt8](request)).map { bytes in
                        (request: RequestID(Digest(bytes)), isPaid: row["is_paid"])
                    }
                }
            }
        }
    }
}

// MARK: - Membership

extension SingleVault {
    package func nextChange() throws(NodeError) -> UInt64 {
        try Self.working(path) {
            try database.read { db in
                let number = try Int64.fetchOne(db, sql: "SELECT next_change FROM identity")
                return UInt64(max(0, number ?? 0))
            }
        }
    }

    package func follow(_ change: GovernanceMessage) throws(NodeError) {
        let ledger = ledger
        try Self.working(path) {
            try database.write { db in
                let row = try Row.fetchOne(db, sql: "SELECT next_change, threshold FROM identity")
                let next: Int64 = row?["next_change"] ?? 0
                let threshold: Int64 = row?["threshold"] ?? .max
                guard change.number == UInt64(max(0, next)) else { return }
                let members = try Data.fetchSet(
                    db, sql: "SELECT key FROM validator WHERE is_member = 1")
                let signers = Set(change.endorsements.map { Data($0.validator.bytes) })
                guard signers.count == change.endorsements.count,
                    signers.isSubset(of: members), signers.count >= Int(threshold),
                    change.isSigned(in: ledger)
                else { return }
                try Self.apply(change.change, db)
                try db.execute(sql: "UPDATE identity SET next_change = next_change + 1")
            }
        }
    }

    private static func apply(_ change: Change, _ db: Database) throws {
        switch change {
        case .validatorJoined(let key, _):
            try db.execute(
                sql: """
                    INSERT INTO validator
                    SELECT coalesce(max(number), -1) + 1, ?, 1 FROM validator WHERE true
                    ON CONFLICT (key) DO UPDATE SET is_member = 1
                    """, arguments: [Data(key.bytes)])
        case .validatorLeft(let key):
            try db.execute(
                sql: "UPDATE validator SET is_member = 0 WHERE key = ?",
                arguments: [Data(key.bytes)])
        case .parametersChanged(let parameters):
            try db.execute(
                sql: "UPDATE identity SET threshold = ?", arguments: [Int64(parameters.threshold)])
        case .stakeChanged, .circuitRegistered, .rootPublished, .submitterListed: break
        }
    }
}
