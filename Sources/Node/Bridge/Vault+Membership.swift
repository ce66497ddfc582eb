// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import GRDB
internal import Ledger

extension Vault {
    package func nextChange() throws(NodeError) -> UInt64 {
        try Self.working(path) { try database.read { try Self.nextChange($0) } }
    }

    /// What is wrong with a root; nil where T of those in office precommitted it.
    package func problem(of root: ProvedRoot) throws(NodeError) -> OrderProblem? {
        let office = try Self.working(path) { try database.read { try Self.office($0) } }
        do throws(OrderProblem) {
            _ = try office.check(root, in: ledger)
            return nil
        } catch { return error }
    }

    package func follow(_ change: ProvedChange) throws(NodeError) -> OrderProblem? {
        try Self.working(path) {
            try database.write { db -> OrderProblem? in
                let proved: (event: GovernanceApproved, batch: Height)
                let office = try Self.office(db)
                let next = try Self.nextChange(db)
                do throws(OrderProblem) {
                    proved = try change.prove(in: ledger, by: office, next: next)
                } catch { return error }
                try Self.apply(proved.event, in: proved.batch, db)
                return nil
            }
        }
    }

    private static func nextChange(_ db: Database) throws -> UInt64 {
        let number = try Int64.fetchOne(db, sql: "SELECT next_change FROM identity")
        return UInt64(max(0, number ?? 0))
    }

    /// Takes in a change that the ledger made in a batch.
    static func apply(_ event: GovernanceApproved, in batch: Height, _ db: Database) throws {
        let newest = try office(db).newest
        var era = Era(batch: batch, threshold: newest.threshold, members: newest.members)
        switch event.change {
        case .validatorJoined(let key, _, _):
            let index = try number(of: key, db)
            era.members.removeAll { $0.index == index }
            era.members.append(Era.Member(index: index, key: key))
            era.members.sort { $0.index < $1.index }
        case .validatorLeft(let key): era.members.removeAll { $0.key == key }
        case .parametersChanged(let parameters): era.threshold = Int(parameters.threshold)
        case .stakeChanged, .circuitRegistered, .rootPublished, .submitterListed: break
        }
        if era.members != newest.members || era.threshold != newest.threshold {
            try write(era, db)
        }
        try db.execute(
            sql: "UPDATE identity SET next_change = ?",
            arguments: [Int64(bitPattern: event.number + 1)])
    }

    /// The number that the ledger gives to a key, for ever.
    static func number(of key: PublicKey, _ db: Database) throws -> ValidatorIndex {
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO known_key
                SELECT coalesce(max(number), -1) + 1, ? FROM known_key
                """, arguments: [Data(key.bytes)])
        let number = try Int64.fetchOne(
            db, sql: "SELECT number FROM known_key WHERE key = ?", arguments: [Data(key.bytes)])
        guard let number, let index = UInt16(exactly: number) else {
            throw DatabaseError(message: "more keys than a ledger has")
        }
        return ValidatorIndex(index)
    }

    // MARK: Eras

    static func office(_ db: Database) throws -> Office {
        let rows = try Row.fetchAll(
            db, sql: "SELECT batch, threshold, members FROM era ORDER BY batch")
        let eras = rows.compactMap { row -> Era? in
            let batch: Int64 = row["batch"]
            let threshold: Int64 = row["threshold"]
            let members: Data = row["members"]
            guard let batch = UInt64(exactly: batch), let list = Self.members([UInt8](members))
            else { return nil }
            return Era(batch: Height(batch), threshold: Int(threshold), members: list)
        }
        guard !eras.isEmpty, eras.count == rows.count else {
            throw DatabaseError(message: "the table of eras was changed")
        }
        return Office(eras)
    }

    /// Writes an era, in place of that of the same batch.
    static func write(_ era: Era, _ db: Database) throws {
        var bytes: [UInt8] = []
        for member in era.members {
            bytes += [UInt8(member.index.rawValue >> 8), UInt8(member.index.rawValue & 0xFF)]
            bytes += member.key.bytes
        }
        try db.execute(
            sql: "INSERT OR REPLACE INTO era VALUES (?, ?, ?)",
            arguments: [
                Int64(bitPattern: era.batch.rawValue), Int64(era.threshold), Data(bytes),
            ])
    }

    /// Each member has its index, most significant byte first, and its key.
    private static func members(_ bytes: [UInt8]) -> [Era.Member]? {
        guard bytes.count % 34 == 0 else { return nil }
        return stride(from: 0, to: bytes.count, by: 34).compactMap { start in
            let index = UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1])
            return Bytes32(Array(bytes[(start + 2)..<(start + 34)])).map {
                Era.Member(index: ValidatorIndex(index), key: PublicKey($0))
            }
        }
    }
}
