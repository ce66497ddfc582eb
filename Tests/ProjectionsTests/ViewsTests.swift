// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import GRDB
import Ledger
import Projections
import TestSupport
import Testing

/// A ledger in which everything happens, folded once, with the questions to it.
final class Viewed: @unchecked Sendable {
    /// So many that a failed settlement and a vote proved wrong are among what happens.
    static let batches = 300
    let events: [Event]
    let reader: ProjectionsReader
    private let ledger: ProjectedLedger

    private init() throws {
        ledger = try ProjectedLedger(seed: 11, batches: Self.batches)
        events = ledger.batches.flatMap(\.self)
        reader = try ledger.reader()
    }

    private static let made = Result { try Viewed() }

    static func shared() throws -> Viewed { try made.get() }

    func ask<Value>(_ body: (LedgerViews) throws -> Value) throws -> Value {
        try reader.database.read { db in try body(LedgerViews(db)) }
    }

    /// The numbers that a statement gives, a row each.
    func numbers(_ sql: String) throws -> [[Int64]] {
        try reader.database.read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                row.databaseValues.map { Int64.fromDatabaseValue($0) ?? -1 }
            }
        }
    }
}

/// Rankings, candidates and what was led.
struct ViewsLeaderTests {
    @Test func `the ranking of every batch names its proposer`() throws {
        let viewed = try Viewed.shared()
        var checked = 0
        for event in viewed.events {
            guard case .batchOpened(let opened) = event else { continue }
            let row = try viewed.ask { views throws in
                try views.ranking(ofBatch: opened.height.rawValue)
            }
            let ranked = try #require(row?.ranked)
            #expect(
                ranked[Int(opened.round) % ranked.count].validator
                    == UInt64(opened.proposer.rawValue), "batch \(opened.height.rawValue)")
            #expect(row?.led?.leader == UInt64(opened.proposer.rawValue))
            checked += 1
        }
        #expect(checked == Viewed.batches)
    }

    @Test func `the ranking of every request names its leader`() throws {
        let viewed = try Viewed.shared()
        var checked = 0
        for event in viewed.events {
            guard case .roundOpened(let opened) = event else { continue }
            let row = try viewed.ask { views throws in
                try views.ranking(ofRequest: opened.request.rawValue)
            }
            #expect(row?.ranked.first?.validator == UInt64(opened.leader.rawValue))
            checked += 1
        }
        #expect(checked > 30)
    }

    @Test func `a decision is found with its votes and all who could vote`() throws {
        let viewed = try Viewed.shared()
        var votes: [UInt64: [UInt64]] = [:]
        var closed: [UInt64: UInt64] = [:]
        var decided: [UInt64: (entry: UInt64, batch: UInt64)] = [:]
        var openings: [UInt64] = []
        for (entry, event) in viewed.events.enumerated() {
            let entry = UInt64(entry)
            switch event {
            case .batchOpened: openings.append(entry)
            case .voteCast, .votesCast:
                for cast in event.casts {
                    votes[cast.request.rawValue, default: []].append(entry)
                }
            case .roundClosed(let close): closed[close.about.rawValue] = entry
            case .outcomeDecided(let decision):
                let batch = openings.last { $0 <= decision.deciding.rawValue } ?? 0
                decided[decision.request.rawValue] = (entry, batch)
            default: break
            }
        }
        var digests: Set<Digest> = []
        var open = 0
        for event in viewed.events {
            guard case .roundOpened(let opened) = event else { continue }
            let request = opened.request.rawValue
            let found = try #require(
                try viewed.ask { views throws in try views.decision(ofRequest: request) })
            #expect(Self.digest(found.pinned) == opened.pinnedSet, "entry \(request)")
            #expect(found.votes == votes[request] ?? [] && found.closed == closed[request])
            #expect(found.decided == decided[request]?.entry)
            #expect(found.batch == decided[request]?.batch)
            #expect(found.deadline == opened.deadline)
            digests.insert(opened.pinnedSet)
            if found.decided == nil { open += 1 }
        }
        #expect(digests.count > 20 && open > 0)
        #expect(try viewed.ask { views throws in try views.decision(ofRequest: 0) } == nil)
    }

    private static func digest(_ pinned: [DecisionView.Member]) -> Digest {
        var writer = BorshWriter(domain: "recount/pinned/v1")
        writer.write(UInt32(pinned.count))
        for member in pinned {
            writer.write(member.number)
            writer.write(member.key)
            writer.write(member.stake)
            writer.write(member.reputation)
        }
        return Digest(hashing: writer.bytes)
    }

    @Test(arguments: LeadingKind.allCases)
    func `candidates on the way are those of each ranking`(_ kind: LeadingKind) throws {
        let viewed = try Viewed.shared()
        var led: [Leadership] = []
        var all: [[WeighedCandidate]] = []
        var wrong = 0
        try viewed.ask { views throws in
            try views.forEachLeadership(kind) { leadership, candidates, isSame in
                wrong += isSame && candidates != all.last ? 1 : 0
                led.append(leadership)
                all.append(candidates)
            }
        }
        #expect(led.count > 30)
        #expect(wrong == 0)
        for (leadership, candidates) in zip(led, all) {
            let row = try viewed.ask { views throws in
                try kind == .requests
                    ? views.ranking(ofRequest: leadership.number)
                    : views.ranking(ofBatch: leadership.number)
            }
            let ranked = try #require(row?.ranked)
            #expect(ranked.sorted { $0.validator < $1.validator } == candidates)
            #expect(row?.led == leadership)
        }
        #expect(Set(all.map { $0.map(\.weight) }).count > 5, "weights should change on the way")
        let newest = try viewed.ask { views throws in
            try views.leaderships(kind, newest: 5)
        }
        #expect(newest == Array(led.suffix(5)))
    }

    @Test func `the next batch is ranked, and others are not`() throws {
        let viewed = try Viewed.shared()
        try viewed.ask { views throws in
            let last = try views.lastHeight() ?? 0
            #expect(last == UInt64(Viewed.batches))
            #expect(try views.ranking(ofBatch: last + 1)?.led == nil)
            #expect(try views.ranking(ofBatch: last + 1)?.ranked.isEmpty == false)
            #expect(try views.ranking(ofBatch: last + 2)?.number == nil)
            #expect(try views.ranking(ofBatch: 0)?.number == nil)
            #expect(try views.ranking(ofRequest: 1)?.number == nil)
        }
    }
}

