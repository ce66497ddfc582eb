// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Node
import TestSupport
import Testing

@Suite struct CoordinatorTests {
    @Test func sampleRequestsEndAsExpected() async throws {
        let folder = try TemporaryFolder()
        let home = try Samples.home(folder)
        let lines = try Samples.lines()
        let (summary, recorder) = try await run(home, lines, clock: VirtualClock(Samples.start))
        print(summary)
        for event in recorder.events {
            if case .refused = event { print(event) }
            if case .warning = event { print(event) }
        }
        #expect(summary.requests == lines.count)
        #expect(summary.openRounds == 0)
        #expect(summary.settled == summary.approved)
        var ends: [Int: (String, String)] = [:]
        for event in recorder.events {
            switch event {
            case .decided(let line?, let result): ends[line] = (result.outcome, result.reason)
            case .refused(let line, _, let reason, _): ends[line] = ("refused", reason)
            case .answered(let line, _, let result?): ends[line] = (result.outcome, result.reason)
            default: break
            }
        }
        for (index, line) in lines.enumerated() {
            let expected = try Samples.expectation(line)
            let end = try #require(ends[index + 1], "line \(index + 1) has no end")
            switch expected.outcome {
            case "notApproved": #expect(end.0 != "approved", "line \(index + 1)")
            default:
                #expect(end.0 == expected.outcome, "line \(index + 1): \(end)")
                if let reason = expected.reason { #expect(end.1 == reason, "line \(index + 1)") }
            }
        }
    }
}
