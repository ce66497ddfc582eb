// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Node
import Testing

@Suite("The clock of the machine")
struct SystemClockTests {
    @Test("absurd readings are an error in words, never a trap")
    func absurdReadings() throws {
        let first = SystemClock.earliest.rawValue
        let last = SystemClock.latest.rawValue
        for (seconds, nanoseconds, isGood) in [
            (first / 1000, 0, true), (first / 1000 - 1, 999_999_999, false),
            (last / 1000, 0, true), (last / 1000 + 1, 0, false),
            (0, 0, false),
        ] as [(UInt64, Int64, Bool)] {
            let reading = SystemClock.time(seconds: Int64(seconds), nanoseconds: nanoseconds)
            #expect((reading != nil) == isGood, "\(seconds)")
        }
        for seconds in [Int64.min, -1, 9_300_000_000, .max] {
            #expect(SystemClock.time(seconds: seconds, nanoseconds: 0) == nil)
        }
    }
}
