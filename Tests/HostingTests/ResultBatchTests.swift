// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Hosting
import Ledger
import Replication
import Testing

/// When the results of a job enter a batch: at once where they decide it, else with others.
@Suite("Results in batches")
struct ResultBatchTests {
    /// Three phases of agreement, each a message of 10 ms, the way of the result, and what is left.
    private static let batchMilliseconds: UInt64 = 60

    /// Four nodes, and a job of theirs with those who are to run it.
    private func begin() throws -> (Cluster, LedgerScenario, JobID, [ValidatorIndex]) {
        let setup = Setup.of(4, 3)
        let cluster = try Cluster(setup)
        let scenario = try LedgerScenario(setup)
        try cluster.run(200)
        let job = scenario.job()
        cluster.submit(.job(job), to: [0, 1, 2, 3])
        try cluster.run(500)
        let state = try #require(cluster.hosts[0]?.state)
        let id = job.id(in: state.ledger)
        let open = try #require(state.entry(of: id).flatMap { state.job(at: $0) })
        return (cluster, scenario, id, try #require(open.assigned).validators)
    }

    /// The results of a batch at the first node, and whether it decided the job, by when it came.
    private func batches(
        _ cluster: Cluster
    ) -> [(at: UInt64, results: Int, isDecided: Bool)] {
        cluster.commits.filter { $0.host == 0 }.compactMap { commit in
            let results = commit.events.count {
                if case .resultReported = $0 { true } else { false }
            }
            let decided = commit.events.contains {
                if case .jobDecided = $0 { true } else { false }
            }
            return results > 0 ? (commit.at, results, decided) : nil
        }
    }

    @Test("One alone waits for others, and no longer than a report")
    func alone() throws {
        let (cluster, scenario, id, drawn) = try begin()
        let start = cluster.now
        cluster.submit(.result(scenario.result(drawn[0], id)), to: [0, 1, 2, 3])
        try cluster.run(ReplicationLimits.reportMilliseconds)
        #expect(batches(cluster).isEmpty)
        try cluster.run(Self.batchMilliseconds)
        let only = try #require(batches(cluster).first)
        #expect(only.results == 1 && !only.isDecided)
        #expect(only.at >= start + ReplicationLimits.reportMilliseconds)
    }

    @Test("Two that agree are in a batch at once, and the last waits for the next")
    func agreed() throws {
        let (cluster, scenario, id, drawn) = try begin()
        let start = cluster.now
        for validator in drawn.prefix(2) {
            cluster.submit(.result(scenario.result(validator, id)), to: [0, 1, 2, 3])
            try cluster.run(20)
        }
        try cluster.run(20)
        cluster.submit(.result(scenario.result(drawn[2], id)), to: [0, 1, 2, 3])
        try cluster.run(300)
        let all = batches(cluster)
        #expect(all.map(\.results) == [2, 1])
        #expect(all.map(\.isDecided) == [true, false])
        #expect(all.first?.at ?? .max <= start + 20 + Self.batchMilliseconds)
        #expect(all.last?.at ?? 0 >= start + 60 + ReplicationLimits.reportMilliseconds)
    }

    @Test("Two that differ wait for the third, which decides whatever it says")
    func differing() throws {
        for third: UInt8 in [1, 2, 3] {
            let (cluster, scenario, id, drawn) = try begin()
            for (validator, output) in zip(drawn, [1, 2] as [UInt8]) {
                let result = scenario.result(validator, id, output: output)
                cluster.submit(.result(result), to: [0, 1, 2, 3])
            }
            try cluster.run(80)
            #expect(batches(cluster).isEmpty)
            let start = cluster.now
            let last = scenario.result(drawn[2], id, output: third)
            cluster.submit(.result(last), to: [0, 1, 2, 3])
            try cluster.run(300)
            let all = batches(cluster)
            #expect(all.map(\.results) == [3], "the third says \(third)")
            #expect(all.first?.at ?? .max <= start + Self.batchMilliseconds)
        }
    }

    @Test("One that waits is in a hurry once the ledger holds another that agrees")
    func withTheLedger() throws {
        let (cluster, scenario, id, drawn) = try begin()
        cluster.submit(.result(scenario.result(drawn[0], id)), to: [0, 1, 2, 3])
        try cluster.run(ReplicationLimits.reportMilliseconds + Self.batchMilliseconds)
        let start = cluster.now
        cluster.submit(.result(scenario.result(drawn[1], id)), to: [0, 1, 2, 3])
        try cluster.run(Self.batchMilliseconds)
        let all = batches(cluster)
        #expect(all.map(\.results) == [1, 1])
        #expect(all.last?.isDecided == true)
        #expect(all.last?.at ?? .max <= start + Self.batchMilliseconds)
    }
}
