// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import GRDB
import Ledger
import Projections
import Testing

/// Something that makes a file unfit, and a part of what is said of it.
struct Mutilation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let notice: String
    let apply: @Sendable (ProjectedLedger) throws -> Void

    init(
        _ name: String, _ notice: String,
        _ apply: @escaping @Sendable (ProjectedLedger) throws -> Void
    ) {
        testDescription = name
        self.notice = notice
        self.apply = apply
    }

    init(_ name: String, _ notice: String, sql: String) {
        self.init(name, notice) { try $0.edit(sql) }
    }

    static let all = [
        Mutilation("text in place of a database", "not a database") { ledger in
            try ledger.overwrite(Array(repeating: 0x41, count: 5000))
        },
        Mutilation("an empty file", "not a file of projections") { try $0.overwrite([]) },
        Mutilation("a file cut short", "damaged") { ledger in
            let bytes = try POSIXDisk().contents(of: ledger.link, max: 1 << 30)
            try ledger.overwrite(Array(bytes.prefix(bytes.count / 2)))
        },
        Mutilation("pages overwritten", "malformed") { ledger in
            var bytes = try POSIXDisk().contents(of: ledger.link, max: 1 << 30)
            // All but the first two pages, which hold the tables of tables.
            for place in 12_288..<bytes.count { bytes[place] = 0x5A }
            try ledger.overwrite(bytes)
        },
        Mutilation("a link to nothing", "is not there") { ledger in
            try POSIXDisk().remove(ledger.directory + "/projections-1.sqlite")
        },
        Mutilation("a database of somebody else", "not a file of projections") { ledger in
            try POSIXDisk().remove(ledger.link)
            let queue = try DatabaseQueue(path: ledger.link)
            try queue.write { try $0.execute(sql: "CREATE TABLE a (b)") }
            try queue.close()
        },
        Mutilation(
            "a newer format", "its format is 2", sql: "PRAGMA user_version = 2"),
        Mutilation(
            "another application", "not a file of projections", sql: "PRAGMA application_id = 7"),
        Mutilation(
            "other migrations", "other migrations",
            sql: "UPDATE position SET schema = zeroblob(32)"),
        Mutilation(
            "another ledger", "of another ledger",
            sql: "UPDATE position SET ledger = zeroblob(32)"),
        Mutilation(
            "ahead of the log", "the log holds",
            sql: """
                UPDATE position SET entries = entries + 1;
                UPDATE batch SET sealed = sealed + 1
                WHERE height = (SELECT max(height) FROM batch)
                """),
        Mutilation(
            "another root", "is not the log's", sql: "UPDATE position SET log_root = zeroblob(32)"),
        Mutilation(
            "no position", "how far", sql: "DELETE FROM position"),
        Mutilation(
            "a position that was never written", "how far",
            sql: "UPDATE position SET log_root = x'00'"),
        Mutilation("a table that is not there", "no such table", sql: "DROP TABLE batch"),
        Mutilation(
            "spent nullifiers set free", "written to its table nullifier",
            sql: "UPDATE nullifier SET spent = NULL"),
        Mutilation(
            "votes taken away", "written to its table vote", sql: "DELETE FROM vote"),
        Mutilation(
            "a row too many", "written to its table refusal",
            sql: "INSERT INTO refusal VALUES (1, 'vote', NULL, 'roundClosed')"),
        Mutilation(
            "what watches over a table taken away", "what watches over them",
            sql: "DROP TRIGGER seal_nullifier_update; UPDATE nullifier SET spent = NULL"),
        Mutilation("the seal taken away", "its seal is not there", sql: "DELETE FROM seal"),
    ]
}

@Suite struct FitTests {
    @Test(arguments: Mutilation.all)
    func aFileThatDoesNotFitIsBuiltAnewAloud(_ mutilation: Mutilation) throws {
        let ledger = try ProjectedLedger(seed: 5, batches: 20)
        let content = try ledger.content()
        try mutilation.apply(ledger)
        let reader = try ledger.reader()
        #expect(reader.notices.count == 1)
        #expect(reader.notices.first?.contains(mutilation.notice) == true, "\(reader.notices)")
        #expect(try tables(of: reader) == content)
        #expect(try ledger.reader().notices == [])
        #expect(try ledger.verdict() == nil)
        let current = try FileManager.default.destinationOfSymbolicLink(atPath: ledger.link)
        #expect(try ledger.files() == [current, "projections.sqlite"].sorted())
    }

    @Test("the cursor says \"scanned\" while the derived state is empty")
    func theCursorSaysScannedWhileTheDerivedStateIsEmpty() throws {
        let ledger = try ProjectedLedger(seed: 5, batches: 20)
        let content = try ledger.content()
        try ledger.edit(
            content.keys.filter { $0 != "position" }.sorted()
                .map { "DELETE FROM \($0);" }.joined())
        guard case .unfit = ledger.info().condition else {
            Issue.record("an empty file fits")
            return
        }
        let reader = try ledger.reader()
        #expect(reader.notices.count == 1)
        #expect(try tables(of: reader) == content)
    }

    @Test func aLogThatWasPutBackIsToldOf() throws {
        let long = try ProjectedLedger(seed: 5, batches: 20)
        _ = try long.content()
        let short = try ProjectedLedger(seed: 5, batches: 20, writing: 10)
        try FileManager.default.copyItem(
            atPath: long.directory + "/projections-1.sqlite",
            toPath: short.directory + "/projections.sqlite")
        let reader = try short.reader()
        #expect(reader.notices.first?.contains("entries are missing from it") == true)
        #expect(reader.position.entries == short.log.size)
    }

    @Test func aReaderOfAnOlderLogTakesTheFileOfANewerOne() throws {
        let ledger = try ProjectedLedger(seed: 5, batches: 20, writing: 10)
        let old = try EventLog.open(
            directory: ledger.directory, disk: POSIXDisk(), access: .readOnly)
        try ledger.write(10)
        let position = try ledger.reader().position
        let reader = try Projections.reader(ledgerDirectory: ledger.directory, log: old)
        #expect(reader.notices == [])
        #expect(reader.position == position)
    }

    @Test func withoutAFileOneIsBuiltInSilence() throws {
        let ledger = try ProjectedLedger(seed: 5, batches: 20)
        guard case .absent = ledger.info().condition else {
            Issue.record("there is a file already")
            return
        }
        let reader = try ledger.reader()
        #expect(reader.notices == [])
        #expect(reader.position.entries == ledger.log.size)
    }

    @Test func lookingChangesNothing() throws {
        let ledger = try ProjectedLedger(seed: 5, batches: 20)
        _ = try ledger.reader()
        try ledger.edit("DELETE FROM position")
        let before = try POSIXDisk().contents(of: ledger.link, max: 1 << 30)
        guard case .unfit = ledger.info().condition else {
            Issue.record("it fits")
            return
        }
        #expect(try POSIXDisk().contents(of: ledger.link, max: 1 << 30) == before)
        #expect(try ledger.files() == ["projections-1.sqlite", "projections.sqlite"])
    }

    @Test func whereNothingCanBeWrittenATemporaryFileServes() throws {
        let ledger = try ProjectedLedger(seed: 5, batches: 20)
        let content = try ledger.content()
        try POSIXDisk().remove(ledger.link)
        try POSIXDisk().createDirectory(ledger.link)
        var reader: ProjectionsReader? = try ledger.reader()
        #expect(reader?.notices.first?.contains("temporary") == true)
        #expect(try reader.map { try tables(of: $0) } == content)
        let path = reader?.path ?? ""
        #expect(FileManager.default.fileExists(atPath: path))
        reader = nil
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}
