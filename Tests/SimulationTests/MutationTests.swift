// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

/// Checkers that never fail prove nothing: each weakening of the algorithm is found here.
@Suite struct MutationTests {
    private static let seeds: ClosedRange<UInt64> = 1...40

    /// Runs seeds until one breaks agreement, and returns what is said of it.
    private func findFork(_ change: (inout SimulationOptions) -> Void) -> String? {
        for seed in Self.seeds {
            let account = Simulator(Self.options(seed, change)).run()
            let found = account.verdicts.first { $0.property == Property.agreement.rawValue }
            if let text = found?.violations.first { return text }
        }
        return nil
    }

    private static func options(
        _ seed: UInt64, _ change: (inout SimulationOptions) -> Void
    ) -> SimulationOptions {
        var options = SimulationOptions(seed: seed)
        options.milliseconds = 8_000
        options.faults = .partitions
        options.hasGovernance = false
        options.hasJobs = false
        change(&options)
        return options
    }

    @Test func aQuorumOfSixOfTenForksTheLedger() {
        let found = findFork {
            $0.nodes = 10
            $0.byzantine = 3
            $0.quorum = 6
            $0.strategies = ["equivocating-proposer", "conspiracy"]
        }
        #expect(found != nil)
    }

    @Test func withoutItsLocksTheAlgorithmForksTheLedger() {
        let found = findFork {
            $0.nodes = 4
            $0.byzantine = 1
            $0.keepsLocks = false
            $0.strategies = ["partial-decisions"]
        }
        #expect(found != nil)
    }

    @Test(arguments: [UInt64(5), 12, 30])
    func withItsLocksTheSameLiesDoNothing(_ seed: UInt64) {
        let options = Self.options(seed) {
            $0.nodes = 4
            $0.byzantine = 1
            $0.strategies = ["partial-decisions"]
        }
        let account = Simulator(options).run()
        let found = account.verdicts.flatMap(\.violations)
        #expect(found.isEmpty, "\(found); again: \(account.command)")
    }
}
