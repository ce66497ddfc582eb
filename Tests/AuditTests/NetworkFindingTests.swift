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
        _ scenario: LedgerScenario, _ options: AuditOptions = .derivationOnly
    ) throws -> [NetworkFinding] {
        let report = try TemporaryFolder().audit(scenario.entries, options)
        #expect(report.isRight, "\(report.findings)")
        #expect(report.isSpotless == report.network.isEmpty)
        return report.network
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `an honest ledger has none`() throws {
        var scenario = try LedgerScenario(.paraloom("native"))
        try scenario.batch(seconds: 1) { scenario in
            let id = try scenario.submit(try Paraloom.request("native"))
            try scenario.approve(0..<10, id)
        }
        try scenario.batch(seconds: 3601)
        #expect(try found(scenario, AuditOptions()) == [])
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `convictions, lies and gaps are told with who, how often and where`() throws {
        let scenario = try LedgerScenario.everything()
        let all = try found(scenario, AuditOptions())
        let events = scenario.log
        let convicted = try #require(all.first)
        #expect(convicted.kind == .convicted && convicted.name == Fixture.name(9))
        #expect(convicted.detail == "vote" && convicted.count == 1)
        #expect(events[Int(convicted.first)].kind == "evidenceSubmitted")
        #expect(convicted.key == scenario.keys[9].publicKey.hex)
        let lies = all.filter { $0.kind == .falseVote }.map { "\($0.name) \($0.detail)" }
        #expect(lies == ["party-8 approve", "party-9 approve", "party-9 reject"])
        let gap = try #require(all.first { $0.kind == .timeGap })
        #expect(gap.longest == 86_397_000 && gap.count == 1 && gap.role == .network)
        #expect(events[Int(gap.first)].kind == "batchOpened")
        #expect(gap.description.hasPrefix("no batch for 23 hours and 59 minutes"))
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `parts of a ledger have together what the whole has`() throws {
        let entries = try LedgerScenario.everything().entries
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let whole = try Auditor.run(directory: directory)
        let parts = try RangeAuditor.run(
            directory: directory, AuditRangeRequest(from: 0), chunk: 1)
        #expect(parts.network == whole.network)
        #expect(parts.participation == whole.participation)
        #expect(whole.participation.map(\.name) == (0..<10).map { Fixture.name($0) })
    }

    @Test(.enabled(if: Paraloom.isThere, skip))
    func `who gives no answer three times is silent`() throws {
        func silent(_ requests: UInt64) throws -> [NetworkFinding] {
            var scenario = try LedgerScenario(.paraloom("native"))
            try scenario.batch(seconds: 1) { scenario in
                for place in 0..<requests {
                    let request = try Paraloom.request("native", timestamp: place)
                    try scenario.approve(0..<6, try scenario.submit(request))
                }
            }
            try scenario.batch(seconds: 40)
            return try found(scenario)
        }
        #expect(try silent(2) == [])
        let four = try silent(3)
        #expect(four.map(\.name) == (6..<10).map { Fixture.name($0) })
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
    private func leader(_ scenario: LedgerScenario) -> ValidatorIndex {
        scenario.state.proposerRanking(height: Height(scenario.state.height.rawValue + 1))[0]
    }

    @Test func `who never proposes when it leads is told`() throws {
        let silent = ValidatorIndex(2)
        /// As many batches as it takes until one validator has led so often and proposed nothing.
        func found(after turns: Int) throws -> AuditReport {
            var scenario = try LedgerScenario(.of(10, 7))
            var (led, seconds) = (0, UInt64(0))
            while led < turns {
                seconds += 1
                let isLed = leader(scenario) == silent
                try scenario.batch(seconds: seconds, round: isLed ? 1 : 0)
                if isLed { led += 1 }
            }
            let report = try TemporaryFolder().audit(scenario.entries, .derivationOnly)
            #expect(report.isRight, "\(report.findings)")
            return report
        }
        #expect(try found(after: 2).network == [])
        let report = try found(after: 3)
        #expect(!report.isSpotless && !report.isGood(isStrict: true))
        #expect(report.isGood(isStrict: false))
        let finding = try #require(report.network.first)
        #expect(report.network.count == 1)
        #expect(finding.kind == .passedOver && finding.name == Fixture.name(2))
        #expect(finding.detail == "3 of 3" && finding.count == 3 && finding.first < finding.last)
        #expect(finding.description.contains("3 of 3 rounds that it led ended"))
        let own = try #require(report.participation.first { $0.name == Fixture.name(2) })
        #expect(own.proposed == 0 && own.passedOver == 3 && own.missed == 0)
        let others = report.participation.filter { $0.name != Fixture.name(2) }
        #expect(others.count == 9 && others.allSatisfy { $0.passedOver == 0 })
        let batches = report.participation.reduce(0) { $0 + $1.proposed }
        #expect(batches == report.height)
    }

    @Test func `rounds beyond the last in rank begin again with the first`() throws {
        var scenario = try LedgerScenario(.of(10, 7))
        let ranking = scenario.state.proposerRanking(height: Height(1))
        try scenario.batch(seconds: 1, round: 23)
        let report = try TemporaryFolder().audit(scenario.entries, .derivationOnly)
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
            var scenario = try LedgerScenario(.of(10, 7))
            try scenario.batch(seconds: 1) { scenario in
                for number in 1...count {
                    try scenario.record(announcement(2, number, program: "", scenario))
                }
            }
            return try found(scenario)
        }
        #expect(try refused(9) == [])
        let limit = try refused(10)
        #expect(limit.map(\.kind) == [.refusedToLimit])
        #expect(limit.first?.name == Fixture.name(2) && limit.first?.role == .validator)
    }

    @Test func `a version that changed and a journal begun anew are told`() throws {
        var scenario = try LedgerScenario(.of(10, 7))
        for (number, program) in ["1.0", "1.0", "1.1"].enumerated() {
            try scenario.batch(seconds: 1 + 60 * UInt64(number)) { scenario in
                try scenario.send(
                    announcement(
                        0, UInt64(number + 1), program: program, isNew: number == 1, scenario))
            }
        }
        let all = try found(scenario)
        #expect(all.map(\.kind) == [.versionChanged, .journalBegunAnew])
        #expect(all.first?.detail == "1.0 to 1.1" && all.first?.name == Fixture.name(0))
    }

    @Test func `more than an hour between two batches is told`() throws {
        var scenario = try LedgerScenario(.of(10, 7))
        // The first batch may come long after the ledger was made.
        try scenario.batch(seconds: 10_000)
        try scenario.batch(seconds: 13_600)
        #expect(try found(scenario) == [])
        try scenario.batch(seconds: 17_201)
        try scenario.batch(seconds: 30_000)
        let gaps = try found(scenario)
        #expect(gaps.map(\.kind) == [.timeGap])
        #expect(gaps.first?.count == 2 && gaps.first?.longest == 12_799_000)
    }

    private func announcement(
        _ validator: Int, _ number: UInt64, program: String, isNew: Bool = false,
        _ scenario: LedgerScenario
    ) -> Message {
        .announcement(
            scenario.announcement(validator, number) { said in
                said = Announcement(
                    number: number, program: program, engine: "", engineVersion: "",
                    isJournalNew: isNew)
            })
    }
}