/// What validators did.
struct ViewsValidatorTests {
    /// Who was asked in each closed round, and whether each voted, by the view of the tables.
    private func answers(_ viewed: Viewed, _ condition: String) throws -> [Int64: Int64] {
        var result: [Int64: Int64] = [:]
        for row in try viewed.numbers(
            """
            SELECT validator, count(*) FROM answer JOIN request ON request.entry = answer.request
            WHERE \(condition) GROUP BY validator
            """)
        {
            result[row[0]] = row[1]
        }
        return result
    }

    @Test func `counts are those of the answers, round by round`() throws {
        let viewed = try Viewed.shared()
        let last = viewed.events.count
        for range in [EntryRange(), EntryRange(from: UInt64(last / 3), to: UInt64(last / 2))] {
            let rows = try viewed.ask { views throws in try views.validators(range) }
            let bounds = "request.entry BETWEEN \(range.from) AND \(min(range.to, 1 << 40))"
            let asked = try answers(viewed, bounds)
            let parts: [(KeyPath<ValidatorView, UInt64>, [Int64: Int64])] = [
                (\.asked, asked),
                (\.approved, try answers(viewed, "answer = 'approve' AND \(bounds)")),
                (\.rejected, try answers(viewed, "answer = 'reject' AND \(bounds)")),
                (\.abstained, try answers(viewed, "answer = 'abstain' AND \(bounds)")),
                (\.missed, try answers(viewed, "answer = 'missed' AND \(bounds)")),
                (\.cutShort, try answers(viewed, "answer = 'cutShort' AND \(bounds)")),
            ]
            #expect(!rows.isEmpty && !asked.isEmpty)
            for (part, expected) in parts {
                for row in rows {
                    #expect(
                        Int64(row[keyPath: part]) == expected[Int64(row.validator)] ?? 0,
                        "\(part) of \(row.validator)")
                }
            }
        }
    }

    @Test func `somebody contradicted, was convicted, missed, and was cut short`() throws {
        let viewed = try Viewed.shared()
        let rows = try viewed.ask { views throws in try views.validators() }
        for part: KeyPath<ValidatorView, UInt64> in [
            \.contradicted, \.convicted, \.missed, \.cutShort, \.leads, \.abstained,
        ] {
            #expect(rows.contains { $0[keyPath: part] > 0 }, "\(part)")
        }
        var wrong: [UInt64: UInt64] = [:]
        var requests: Set<UInt64> = []
        var convicted: [UInt64: UInt64] = [:]
        for event in viewed.events {
            switch event {
            case .roundOpened(let event): requests.insert(event.request.rawValue)
            case .reputationChanged(let event)
            where event.cause == .incorrect && requests.contains(event.about.rawValue):
                wrong[UInt64(event.validator.rawValue), default: 0] += 1
            case .evidenceSubmitted(let event):
                convicted[UInt64(event.validator.rawValue), default: 0] += 1
            default: continue
            }
        }
        for row in rows {
            #expect(row.contradicted == wrong[row.validator] ?? 0)
            #expect(row.convicted == convicted[row.validator] ?? 0)
        }
    }

    @Test func `rounds say what each validator answered`() throws {
        let viewed = try Viewed.shared()
        let rounds = try viewed.ask { views throws in try views.rounds(newest: .max) }
        let opened = viewed.events.compactMap { event -> UInt64? in
            if case .roundOpened(let opened) = event { opened.request.rawValue } else { nil }
        }
        #expect(rounds.map(\.request) == opened)
        var expected: [String: String] = [:]
        try viewed.reader.database.read { db in
            for row in try Row.fetchAll(db, sql: "SELECT * FROM answer") {
                expected["\(row["request"] as Int64) \(row["validator"] as Int64)"] = row["answer"]
            }
        }
        var seen = 0
        for round in rounds where !round.isOpen {
            for answer in round.answers {
                let due = expected["\(round.request) \(answer.validator)"]
                #expect(answer.answer == due)
                seen += 1
            }
        }
        #expect(seen == expected.count)
        let totals = try viewed.ask { views throws in try views.validators() }
        #expect(
            rounds.flatMap(\.answers).filter(\.isContradicted).count
                == totals.reduce(0) { $0 + Int($1.contradicted) })
        #expect(rounds.flatMap(\.answers).contains { $0.isConvicted })
        let newest = try viewed.ask { views throws in
            try views.rounds(EntryRange(to: opened[9]), newest: 3)
        }
        #expect(newest == Array(rounds[7...9]))
    }

    @Test func `a history tells memberships, stakes and convictions`() throws {
        let viewed = try Viewed.shared()
        try viewed.ask { views throws in
            let rows = try views.validators()
            for row in rows {
                let history = try views.history(ofValidator: row.validator)
                #expect(history?.summary == row)
                #expect(history?.memberships.isEmpty == false)
                #expect(history?.stakes.last?.stake == row.stake)
                #expect(UInt64(history?.convictions.count ?? 0) == row.convicted)
                let changes = try views.reputation(of: row.validator, newest: .max)
                #expect(changes.last?.after == row.reputation)
                #expect(changes.first?.cause == "joined")
                #expect(changes.allSatisfy { $0.time > 0 })
                #expect(
                    history?.causes.reduce(0) { $0 + $1.count } == UInt64(changes.count))
            }
            #expect(try views.history(ofValidator: UInt64(rows.count)) == nil)
        }
    }
}

