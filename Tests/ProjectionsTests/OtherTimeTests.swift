// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Ledger
import Projections
import Testing

/// What the projections of a whole ledger say of an earlier time is what those said that held no
/// more at that time.
struct OtherTimeTests {
    private struct Told: Equatable {
        var validators: [ValidatorView] = []
        var requests: [String: [RequestView]] = [:]
        var reputations: [UInt64?] = []
    }

    /// Reads while both the folder and the connection are there.
    private static func read<Value>(
        _ ledger: ProjectedLedger, _ body: (Database) throws -> Value
    ) throws -> Value {
        let reader = try ledger.reader()
        return try withExtendedLifetime((ledger, reader)) { try reader.database.read(body) }
    }

    private static func tell(
        _ ledger: ProjectedLedger, at height: UInt64?
    ) throws -> Told {
        try read(ledger) { db in
            let views = LedgerViews(db)
            let moment = try height.map { try #require(try views.sealed($0)) }
            var told = Told()
            told.validators = try views.validators(at: moment)
            for outcome in RequestFilter.outcomes {
                var rows: [RequestView] = []
                try views.forEachRequest(
                    RequestFilter(outcome: outcome, limit: 1_000, at: moment)
                ) { rows.append($0) }
                told.requests[outcome] = rows
            }
            told.reputations = try views.reputationSeries(
                told.validators.map(\.validator), .entry, count: 2, to: height
            ).map { $0.points.last?.reputation }
            return told
        }
    }

    @Test func `everything is as it was`() throws {
        let ledger = try ProjectedLedger(seed: 11, batches: 300, writing: 1)
        var before: [(height: UInt64, told: Told)] = []
        while ledger.written < ledger.batches.count {
            before.append((UInt64(ledger.written - 1), try Self.tell(ledger, at: nil)))
            try ledger.write(min(12, ledger.batches.count - ledger.written))
        }
        var open = 0
        for (height, told) in before {
            let now = try Self.tell(ledger, at: height)
            #expect(now.validators == told.validators, "validators at \(height)")
            for outcome in RequestFilter.outcomes {
                #expect(
                    now.requests[outcome] == told.requests[outcome], "\(outcome) at \(height)")
            }
            #expect(now.reputations == told.reputations, "reputations at \(height)")
            open += told.requests["open"]?.count ?? 0
        }
        // Something was under way then, and is decided now.
        #expect(open > 10)
        #expect(before.count > 20)
    }

    @Test func `disagreements, evidence and announcements page by page are all there are`() throws {
        let ledger = try ProjectedLedger(seed: 11, batches: 300)
        try Self.read(ledger) { db in
            let views = LedgerViews(db)
            func pages<Row>(
                _ ask: (EntryRange) throws -> [Row], _ entry: (Row) -> UInt64
            ) throws -> [UInt64] {
                var entries: [UInt64] = []
                var range = EntryRange()
                while true {
                    let page = try ask(range)
                    entries = page.map(entry) + entries
                    guard page.count == 3, let first = page.first, entry(first) > 0 else {
                        return entries
                    }
                    range.to = entry(first) - 1
                }
            }
            func all(_ sql: String) throws -> [UInt64] {
                try Int64.fetchAll(db, sql: sql).map { UInt64($0) }
            }
            let disputes = try pages({ try views.disputes($0, newest: 3) }, \.entry)
            #expect(
                disputes == (try all("SELECT DISTINCT entry FROM disagreement ORDER BY entry")))
            let evidence = try pages({ try views.evidence($0, newest: 3) }, \.entry)
            #expect(evidence == (try all("SELECT entry FROM evidence ORDER BY entry")))
            let said = try pages({ try views.announcements($0, newest: 3) }, \.entry)
            #expect(said == (try all("SELECT entry FROM announcement ORDER BY entry")))
            #expect(!disputes.isEmpty && !evidence.isEmpty && !said.isEmpty)
            let totals = try views.totals()
            #expect(totals.disagreements == UInt64(disputes.count))
            #expect(totals.convictions == UInt64(evidence.count))
            let requests = try all("SELECT count(*) FROM request")[0]
            #expect(
                totals.open + totals.approved + totals.rejected + totals.timedOut == requests)
        }
    }

    @Test func `what is looked for is found by number, name and first digits`() throws {
        let ledger = try ProjectedLedger(seed: 11, batches: 60)
        try Self.read(ledger) { db in
            let views = LedgerViews(db)
            let row = try #require(
                try Row.fetchOne(db, sql: "SELECT entry, lower(hex(id)) AS id FROM request"))
            let id: String = row["id"]
            let entry: Int64 = row["entry"]
            let found = try views.search(String(id.prefix(16)))
            #expect(found.map(\.kind) == ["request"])
            #expect(found.map(\.number) == [UInt64(entry)] && found.map(\.name) == [id])
            let numbered = try views.search("1")
            #expect(numbered.contains { $0.kind == "batch" && $0.number == 1 })
            #expect(numbered.contains { $0.kind == "entry" && $0.number == 1 })
            let name = try #require(try views.validatorNames()[0])
            #expect(try views.search(name).contains { $0.kind == "validator" && $0.number == 0 })
            #expect(try views.search("%").isEmpty)
            #expect(try views.search("99999999999999999999").isEmpty)
            #expect(try views.search("18446744073709551615").isEmpty)
            let digits = try views.search("a").filter { $0.kind == "request" }
            #expect(digits.count <= 6)
        }
    }
}
