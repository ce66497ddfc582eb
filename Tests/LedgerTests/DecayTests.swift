// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport
import Testing

@Suite("decay")
struct DecayTests {
    private static let day: UInt64 = 86_400_000

    /// One day's loss of 0.1 %, rounded down in thousandths, by long multiplication.
    private func naive(_ start: UInt64, days: Int) -> UInt64 {
        (0..<days).reduce(start) { value, _ in
            max(100_000, value - value / 1000 - (value % 1000 == 0 ? 0 : 1))
        }
    }

    @Test(
        "decay applied again at each call, in floating point", arguments: [1, 2, 3, 4, 5, 6, 7, 8])
    func anyDivision(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let days = 90
        var setup = Setup.of(1, 1)
        // 2026-01-30: the days go over the end of two months.
        setup.start = Time(20_483 * Self.day + UInt64.random(in: 0..<Self.day, using: &generator))
        var scenario = try LedgerScenario(setup)
        let last = setup.start.day + UInt64(days)
        while scenario.state.time.day < last {
            let step = UInt64.random(in: 1...(9 * Self.day), using: &generator)
            let end = Time((last + 1) * Self.day - 1)
            try scenario.open(at: min(scenario.state.time.adding(milliseconds: step), end))
            try scenario.seal()
        }
        #expect(scenario.reputation(0) == naive(1_000_000, days: days), "seed \(seed)")
        let ticks = scenario.log.compactMap { event in
            if case .reputationDecayed(let event) = event { event.day } else { nil }
        }
        #expect(ticks == Array((setup.start.day + 1)...last))
    }

    @Test("one batch over many days is the same as one batch for each")
    func oneBatch() throws {
        var once = try LedgerScenario()
        try once.open(after: 365 * Self.day)
        var daily = try LedgerScenario()
        for _ in 0..<365 {
            try daily.open(after: Self.day)
            try daily.seal()
        }
        #expect(once.reputation(2) == daily.reputation(2))
        #expect(once.reputation(2) == naive(1_000_000, days: 365))
        #expect(once.state.decayDay == daily.state.decayDay)
    }

    @Test("a day begins at midnight UTC: the millisecond before has no tick")
    func midnight() throws {
        var scenario = try LedgerScenario()
        let midnight = Time((scenario.state.time.day + 1) * Self.day)
        #expect(try scenario.open(at: Time(midnight.rawValue - 1)).kinds == ["batchOpened"])
        try scenario.seal()
        #expect(try scenario.open(at: midnight).kinds == ["batchOpened", "reputationDecayed"])
        try scenario.seal()
        #expect(try scenario.open(after: 1).kinds == ["batchOpened"])
        #expect(scenario.reputation(0) == 999_000)
    }

    @Test("thousandths are rounded down, and the lower bound holds")
    func rounding() {
        let parameters = Parameters.standard
        for (value, expected) in [
            (1_000_000, 999_000), (999_000, 998_001), (998_001, 997_002), (100_000, 100_000),
            (100_100, 100_000), (100_101, 100_000), (100_200, 100_099),
            (10_000_000, 9_990_000),
        ] as [(UInt64, UInt64)] {
            #expect(parameters.decayed(Reputation(value)).rawValue == expected)
        }
        var generator = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            let value = UInt64.random(in: 100_000...10_000_000, using: &generator)
            #expect(parameters.decayed(Reputation(value)).rawValue == naive(value, days: 1))
        }
    }

    @Test("as many days as a batch may advance, and one more")
    func limitOfDays() throws {
        var scenario = try LedgerScenario()
        let most = scenario.state.time.adding(milliseconds: Limits.daysPerBatchMax * Self.day)
        let over = Time((most.day + 1) * Self.day)
        #expect(throws: Refusal.tooManyDays) { try scenario.open(at: over) }
        let events = try scenario.open(at: Time(over.rawValue - 1))
        #expect(events.count == Int(Limits.daysPerBatchMax) + 1)
        #expect((0..<4).allSatisfy { scenario.reputation($0) == 100_000 })
    }

    @Test("a validator that left stands still until it returns")
    func leaverStandsStill() throws {
        var scenario = try LedgerScenario(.of(5, 4))
        try scenario.open()
        let key = Fixture.key(4).publicKey
        try scenario.send(.governance(scenario.change(.validatorLeft(key: key))))
        try scenario.next(after: 3 * Self.day)
        #expect(scenario.reputation(4) == 1_000_000)
        #expect(scenario.reputation(3) == 997_002)
        try scenario.send(
            .governance(
                scenario.change(.validatorJoined(key: key, name: "party-4", stake: Stake(1)))))
        #expect(scenario.state.validatorIndex(of: key) == ValidatorIndex(4))
        try scenario.next(after: Self.day)
        #expect(scenario.reputation(4) == 999_000)
    }
}
