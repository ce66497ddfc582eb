// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import GRDB
import Ledger
import Projections
import TestSupport
import Testing

@Suite struct FoldTests {
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func rebuiltEqualsProjectedLive(seed: UInt64) throws {
        let live = try ProjectedLedger(seed: seed, writing: 1)
        let writer = live.writer()
        for _ in live.batches.dropFirst() {
            try live.write(1)
            #expect(try writer.catchUp().entries == live.log.size)
        }
        #expect(try writer.catchUp().logRoot == live.log.root)
        try writer.close()
        #expect(writer.notices == [])
        let content = try live.content()
        _ = try Projections.rebuild(ledgerDirectory: live.directory, log: live.log)
        #expect(try live.content() == content)
        #expect(try live.files() == ["projections-2.sqlite", "projections.sqlite"])
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func anyWayOfDividingTheLogGivesTheSame(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let divided = try ProjectedLedger(seed: 7, writing: 1)
        var writer = divided.writer()
        while divided.written < divided.batches.count {
            let left = divided.batches.count - divided.written
            try divided.write(min(left, Int.random(in: 1...9, using: &random)))
            if Bool.random(using: &random) {
                // Another process would take up the fold from the tables alone.
                try writer.close()
                writer = divided.writer()
            }
            _ = try writer.catchUp()
        }
        try writer.close()
        let whole = try ProjectedLedger(seed: 7)
        #expect(try divided.content() == whole.content(), "seed \(seed)")
    }

    @Test func aLongWayIsTakenInSeveralTransactions() throws {
        let ledger = try ProjectedLedger(seed: 12, batches: 1_200, writing: 1)
        #expect(ledger.batches.joined().count > 2 * Int(ProjectionsWriter.entriesPerTransaction))
        let writer = ledger.writer()
        _ = try writer.catchUp()
        try ledger.write(ledger.batches.count - 1)
        #expect(try writer.catchUp().entries == ledger.log.size)
        try writer.close()
        #expect(try ledger.verdict() == nil)
    }

    @Test func everyTableAndColumnIsFilledInSomeScenario() throws {
        var empty: Set<String>?
        for seed in 1...6 as ClosedRange<UInt64> {
            let ledger = try ProjectedLedger(seed: seed)
            let found = try ledger.reader().read { db in
                var found: Set<String> = []
                for table in try tableNames(db) {
                    for column in try db.columns(in: table) {
                        let sql = "SELECT count(\(column.name)) FROM \(table)"
                        if try Int.fetchOne(db, sql: sql) == 0 {
                            found.insert("\(table).\(column.name)")
                        }
                    }
                }
                return found
            }
            empty = empty?.intersection(found) ?? found
        }
        // That is filled by nobody but who should not write.
        #expect(empty == ["seal.changed"])
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func theTablesSayWhatTheStateSays(seed: UInt64) throws {
        let scenario = try GoldenRun.play(seed: seed, signs: false)
        let state = scenario.state
        let ledger = try ProjectedLedger(events: scenario.log)
        let reader = try ledger.reader()
        #expect(reader.position.stateRoot == scenario.seals.last?.stateRoot)
        #expect(reader.position.height == state.height)
        try reader.read { db in
            for row in try Row.fetchAll(db, sql: "SELECT * FROM validator ORDER BY number") {
                let validator = state.validators[row["number"]]
                #expect(row["key"] == Data(validator.key.bytes))
                #expect(row["stake"] == Int64(validator.stake.rawValue))
                #expect(row["reputation"] == Int64(validator.reputation.rawValue))
                #expect(row["is_member"] == validator.isMember)
            }
            #expect(
                try Int.fetchOne(db, sql: "SELECT count(*) FROM validator")
                    == state.validators.count)
            var decided = 0
            for row in try Row.fetchAll(db, sql: "SELECT * FROM request") {
                let entry = EntryIndex(UInt64(row["entry"] as Int64))
                #expect(row["id"] == state.requestID(at: entry).map { Data($0.digest.bytes) })
                let decision = state.decided(at: entry)?.decision
                #expect(row["outcome"] == decision?.outcome.jsonName)
                #expect(row["reason"] == decision?.reason.jsonName)
                #expect(row["margin"] == decision.map { Int64($0.margin) })
                #expect(row["deciding"] == decision.map { Int64($0.deciding.rawValue) })
                #expect(
                    (row["closed"] as Int64?) != nil
                        || state.openRounds.contains(entry))
                if decision != nil { decided += 1 }
            }
            #expect(decided > 10)
            let chain = try Row.fetchAll(
                db, sql: "SELECT * FROM reputation_change ORDER BY validator, entry")
            for (before, after) in zip(chain, chain.dropFirst())
            where before["validator"] == after["validator"] as Int64 {
                #expect(before["after"] == after["before"] as Int64)
            }
        }
    }

    @Test func numbersBeyondSQLiteAreTheirDigits() throws {
        var setup = Setup.of(4, 3, signs: false)
        setup.parameters.jobFuelMax = .max
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        let message = scenario.request(amount: .max) { $0.timestamp = Time(.max) }
        try scenario.send(.request(message))
        try scenario.send(.job(scenario.job { $0.fuel = 1 << 63 }))
        try scenario.seal()
        let ledger = try ProjectedLedger(events: scenario.log)
        try ledger.reader().read { db in
            let row = try Row.fetchOne(db, sql: "SELECT amount, timestamp FROM request")
            #expect(row?["amount"] == "18446744073709551615")
            #expect(row?["timestamp"] == "18446744073709551615")
            #expect(try String.fetchOne(db, sql: "SELECT fuel FROM job") == "9223372036854775808")
        }
        #expect(try ledger.verdict() == nil)
    }

    @Test func anEntryThatCannotBeProjectedIsNamedAndNothingOfItsBatchIsKept() throws {
        var events = try GoldenRun.play(seed: 3, batches: 5, signs: false).log
        let good = events.count
        guard case .batchSealed(var seal) = events[good - 1] else { return }
        seal.height = Height(seal.height.rawValue + 1)
        let opened = BatchOpened(
            height: seal.height, time: Time(1 << 50), proposer: ValidatorIndex(0), round: 0,
            previousRoot: .zero, precommitRound: 0, precommits: [], signature: .zero)
        let stray = RoundClosed(about: EntryIndex(1), cause: .deadline)
        events += [.batchOpened(opened), .roundClosed(stray), .batchSealed(seal)]
        let ledger = try ProjectedLedger(events: events, writing: 6)
        let writer = ledger.writer()
        #expect(try writer.catchUp().entries == UInt64(good))
        try ledger.write(1)
        #expect { try writer.catchUp() } throws: { error in
            guard case ProjectionsError.entry(UInt64(good + 1), _) = error else { return false }
            return true
        }
        try writer.close()
        guard case .follows(let position, let behind) = ledger.info().condition else {
            Issue.record("the file does not fit any more")
            return
        }
        #expect(position.entries == UInt64(good))
        #expect(behind == 3)
    }

    @Test func whatIsNotSealedIsNotProjected() throws {
        let ledger = try ProjectedLedger(seed: 2, writing: 4)
        let sealed = ledger.log.size
        for event in ledger.batches[4].dropLast() { _ = try ledger.log.stage(event.encoded) }
        try ledger.log.commit()
        #expect(try ledger.reader().position.entries == sealed)
    }

    @Test func aLedgerThatSealsNothingHasNoProjections() throws {
        let ledger = try ProjectedLedger(seed: 2, writing: 0)
        #expect { try ledger.reader() } throws: { error in
            guard case ProjectionsError.empty = error else { return false }
            return true
        }
    }
}