/// Requests, nullifiers, jobs and batches.
struct ViewsRequestTests {
    private func requests(_ viewed: Viewed, _ filter: RequestFilter) throws -> [RequestView] {
        try viewed.ask { views throws in
            var rows: [RequestView] = []
            try views.forEachRequest(filter) { row in rows.append(row) }
            return rows
        }
    }

    @Test func `requests are listed with what became of them`() throws {
        let viewed = try Viewed.shared()
        let rows = try requests(viewed, RequestFilter())
        var decided: [UInt64: OutcomeDecided] = [:]
        var votes: [UInt64: [VoteCast]] = [:]
        for event in viewed.events {
            if case .outcomeDecided(let event) = event { decided[event.request.rawValue] = event }
            if case .voteCast(let event) = event {
                votes[event.request.rawValue, default: []].append(event)
            }
        }
        for row in rows {
            let decision = decided[row.entry]
            #expect(row.outcome == decision?.outcome.jsonName ?? "open")
            let cast = votes[row.entry] ?? []
            let approvals = decision.map { Int($0.approvals) }
            #expect(Int(row.approvals) == approvals ?? cast.count { $0.vote == .approve })
            #expect(row.margin == (decision?.margin).map(Int64.init))
            guard case .requestSubmitted(let event) = viewed.events[Int(row.entry)] else {
                Issue.record("entry \(row.entry) is no request")
                continue
            }
            #expect(row.amount == event.amount.rawValue)
        }
        #expect(Set(rows.map(\.outcome)).isSuperset(of: ["approved", "rejected", "timedOut"]))
        #expect(rows.contains { $0.settlement == "failed" })
    }

