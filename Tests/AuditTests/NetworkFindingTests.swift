// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

private let skip: Comment = "no file at \(Vectors.folder.path)/\(Paraloom.folder)"

/// What an audit says of a network whose ledger is right.
@Suite struct NetworkFindingTests {
    private func found(
        _ builder: LedgerBuilder, _ options: AuditOptions = .derivationOnly
    ) throws -> [NetworkFinding] {
        let report = try Folder().audit(builder.entries, options)
        #expect(report.isRight, "\(report.findings)")
        #expect(report.isSpotless == report.network.isEmpty)
        return report.network
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `an honest ledger has none`() throws {
        var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
        try builder.batch(seconds: 1) { builder in
            let id = try builder.submit(try Paraloom.request("native", by: builder))
            try builder.vote(id, approve: 0..<10)
        }
        try builder.batch(seconds: 3601)
        #expect(try found(builder, AuditOptions()) == [])
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `convictions, lies and gaps are told with who, how often and where`() throws {
        let builder = try Scenario.everything().builder
        let all = try found(builder, AuditOptions())
        let events = try builder.events
        let convicted = try #require(all.first)
        #expect(convicted.kind == .convicted && convicted.name == "validator-10")
        #expect(convicted.detail == "vote" && convicted.count == 1)
        #expect(events[Int(convicted.first)].kind == "evidenceSubmitted")
        #expect(convicted.key == builder.validators[9].publicKey.hex)
        let lies = all.filter { $0.kind == .falseVote }.map { "\($0.name) \($0.detail)" }
        #expect(lies == ["validator-9 approve", "validator-10 approve", "validator-10 reject"])
        let gap = try #require(all.first { $0.kind == .timeGap })
        #expect(gap.longest == 86_397_000 && gap.count == 1 && gap.role == .network)
        #expect(events[Int(gap.first)].kind == "batchOpened")
        #expect(gap.description.hasPrefix("no batch for 23 hours and 59 minutes"))
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `parts of a ledger have together what the whole has`() throws {
        let entries = try Scenario.everything().builder.entries
        let folder = try Folder()
        let directory = try folder.write(entries)
        let whole = try Auditor.run(directory: directory)
        let parts = try RangeAuditor.run(
            directory: directory, AuditRangeRequest(from: 0), chunk: 1)
        #expect(parts.network == whole.network)
        #expect(parts.participation == whole.participation)
        #expect(whole.participation.map(\.name) == (1...10).map { "validator-\($0)" })
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `who gives no answer three times is silent`() throws {
        func silent(_ requests: UInt64) throws -> [NetworkFinding] {
            var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
            try builder.batch(seconds: 1) { builder in
                for place in 0..<requests {
                    let request = try Paraloom.request("native", timestamp: place, by: builder)
                    try builder.vote(try builder.submit(request), approve: 0..<6)
                }
            }
            try builder.batch(seconds: 40)
            return try found(builder)
        }
        #expect(try silent(2) == [])
        let four = try silent(3)
        #expect(four.map(\.name) == (7...10).map { "validator-\($0)" })
        #expect(four.allSatisfy { $0.kind == .silent && $0.detail == "3 of 3" && $0.count == 3 })
        #expect(four.allSatisfy { $0.first < $0.last })
    }

    @Test func `one in a hundred makes no answer a silence`() {
        var item = Participation(validator: 0, name: "a", key: "")
        item.missed = 3
        item.answered = 297
        #expect(item.isSilent)
        item.answered = 298
        #expect(!item.isSilent)
    }

    /// Who leads the next batch.
    private func leader(_ builder: LedgerBuilder) -> ValidatorIndex {
        builder.state.proposerRanking(height: Height(builder.state.height.rawValue + 1))[0]
    }

    @Test func `who never proposes when it leads is told`() throws {
        let silent = ValidatorIndex(2)
        /// As many batches as it takes until one validator has led so often and proposed nothing.
        func found(after turns: Int) throws -> AuditReport {
            var builder = try LedgerBuilder()
            var (led, seconds) = (0, UInt64(0))
            while led < turns {
                seconds += 1
                let isLed = leader(builder) == silent
                try builder.batch(seconds: seconds, round: isLed ? 1 : 0)
                if isLed { led += 1 }
            }
            let report = try Folder().audit(builder.entries, .derivationOnly)
            #expect(report.isRight, "\(report.findings)")
            return report
        }
        #expect(try found(after: 2).network == [])
        let report = try found(after: 3)
        #expect(!report.isSpotless && !report.isGood(isStrict: true))
        #expect(report.isGood(isStrict: false))
        let finding = try #require(report.network.first)
        #expect(report.network.count == 1)
        #expect(finding.kind == .passedOver && finding.name == "validator-3")
        #expect(finding.detail == "3 of 3" && finding.count == 3 && finding.first < finding.last)
        #expect(finding.description.contains("3 of 3 rounds that it led ended"))
        let own = try #require(report.participation.first { $0.name == "validator-3" })
        #expect(own.proposed == 0 && own.passedOver == 3 && own.missed == 0)
        let others = report.participation.filter { $0.name != "validator-3" }
        #expect(others.count == 9 && others.allSatisfy { $0.passedOver == 0 })
        let batches = report.participation.reduce(0) { $0 + $1.proposed }
        #expect(batches == report.height)
    }

    @Test func `rounds beyond the last in rank begin again with the first`() throws {
        var builder = try LedgerBuilder()
        let ranking = builder.state.proposerRanking(height: Height(1))
        try builder.batch(seconds: 1, round: 23)
        let report = try Folder().audit(builder.entries, .derivationOnly)
        for (rank, validator) in ranking.enumerated() {
            let own = report.participation[Int(validator.rawValue)]
            #expect(own.passedOver == (rank < 3 ? 3 : 2), "\(own)")
            #expect(own.proposed == (rank == 3 ? 1 : 0), "\(own)")
        }
        #expect(report.network.map(\.kind) == [.passedOver, .passedOver, .passedOver])
        #expect(Set(report.network.map(\.name)).count == 3)
    }

    @Test func `one in ten makes a leader passed over`() {
        var item = Participation(validator: 0, name: "a", key: "")
        (item.passedOver, item.proposed) = (3, 27)
        #expect(item.isPassedOver)
        item.proposed = 28
        #expect(!item.isPassedOver)
        (item.passedOver, item.proposed) = (2, 0)
        #expect(!item.isPassedOver)
    }

    @Test func `refusals up to the limit of a minute are told`() throws {
        func refused(_ count: UInt64) throws -> [NetworkFinding] {
            var builder = try LedgerBuilder()
            try builder.batch(seconds: 1) { builder in
                for number in 1...count {
                    let message = try announcement(2, number, program: "", builder)
                    try builder.run(.recordRefusal(Checked(unchecked: message)))
                }
            }
            return try found(builder)
        }
        #expect(try refused(9) == [])
        let limit = try refused(10)
        #expect(limit.map(\.kind) == [.refusedToLimit])
        #expect(limit.first?.name == "validator-3" && limit.first?.role == .validator)
    }

    @Test func `a version that changed and a journal begun anew are told`() throws {
        var builder = try LedgerBuilder()
        for (number, program) in ["1.0", "1.0", "1.1"].enumerated() {
            try builder.batch(seconds: 1 + 60 * UInt64(number)) { builder in
                try builder.take(
                    try announcement(
                        0, UInt64(number + 1), program: program, isNew: number == 1, builder))
            }
        }
        let all = try found(builder)
        #expect(all.map(\.kind) == [.versionChanged, .journalBegunAnew])
        #expect(all.first?.detail == "1.0 to 1.1" && all.first?.name == "validator-1")
    }

    @Test func `more than an hour between two batches is told`() throws {
        var builder = try LedgerBuilder()
        // The first batch may come long after the ledger was made.
        try builder.batch(seconds: 10_000)
        try builder.batch(seconds: 13_600)
        #expect(try found(builder) == [])
        try builder.batch(seconds: 17_201)
        try builder.batch(seconds: 30_000)
        let gaps = try found(builder)
        #expect(gaps.map(\.kind) == [.timeGap])
        #expect(gaps.first?.count == 2 && gaps.first?.longest == 12_799_000)
    }

    private func announcement(
        _ validator: Int, _ number: UInt64, program: String, isNew: Bool = false,
        _ builder: LedgerBuilder
    ) throws -> Message {
        let key = builder.validators[validator]
        let message = AnnouncementMessage(
            validator: key.publicKey,
            announcement: Announcement(
                number: number, program: program, engine: "", engineVersion: "",
                isJournalNew: isNew),
            signature: .zero)
        return .announcement(message.signed(by: key, in: builder.state.ledger))
    }
}
