// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

@Suite struct PropertyTests {
    /// Runs and says which command shows a violation again.
    private func check(_ options: SimulationOptions) -> Account {
        let account = Simulator(options).run()
        let found = account.verdicts.flatMap(\.violations)
        #expect(found.isEmpty, "\(found.joined(separator: "\n")); again: \(account.command)")
        #expect(account.isWhole, "again: \(account.command)")
        return account
    }

    @Test(arguments: FaultProfile.allCases)
    func everythingHoldsWhateverGoesWrong(_ faults: FaultProfile) {
        var options = SimulationOptions(seed: 21)
        options.nodes = 4
        options.byzantine = 1
        options.milliseconds = 5_000
        options.faults = faults
        let account = check(options)
        #expect(account.decisions > 0)
    }

    /// A bit flips in two of seven: they keep cases that say so, wait for a person, and come back.
    @Test func nodesWhoseMemoryFailsSayWhyAndComeBack() {
        var cases = 0
        for seed in UInt64(1)...6 {
            var options = SimulationOptions(seed: seed)
            options.nodes = 7
            options.byzantine = 0
            options.milliseconds = 6_000
            options.faults = .memory
            let simulator = Simulator(options)
            let account = simulator.run()
            let found = account.verdicts.flatMap(\.violations)
            #expect(found.isEmpty, "\(found.joined(separator: "\n")); again: \(account.command)")
            #expect(account.isWhole, "again: \(account.command)")
            cases += simulator.cases
        }
        #expect(cases >= 6)
    }

    @Test func tenNodesOfWhichThreeLieKeepOneLedger() {
        var options = SimulationOptions(seed: 22)
        options.milliseconds = 3_000
        options.requestsPerMinute = 40
        #expect(check(options).decisions > 0)
    }

    /// Requests that come together are voted on in lists; three of ten play with theirs. In the
    /// calm run a vote that a list covers and that is proposed as one that stands alone would be
    /// decided, did the nodes not look at its signature.
    @Test(arguments: [(UInt64(1), FaultProfile.lossy), (2, .all), (3, .calm)])
    func listsOfVotesHoldWhoeverPlaysWithThem(seed: UInt64, faults: FaultProfile) {
        var options = SimulationOptions(seed: seed)
        options.milliseconds = faults == .calm ? 10_000 : 6_000
        options.hasGovernance = faults != .calm
        options.hasJobs = faults != .calm
        options.requestsPerMinute = 600
        options.requestsAtOnce = 12
        options.strategies = ["list-games"]
        options.faults = faults
        let account = check(options)
        #expect(account.decisions > 12)
        #expect(account.traffic.contains { $0.kind == "votes" && $0.messages > 20 })
    }

    @Test func aDecisionTakesFourDelaysAndAVerification() {
        var options = SimulationOptions(seed: 23)
        options.nodes = 4
        options.byzantine = 0
        options.faults = .calm
        options.delayMilliseconds = 100
        options.milliseconds = 6_000
        options.requestsPerMinute = 20
        options.hasGovernance = false
        options.hasJobs = false
        let account = check(options)
        #expect(account.latencyMedian >= 400)
        #expect(account.latencyMedian < 1_000)
    }
}
