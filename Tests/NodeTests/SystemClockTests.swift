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

    private struct Told: NodeClock {
        let time: Time
        var problem: String?

        func now() -> Time { time }
        func uptime() -> UInt64 { 0 }
    }

    @Test("whoever dates something asks whether the clock can be right")
    func checked() throws {
        let max = Time(NodeLimits.timeMax)
        #expect(try Told(time: max).checked() == max)
        do throws(NodeError) {
            _ = try Told(time: Time(NodeLimits.timeMax + 1)).checked()
            Issue.record("an absurd time was taken")
        } catch { #expect("\(error)".contains("beyond the year 2261")) }
        do throws(NodeError) {
            _ = try Told(time: Time(1), problem: "it stands").checked()
            Issue.record("a clock with a problem was taken")
        } catch { #expect("\(error)" == "it stands") }
    }
}
