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
        arguments: [(4, 3, 200), (7, 5, 50), (10, 7, 20)])
    func agreesAndDecides(size: Int, threshold: Int, seeds: UInt64) {
        for liars in 0...(size - threshold) {
            let plan = Plan(size: size, threshold: threshold, liars: liars)
            #expect(failures(plan, seeds: 0..<seeds) == [], "\(liars) liars of \(size)")
        }
    }

    @Test(
        "nodes that stop between any two words speak once in every slot, agree and decide",
        arguments: [(4, 3, 200), (7, 5, 50), (10, 7, 15)])
    func survivesRestarts(size: Int, threshold: Int, seeds: UInt64) {
        for crashPercent in [UInt64(2), 10] {
            let plan = Plan(
                size: size, threshold: threshold, liars: size - threshold,
                crashPercent: crashPercent)
            #expect(failures(plan, seeds: 0..<seeds) == [], "\(crashPercent) % of \(size)")
        }
    }

    @Test(
        "liars who show a decision to one node alone get no other decided by the rest",
        arguments: [(4, 3, 200), (7, 5, 40), (10, 7, 20)])
    func withstandsForks(size: Int, threshold: Int, seeds: UInt64) {
        let plan = Plan(
            size: size, threshold: threshold, liars: size - threshold, lossPercent: 5, forks: true)
        #expect(failures(plan, seeds: 0..<seeds) == [])
    }

    @Test("without the lock those liars succeed, and the run says so")
    func disagreesWithoutLocks() {
        let plan = Plan(lossPercent: 5, forks: true, keepsLocks: false)
        let found = failures(plan, seeds: 0..<20)
        #expect(found.count { $0.contains("decided differently") } >= 3, "\(found)")
    }

    @Test("with a threshold below the safe one nodes disagree, and the run says so")
    func disagreesBelowSafeThreshold() {
        let found = failures(Plan(threshold: 2), seeds: 0..<100)
        #expect(found.contains { $0.contains("decided differently") }, "\(found)")
    }
}
