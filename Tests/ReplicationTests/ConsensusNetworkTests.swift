// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Replication
import TestSupport
import Testing

/// Agreement whatever happens, and decisions once the network heals.
@Suite("Consensus, on a network")
struct ConsensusNetworkTests {
    private typealias Plan = ConsensusNetwork.Plan

    /// Runs the seeds and returns those that went wrong, with what did.
    private func failures(_ plan: Plan, seeds: Range<UInt64>) -> [String] {
        seeds.compactMap { seed in
            var network = ConsensusNetwork(plan, seed: seed)
            network.run()
            return network.failure.map { "seed \(seed): \($0)" }
        }
    }

    @Test(
        "with up to f liars nodes agree, and decide once the network heals",
        arguments: [(4, 3, 300), (7, 5, 100), (10, 7, 50)])
    func agreesAndDecides(size: Int, threshold: Int, seeds: UInt64) {
        for liars in 0...(size - threshold) {
            let plan = Plan(size: size, threshold: threshold, liars: liars)
            #expect(failures(plan, seeds: 0..<seeds) == [], "\(liars) liars of \(size)")
        }
    }

    @Test(
        "nodes that stop between any two words speak once in every slot, agree and decide",
        arguments: [(4, 3, 300), (7, 5, 100), (10, 7, 30)])
    func survivesRestarts(size: Int, threshold: Int, seeds: UInt64) {
        for crashPercent in [UInt64(2), 10] {
            let plan = Plan(
                size: size, threshold: threshold, liars: size - threshold,
                crashPercent: crashPercent)
            #expect(failures(plan, seeds: 0..<seeds) == [], "\(crashPercent) % of \(size)")
        }
    }

    @Test("without the lock the same network disagrees")
    func disagreesWithoutLocks() {
        let plan = Plan(keepsLocks: false)
        let found = failures(plan, seeds: 0..<300)
        print(found.count, found.prefix(3))
        #expect(found.contains { $0.contains("decided differently") })
    }

    @Test("with a threshold below the safe one the same network disagrees")
    func disagreesBelowSafeThreshold() {
        let plan = Plan(size: 4, threshold: 2, liars: 1)
        let found = failures(plan, seeds: 0..<300)
        print(found.count, found.prefix(3))
        #expect(found.contains { $0.contains("decided differently") })
    }
}
