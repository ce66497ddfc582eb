// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Node
import Testing

/// What observers are answered with.
@Suite("The budget of observers")
struct ObserverBudgetTests {
    private static func key(_ number: Int) -> PublicKey {
        PublicKey(Bytes32((0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }) ?? .zero)
    }

    /// Bytes that are given to those who ask each second for so much, over so many seconds.
    private static func given(observers: Int, answer: Int, seconds: Int) -> [Int] {
        var budget = ObserverBudget()
        var given = [Int](repeating: 0, count: observers)
        for uptime in stride(from: 0, to: UInt64(seconds) * 1_000, by: 10) {
            for number in 0..<observers where budget.takes(from: key(number), at: uptime) {
                budget.pay(answer, from: key(number))
                given[number] += answer
            }
        }
        return given
    }

    @Test("one gets what one may, and all together what all may")
    func bounds() {
        let seconds = 20
        let one = Self.given(observers: 1, answer: 1 << 20, seconds: seconds)[0]
        #expect(one <= NodeLimits.observerBytesPerSecond * (seconds + 1) + (1 << 20))
        #expect(one >= NodeLimits.observerBytesPerSecond * (seconds - 1) * 3 / 4)
        let many = Self.given(observers: 50, answer: 1 << 20, seconds: seconds).reduce(0, +)
        #expect(many <= NodeLimits.observersBytesPerSecond * (seconds + 1) + (1 << 20))
        #expect(many >= NodeLimits.observersBytesPerSecond * (seconds - 1) * 3 / 4)
    }

    @Test("a large answer is paid back before the next")
    func debt() {
        var budget = ObserverBudget()
        let taken = [UInt64(0), 900, 2_000].map { uptime in
            let isTaken = budget.takes(from: Self.key(1), at: uptime)
            if isTaken { budget.pay(2 * NodeLimits.observerBytesPerSecond, from: Self.key(1)) }
            return isTaken
        }
        #expect(taken == [true, false, true])
    }

    @Test("fresh keys without number are not remembered, and those who come back are")
    func strangers() {
        var budget = ObserverBudget()
        var taken = 0
        for number in 0..<10 * NodeLimits.observersMax
        where budget.takes(from: Self.key(number), at: 1) {
            taken += 1
        }
        #expect(taken <= NodeLimits.observersBytesPerSecond / NodeLimits.observerQuestionBytes)
        #expect(budget.count <= NodeLimits.observersMax)
        let comesBack = budget.takes(from: Self.key(-1), at: 60_000)
        #expect(comesBack)
    }
}
