// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("what one batch may close")
struct ClosingTests {
    @Test("the rounds that one batch closes fit it, and the rest close in the next")
    func closesFitABatch() throws {
        var setup = Setup.of(1000, 668, signs: false)
        setup.quota = 1000
        var scenario = try LedgerScenario(setup)
        try scenario.open()
        for _ in 0..<150 { _ = try scenario.submit() }
        try scenario.seal()
        let cost = Limits.closeBytes(validators: 1000)
        let first = (Limits.closeBytesPerBatchMax + cost - 1) / cost
        #expect(first < 150)
        try scenario.open(after: 30_000)
        let start = scenario.log.count
        try scenario.seal()
        let closed = scenario.log[start...].count { $0.kind == "roundClosed" }
        #expect(closed == first)
        #expect(scenario.state.openRounds.count == 150 - first)
        let written = scenario.log[start...].reduce(0) { $0 + $1.encoded.count + 4 }
        #expect(written <= Limits.closeBytesPerBatchMax + cost)
        // The rest is due at once.
        #expect(scenario.state.nextDue.map { $0 <= scenario.state.time } == true)
        try scenario.open(after: 1)
        try scenario.seal()
        #expect(scenario.state.openRounds.isEmpty)
        #expect(Refold.firstDifference(in: scenario.log, checkingSignatures: false) == nil)
    }

    @Test("no command follows once the deadlines of its batch have closed something")
    func closing() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        let request = try scenario.submit()
        try scenario.seal()
        try scenario.open(after: 30_000)
        #expect(scenario.refusal(.request(scenario.request())) == nil)
        try scenario.take(.closeDue)
        #expect(scenario.decision(request)?.outcome == .timedOut)
        let late = Message.request(scenario.request())
        #expect(scenario.refusal(late) == .batchClosing)
        #expect(scenario.refusal(.recordRefusal(Checked(unchecked: late))) == .batchClosing)
        try scenario.take(.seal(size: scenario.state.size, root: scenario.frontier.root))
        try scenario.open()
        #expect(scenario.refusal(late) == nil)
    }

    @Test("T is at most what a BatchOpened can carry")
    func threshold() {
        let precommit = IndexedSignature(validator: ValidatorIndex(1), signature: .zero)
        #expect(precommit.encoded.count == IndexedSignature.byteCount)
        func opened(_ threshold: Int) -> Int {
            Event.batchOpened(
                BatchOpened(
                    height: Height(.max), time: Time(.max), proposer: ValidatorIndex(.max),
                    round: .max, previousRoot: .zero, precommitRound: .max,
                    precommits: Array(repeating: precommit, count: threshold), signature: .zero)
            ).encoded.count
        }
        #expect(opened(Int(Limits.thresholdMax)) <= Limits.entryBytesMax)
        #expect(opened(Int(Limits.thresholdMax) + 1) > Limits.entryBytesMax)
        var parameters = Parameters.standard
        parameters.threshold = Limits.thresholdMax
        #expect(parameters.fault == nil)
        parameters.threshold += 1
        #expect(parameters.fault == .thresholdTooLarge)
    }

    @Test("the bounds of a job: each on both sides")
    func jobBounds() {
        let edges: [(Bool, (inout Parameters) -> Void)] = [
            (true, { $0.jobFuelMax = 1 }), (false, { $0.jobFuelMax = 0 }),
            (true, { $0.jobMemoryBytesMax = 4 << 30 }), (false, { $0.jobMemoryBytesMax = 0 }),
            (false, { $0.jobMemoryBytesMax = (4 << 30) + 1 }),
            (true, { $0.jobInputBytesMax = 0 }), (false, { $0.jobInputBytesMax = 65 << 20 }),
            (false, { $0.jobModuleBytesMax = 0 }), (false, { $0.jobModuleBytesMax = 65 << 20 }),
            (false, { $0.jobMillisecondsMin = 0 }),
            (true, { $0.jobMillisecondsMin = $0.jobMilliseconds }),
            (false, { $0.jobMillisecondsMin = $0.jobMilliseconds + 1 }),
        ]
        for (place, (holds, change)) in edges.enumerated() {
            var parameters = Parameters.standard
            change(&parameters)
            #expect((parameters.fault == nil) == holds, "edge \(place)")
            if !holds { #expect(parameters.fault == .jobBoundsOutOfRange) }
        }
        var parameters = Parameters.standard
        parameters.threshold = 668
        #expect(parameters.fault(members: 1000) == nil)
        parameters.unclosedMax = 10_100
        #expect(parameters.fault(members: 1000) == .boundsOutOfRange)
        parameters.threshold = 7
        #expect(parameters.fault(members: 10) == nil)
    }

    @Test("a job's deadline so short that nobody can answer")
    func leastDeadline() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        for number in 0..<12 as Range<UInt64> {
            let job = scenario.job(number) { $0.milliseconds = 1 }
            #expect(scenario.refusal(.job(job)) == .jobDeadlineTooShort)
        }
        try scenario.send(.job(scenario.job(20) { $0.milliseconds = 5_000 }))
        var parameters = scenario.state.parameters
        parameters.jobMillisecondsMin = 10_000
        try scenario.send(.governance(scenario.change(.parametersChanged(parameters))))
        // What was asked for under other parameters leaves no less than these do.
        try scenario.next()
        let time = scenario.state.time
        #expect(scenario.state.nextDue == time.adding(milliseconds: 10_000))
    }
}
