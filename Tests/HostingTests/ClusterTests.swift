// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication
import Testing

@Suite("A cluster of hosts")
struct ClusterTests {
    private func setup(_ validators: Int = 10, _ threshold: UInt32 = 7) -> Setup {
        let setup = Setup.of(validators, threshold)
        return setup
    }

    /// A request of the scenario's circuit, by the scenario's submitter.
    private func requests(_ count: Int, _ setup: Setup) throws -> [RequestMessage] {
        var scenario = try LedgerScenario(setup)
        return (0..<count).map { _ in scenario.request() }
    }

    @Test("A request is decided in one batch, four delays after it arrives")
    func decides() throws {
        let cluster = try Cluster(setup(), delay: 100)
        let messages = try requests(1, cluster.setup)
        try cluster.run(500)
        let start = cluster.now
        cluster.submit(.request(messages[0]), to: Array(0..<10))
        try cluster.run(3000)
        let decided = cluster.commits.filter { commit in
            commit.events.contains { if case .outcomeDecided = $0 { true } else { false } }
        }
        #expect(decided.count == 10)
        // One delay more brings the request.
        #expect(decided.allSatisfy { $0.at <= start + 100 + 400 + 50 })
    }

    @Test("Three that are gone hold nothing up")
    func toleratesAbsence() throws {
        let cluster = try Cluster(setup(), delay: 10)
        let messages = try requests(5, cluster.setup)
        for place in 7..<10 { cluster.hosts[place] = nil }
        for message in messages {
            cluster.submit(.request(message), to: [0])
            try cluster.run(2_000)
        }
        try cluster.run(40_000)
        let ids = messages.map { $0.id(in: cluster.hosts[0]?.state.ledger ?? LedgerID(.zero)) }
        for place in 0..<7 {
            let state = try #require(cluster.hosts[place]?.state)
            for id in ids {
                let entry = try #require(state.entry(of: id))
                #expect(state.decided(at: entry)?.decision.outcome == .approved)
            }
        }
    }
}
