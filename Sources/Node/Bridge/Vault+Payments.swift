// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import GRDB
package import Ledger

/// What became of a payment.
package enum PaymentState: Int64, Sendable {
    /// It was refused for good, and is never paid.
    case voided = 0
    /// It was paid.
    case paid = 1
    /// The vault was made anew, and a person has to say whether it was paid.
    case uncertain = 2
}

extension Vault {
    package func settle(
        _ orders: [SettlementOrder]
    ) throws(NodeError) -> [Result<SettlementMessage, OrderProblem>] {
        let office = try Self.working(path) { try database.read { try Self.office($0) } }
        let proved = orders.map { order in
            Result { () throws(OrderProblem) in try order.prove(in: ledger, by: office) }
        }
        let rows = try Self.working(path) {
            try database.write { db in
                try proved.map { result -> Result<(RequestID, PaymentState), OrderProblem> in
                    switch result {
                    case .failure(let problem): return .failure(problem)
                    case .success(let order):
                        return .success((order.id, try self.record(order, db)))
                    }
                }
            }
        }
        return rows.map { row in
            switch row {
            case .failure(let problem): .failure(problem)
            case .success((let id, .uncertain)): .failure(.uncertain(id))
            case .success((let id, let state)): .success(report(id, isPaid: state == .paid))
            }
        }
    }

    private func report(_ id: RequestID, isPaid: Bool) -> SettlementMessage {
        // The reference is derived: it names the request in this vault.
        SettlementMessage(
            request: id, bridge: key.publicKey,
            reference: Array("vault:\(id.hex.prefix(32))".utf8),
            result: isPaid ? .settled : .failed, signature: .zero
        ).signed(by: key, in: ledger)
    }

    /// The sum of all payments so far.
    package func paidTotal() throws(NodeError) -> UInt64 {
        try Self.working(path) { try database.read { try Self.total($0) } }
    }

    /// The number of requests that are paid, and of those that are voided.
    package func counts() throws(NodeError) -> (paid: Int, voided: Int) {
        try Self.working(path) {
            try database.read { db in
                let sql = "SELECT count(*) FROM payment WHERE state = ?"
                return (
                    try Int.fetchOne(db, sql: sql, arguments: [PaymentState.paid.rawValue]) ?? 0,
                    try Int.fetchOne(db, sql: sql, arguments: [PaymentState.voided.rawValue]) ?? 0
                )
            }
        }
    }

    /// Returns what became of the request, after making sure that it is decided for good.
    private func record(_ order: ProvedOrder, _ db: Database) throws -> PaymentState {
        let id = Data(order.id.digest.bytes)
        if let state = try Int64.fetchOne(
            db, sql: "SELECT state FROM payment WHERE request = ?", arguments: [id])
        {
            return PaymentState(rawValue: state) ?? .uncertain
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
        let state: PaymentState = fault == nil ? .paid : .voided
        try Self.insert(order, state, why: fault ?? "paid", db)
        if state == .paid {
            try db.execute(sql: "UPDATE total SET paid = ?", arguments: [Self.data(sum)])
        }
        return state
    }

    /// Writes the row of a payment, and of its nullifiers where others must not be paid for them.
    static func insert(
        _ order: ProvedOrder, _ state: PaymentState, why: String, _ db: Database
    ) throws {
        let id = Data(order.id.digest.bytes)
        try db.execute(
            sql: "INSERT INTO payment VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                id, Int64(bitPattern: order.entry.rawValue), Data(order.recipient.bytes),
                data(order.amount.rawValue), state.rawValue, why,
            ])
        guard state != .voided else { return }
        for nullifier in order.nullifiers {
            try db.execute(
                sql: "INSERT INTO paid_nullifier VALUES (?, ?)",
                arguments: [Data(nullifier.bytes), id])
        }
    }

    static func total(_ db: Database) throws -> UInt64 {
        let bytes = try Data.fetchOne(db, sql: "SELECT paid FROM total") ?? Data()
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Eight bytes, most significant first: SQLite's integers have a sign.
    static func data(_ value: UInt64) -> Data {
        Data((0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) })
    }
}

extension Vault {
    /// Every request that the vault knows, in the order of the ledger's entries.
    package func payments() throws(NodeError) -> [(request: RequestID, state: PaymentState)] {
        try Self.working(path) {
            try database.read { db in
                let rows = try Row.fetchAll(
                    db, sql: "SELECT request, state FROM payment ORDER BY entry")
                return rows.compactMap { row in
                    let request: Data = row["request"]
                    return Bytes32([UInt8](request)).map { bytes in
                        (
                            request: RequestID(Digest(bytes)),
                            state: PaymentState(rawValue: row["state"]) ?? .uncertain
                        )
                    }
                }
            }
        }
    }
}