    @Test func `filters choose by outcome, range and number, the newest last`() throws {
        let viewed = try Viewed.shared()
        let all = try requests(viewed, RequestFilter())
        for outcome in RequestFilter.outcomes {
            let some = try requests(viewed, RequestFilter(outcome: outcome))
            #expect(some == all.filter { $0.outcome == outcome })
            let last = try requests(viewed, RequestFilter(outcome: outcome, limit: 2))
            #expect(last == Array(some.suffix(2)))
        }
        let middle = EntryRange(from: all[5].entry, to: all[12].entry)
        #expect(try requests(viewed, RequestFilter(range: middle)) == Array(all[5...12]))
        #expect(try requests(viewed, RequestFilter(range: middle, limit: 3)) == Array(all[10...12]))
        #expect(try requests(viewed, RequestFilter(limit: 0)).isEmpty)
        #expect(try requests(viewed, RequestFilter(limit: 1 << 40)) == all)
        let count = try viewed.ask { views throws in
            try views.requestCount(RequestFilter(range: middle))
        }
        #expect(count == 8)
    }

    @Test func `names are entries, numbers or unique first digits`() throws {
        let viewed = try Viewed.shared()
        let all = try requests(viewed, RequestFilter())
        try viewed.ask { views throws in
            for row in all {
                #expect(try views.request(called: "\(row.entry)") == row.entry)
                #expect(try views.request(called: row.requestID) == row.entry)
                #expect(try views.request(called: row.requestID.uppercased()) == row.entry)
                #expect(try views.request(called: String(row.requestID.prefix(15))) == row.entry)
            }
            #expect(throws: ViewError.notFound) {
                try views.request(called: String(repeating: "0", count: 64))
            }
            #expect(throws: ViewError.notAName) { try views.request(called: "no-name") }
            #expect(throws: ViewError.notAName) { try views.request(called: "") }
            #expect(throws: ViewError.notAName) {
                try views.request(called: String(repeating: "a", count: 65))
            }
            for row in try views.parties() {
                #expect(try views.validator(called: "\(row.validator)") == row.validator)
                #expect(try views.validator(called: row.key) == row.validator)
            }
        }
        // Some digit begins more than one of so many identities.
        let digits = Dictionary(grouping: all) { $0.requestID.prefix(1) }
        let (digit, several) = try #require(
            digits.filter { $0.key.allSatisfy(\.isLetter) && $0.value.count > 1 }.min {
                $0.key < $1.key
            })
        do {
            _ = try viewed.ask { views throws in
                try views.request(called: String(digit))
            }
            Issue.record("an ambiguous name was taken")
        } catch let error as ViewError {
            guard case .ambiguous(let things) = error else {
                Issue.record("\(error)")
                return
            }
            let names = several.map(\.requestID).sorted().prefix(6)
            #expect(things.map(\.name) == Array(names))
        }
    }

    @Test func `nullifiers have the condition that the tables say`() throws {
        let viewed = try Viewed.shared()
        let found = try viewed.reader.database.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM nullifier_condition").map { row in
                (row["nullifier"] as String, row["request"] as Int64, row["condition"] as String)
            }
        }
        var conditions: Set<String> = []
        try viewed.ask { views throws in
            for (nullifier, request, condition) in found {
                let bytes = try views.nullifier(called: nullifier)
                let view = try views.nullifier(bytes)
                let claim = view?.claims.first { $0.request == UInt64(request) }
                #expect(claim?.condition == condition)
                if view?.claims.contains(where: { $0.condition == "spent" }) == true {
                    #expect(view?.condition == "spent")
                }
                conditions.insert(view?.condition ?? "")
            }
            #expect(try views.nullifier([UInt8](repeating: 9, count: 32)) == nil)
        }
        #expect(conditions.isSuperset(of: ["spent", "free", "released"]), "\(conditions)")
    }

    @Test func `jobs tell who reported what`() throws {
        let viewed = try Viewed.shared()
        var jobs = 0
        var reported = 0
        for (entry, event) in viewed.events.enumerated() {
            guard case .jobSubmitted(let event) = event else { continue }
            let row = try viewed.ask { views throws in
                try views.job(at: try views.job(called: "\(entry)"))
            }
            #expect(row?.fuel == event.fuel)
            reported += row?.reports.count { $0.entry != nil } ?? 0
            jobs += 1
        }
        let results = viewed.events.count {
            if case .resultReported = $0 { true } else { false }
        }
        #expect(jobs > 3 && reported == results)
        #expect(
            try viewed.ask { views throws in try views.jobCount() } == UInt64(jobs))
    }

    @Test func `a batch counts what its entries hold`() throws {
        let viewed = try Viewed.shared()
        var entry: UInt64 = 0
        var events: [Event] = []
        var height: UInt64 = 0
        for event in viewed.events {
            events.append(event)
            guard case .batchSealed(let sealed) = event else { continue }
            let row = try #require(
                try viewed.ask { views throws in try views.batch(height) })
            func count(_ kinds: String...) -> UInt64 {
                UInt64(events.count { kinds.contains($0.kind) })
            }
            #expect(row.entry == entry && row.entries == UInt64(events.count))
            #expect(row.root == sealed.root.hex && row.stateRoot == sealed.stateRoot.hex)
            #expect(row.votes == UInt64(events.reduce(0) { $0 + $1.casts.count }))
            #expect(row.jobs == count("jobSubmitted"))
            #expect(row.evidence == count("evidenceSubmitted"))
            #expect(row.refusals == count("messageRefused"))
            #expect(row.governance == count("governanceApproved"))
            #expect(row.settlementsOrdered == count("settlementOrdered"))
            #expect(row.settlementsReported == count("settlementReported"))
            #expect(
                UInt64(row.requests.count { $0.isSubmitted }) == count("requestSubmitted"))
            #expect(
                UInt64(row.requests.count { $0.outcome != nil }) == count("outcomeDecided"))
            entry += UInt64(events.count)
            events = []
            height += 1
        }
        #expect(try viewed.ask { views throws in try views.batch(height) } == nil)
    }
}

