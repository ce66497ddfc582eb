// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Projections
import Testing

/// Jobs that ended in every way, and the questions to them.
struct JobViewsTests {
    private static let success = JobStatus(.success)

    /// The results that the validators drawn report, in rank, and what the view must say of them.
    private static let cases:
        [(results: [(JobStatus, UInt8)], decision: String, words: [String?])] =
            [
                ([(success, 1), (success, 2), (success, 1)], "agreed", [nil, nil, nil]),
                (
                    [(JobStatus(.unknownImport), 0), (JobStatus(.unknownImport), 0)], "agreed",
                    ["unknownImport", "unknownImport", nil]
                ),
                (
                    [(JobStatus(.trap, code: 9), 0), (JobStatus(.trap, code: 6), 0), (success, 1)],
                    "disagreed", ["unreachable", "integerOverflow", nil]
                ),
                (
                    [(JobStatus(.noEngine), 0), (JobStatus(.timeGuard), 0)], "disagreed",
                    ["noEngine", "timeGuard", nil]
                ),
                ([(JobStatus(.trap, code: 33), 0)], "timedOut", [nil, nil, nil]),
            ]

    private struct Made {
        var entries: [UInt64] = []
        var drawn: [[UInt64]] = []
        var reader: ProjectionsReader
        let ledger: ProjectedLedger

        func rows(_ filter: JobFilter = JobFilter()) throws -> [JobView] {
            var rows: [JobView] = []
            try LedgerViews.read(reader.database) { views throws(ViewError) in
                try views.forEachJob(filter) { row throws(ViewError) in rows.append(row) }
            }
            return rows
        }
    }

    private func make() throws -> Made {
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        try scenario.open()
        var drawn: [[UInt64]] = []
        for (number, item) in Self.cases.enumerated() {
            let message = scenario.job(UInt64(number))
            try scenario.send(.job(message))
            let assigned = try scenario.next().compactMap { event in
                if case .jobAssigned(let event) = event { event } else { nil }
            }
            let validators = try #require(assigned.first).validators
            for (place, (validator, result)) in zip(validators, item.results).enumerated() {
                var report = scenario.result(
                    validator, message.id(in: scenario.ledger), result.0, output: result.1)
                report.fuel = UInt64(place + 5)
                try scenario.send(.result(report))
            }
            try scenario.next(after: 30_000)
            drawn.append(validators.map { UInt64($0.rawValue) })
        }
        // One whose validators are drawn, and one that is too new for that.
        try scenario.send(.job(scenario.job(100)))
        try scenario.next()
        try scenario.send(.job(scenario.job(101)))
        try scenario.seal()
        let ledger = try ProjectedLedger(events: scenario.log)
        let entries = scenario.log.enumerated().compactMap { entry, event in
            if case .jobSubmitted = event { UInt64(entry) } else { nil }
        }
        return Made(
            entries: entries, drawn: drawn, reader: try ledger.reader(), ledger: ledger)
    }

    @Test func `jobs tell how they ended, in words too`() throws {
        let made = try make()
        let rows = try made.rows()
        #expect(rows.map(\.entry) == made.entries)
        #expect(rows.count == Self.cases.count + 2)
        for (row, (item, drawn)) in zip(rows, zip(Self.cases, made.drawn)) {
            #expect(row.decision == item.decision)
            #expect(row.reports.map(\.validator) == drawn)
            #expect(row.reports.map(\.reason) == item.words)
            #expect(row.reports.count { $0.entry != nil } == item.results.count)
            #expect(row.time > 0)
        }
        let agreed = rows[0]
        #expect((agreed.status, agreed.statusCode, agreed.reason) == ("success", 0, nil))
        // The third report decides it, the second the next.
        #expect(agreed.fuelUsed == 7)
        #expect(rows[1].fuelUsed == 6)
        #expect(agreed.reports.map(\.fuel) == [5, 6, 7])
        #expect(agreed.output == Digest(hashing: [1]).hex)
        #expect(agreed.reports[1].output == Digest(hashing: [2]).hex)
        #expect(rows[1].status == "invalidModule" && rows[1].reason == "unknownImport")
        #expect(rows[1].statusCode == 4)
        #expect(rows[2].status == nil && rows[2].reason == nil && rows[2].fuelUsed == nil)
        #expect(rows[4].reports[0].statusCode == 33, "a code without a name stays")
        let drawn = rows[Self.cases.count]
        #expect(drawn.decision == "open" && drawn.reports.count == 3 && drawn.assigned != nil)
        let last = try #require(rows.last)
        #expect(last.decision == "open" && last.reports.isEmpty && last.assigned == nil)
    }

    @Test func `jobs are chosen by decision, range and number, the newest last`() throws {
        let made = try make()
        let all = try made.rows()
        for decision in JobFilter.decisions {
            let some = try made.rows(JobFilter(decision: decision))
            #expect(some == all.filter { $0.decision == decision })
            #expect(!some.isEmpty, "\(decision)")
            let last = try made.rows(JobFilter(decision: decision, limit: 1))
            #expect(last == Array(some.suffix(1)))
            let count = try LedgerViews.read(made.reader.database) { views throws(ViewError) in
                try views.jobCount(JobFilter(decision: decision, limit: 1))
            }
            #expect(count == UInt64(some.count))
        }
        let middle = EntryRange(from: all[1].entry, to: all[4].entry)
        #expect(try made.rows(JobFilter(range: middle)) == Array(all[1...4]))
        #expect(try made.rows(JobFilter(range: middle, limit: 2)) == Array(all[3...4]))
        #expect(try made.rows(JobFilter(limit: 0)).isEmpty)
        #expect(try made.rows(JobFilter(limit: 1 << 40)) == all)
        for row in all {
            let found = try LedgerViews.read(made.reader.database) { views throws(ViewError) in
                try views.job(at: row.entry)
            }
            #expect(found == row)
        }
        let none = try LedgerViews.read(made.reader.database) { views throws(ViewError) in
            try views.job(at: 0)
        }
        #expect(none == nil)
    }
}
