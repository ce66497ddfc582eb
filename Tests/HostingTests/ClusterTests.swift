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

    @Test("A full disk ends its node and holds up nobody; with room again it catches up")
    func fullDisk() throws {
        for operation in [0, 3, 11, 40] {
            let cluster = try Cluster(setup(4, 3), delay: 10)
            let messages = try requests(6, cluster.setup)
            cluster.mayFail = [2]
            cluster.submit(.request(messages[0]), to: [0])
            try cluster.run(2_000)
            cluster.disks[2].fail(operation: operation, with: .noSpace)
            for message in messages[1..<4] {
                cluster.submit(.request(message), to: [0, 2])
                try cluster.run(2_000)
            }
            #expect(cluster.failures.map(\.host) == [2], "operation \(operation)")
            let height = try #require(cluster.hosts[0]?.state.height)
            // What it acknowledged before is there; what it could not write it never said.
            cluster.disks[2].healFaults()
            cluster.mayFail = []
            try cluster.open(2)
            for message in messages[4...] {
                cluster.submit(.request(message), to: [2])
                try cluster.run(2_000)
            }
            try cluster.run(5_000)
            for place in 0..<4 {
                let host = try #require(cluster.hosts[place])
                #expect(host.state.height > height)
                #expect(host.state.convictionCount == 0)
                for message in messages {
                    let entry = host.state.entry(of: message.id(in: host.state.ledger))
                    let decided = entry.flatMap { host.state.decided(at: $0) }
                    #expect(decided?.decision.outcome == .approved, "operation \(operation)")
                }
            }
            let heights = cluster.committed.map { $0[height] }
            #expect(Set(heights.compactMap(\.self)).count == 1)
        }
    }
}