/// Times and what was when.
struct ViewsTimeTests {
    @Test func `the first entry of a time is that of its batch`() throws {
        let viewed = try Viewed.shared()
        try viewed.ask { views throws in
            #expect(try views.firstEntry(at: 0) == 0)
            for (entry, event) in viewed.events.enumerated() {
                guard case .batchOpened(let opened) = event else { continue }
                #expect(try views.firstEntry(at: opened.time.rawValue) == UInt64(entry))
                #expect(try views.time(of: UInt64(entry)) == opened.time.rawValue)
                #expect(try views.time(of: UInt64(entry) - 1) < opened.time.rawValue)
            }
            #expect(try views.firstEntry(at: .max / 2) == nil)
        }
    }

    @Test(arguments: SampleAxis.allCases)
    func `samples are the last change up to their moment`(_ axis: SampleAxis) throws {
        let viewed = try Viewed.shared()
        try viewed.ask { views throws in
            let validators = try views.parties().map(\.validator)
            let series = try views.reputationSeries(validators, axis, count: 37)
            #expect(series.map(\.validator) == validators)
            for line in series {
                let changes = try views.reputation(of: line.validator, newest: .max)
                #expect(line.points.count == 37)
                for point in line.points {
                    let due = changes.last { $0.entry <= point.entry }?.after
                    #expect(point.reputation == due)
                }
                #expect(line.points.last?.reputation == changes.last?.after)
                #expect(line.points.map(\.time) == line.points.map(\.time).sorted())
            }
        }
    }
}
