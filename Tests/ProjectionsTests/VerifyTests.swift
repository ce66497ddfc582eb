// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import GRDB
import Projections
import Testing

/// Every table with a column that is no part of its key, and the change of a value of it.
private let changes: [(table: String, column: String, value: String)] = [
    ("announcement", "program", "'other'"), ("batch", "proposer", "9"),
    ("circuit", "name", "'other'"), ("circuit_root", "entry", "99"),
    ("disagreement", "side", "9"), ("evidence", "slot", "'prevote'"),
    ("governance", "signers", "99"), ("job", "engine", "'other'"),
    ("job_validator", "validator", "99"), ("ledger", "name", "'other'"),
    ("membership", "left", "1"), ("nullifier", "spent", "1"), ("parameters", "threshold", "99"),
    ("refusal", "reason", "'other'"), ("reputation_change", "after", "1"),
    ("request", "leader", "99"), ("result", "fuel", "'6'"), ("settlement", "next_turn", "1"),
    ("stake_change", "stake", "'1'"), ("submitter", "quota", "99"), ("tally", "pinned", "9999"),
    ("validator", "stake", "7"),
    ("vote", "reason", "'other'"),
]

@Suite struct VerifyTests {
    @Test func everyTableHasAChangeBelow() throws {
        let ledger = try ProjectedLedger(seed: 1, batches: 3)
        let names = try ledger.reader().read { try tableNames($0) }
        #expect(names.filter { !["position", "seal"].contains($0) } == changes.map(\.table))
    }

    @Test(arguments: changes.indices)
    func aChangedValueIsFound(_ number: Int) throws {
        let (table, column, value) = changes[number]
        let ledger = try ProjectedLedger(seed: 4)
        #expect(
            try ledger.reader().read { try Int.fetchOne($0, sql: "SELECT 1 FROM \(table)") } == 1)
        #expect(try ledger.verdict() == nil)
        let key = try ledger.reader().read { try $0.primaryKey(table).columns }
        let last = key.map { "\($0) DESC" }.joined(separator: ", ")
        let row = try ledger.reader().read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM \(table) ORDER BY \(last) LIMIT 1")
        }
        let match = key.map { name -> String in
            let value: DatabaseValue = row?[name] ?? .null
            guard case .blob(let bytes) = value.storage else { return "\(name) = \(value)" }
            return "\(name) = x'\([UInt8](bytes).hex)'"
        }.joined(separator: " AND ")
        try ledger.edit("UPDATE \(table) SET \(column) = \(value) WHERE \(match)")
        guard
            case .different(_, let difference) = try Projections.verify(
                ledgerDirectory: ledger.directory, log: ledger.log)
        else {
            Issue.record("the change of \(table) was not found")
            return
        }
        #expect(difference.table == table)
        #expect(difference.column == column)
        #expect(difference.key.map(\.column) == key)
        #expect(difference.found == value)
        #expect(difference.expected != nil && difference.expected != value)
        try ledger.edit("DELETE FROM \(table) WHERE \(match)")
        let missing = try ledger.verdict() ?? ""
        // Without its last batch the file does not fit at all.
        #expect(missing.contains(table == "batch" ? "further" : "table \(table) lacks the row"))
        // Nothing of it was put right.
        #expect(try ledger.verdict() == missing)
    }

    @Test func aRowTooManyIsFound() throws {
        let ledger = try ProjectedLedger(seed: 4)
        _ = try ledger.reader()
        try ledger.edit("INSERT INTO refusal VALUES (1, 'vote', NULL, 'roundClosed')")
        #expect(try ledger.verdict()?.contains("table refusal has a row of entry 1") == true)
    }

    @Test func anotherTableOrIndexIsFound() throws {
        let ledger = try ProjectedLedger(seed: 4, batches: 10)
        _ = try ledger.reader()
        try ledger.edit("DROP INDEX request_by_id")
        #expect(try ledger.verdict()?.contains("request_by_id") == true)
        try ledger.edit(
            Schema.indexes.split(separator: ";").first { $0.contains("request_by_id") }
                .map { $0 + ";" } ?? "")
        #expect(try ledger.verdict() == nil)
        try ledger.edit("CREATE TABLE mine (a)")
        #expect(try ledger.verdict()?.contains("mine") == true)
    }

    @Test func aFileBehindTheLogIsComparedAsFarAsItHasCome() throws {
        let ledger = try ProjectedLedger(seed: 4, batches: 20, writing: 10)
        let position = try ledger.reader().position
        try ledger.write(10)
        guard
            case .equal(position, let rows) = try Projections.verify(
                ledgerDirectory: ledger.directory, log: ledger.log)
        else {
            Issue.record("it is not equal")
            return
        }
        #expect(rows > 100)
        guard case .follows(position, let behind) = ledger.info().condition else {
            Issue.record("it does not follow")
            return
        }
        #expect(behind == ledger.log.size - position.entries)
    }

    @Test func withoutAFileThereIsNothingToCompare() throws {
        #expect(try ProjectedLedger(seed: 4, batches: 2).verdict() == "absent")
    }
}
