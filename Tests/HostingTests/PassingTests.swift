// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Hosting
import Ledger
import Replication
import Synchronization
import Testing

/// What nodes say to each other is no more than what somebody may lack.
@Suite("Passing on")
struct PassingTests {
    /// Messages between nodes, by who sent them and to whom.
    private final class Tap: Sendable {
        let heard = Mutex<[(from: Int, to: Int, message: PeerMessage)]>([])

        func note(_ from: Int, _ to: Int, _ bytes: [UInt8]) {
            do throws(Ledger.DecodingError) {
                let message = try PeerMessage(decoding: bytes)
                heard.withLock { $0.append((from, to, message)) }
            } catch { Issue.record("a node sent what cannot be read") }
        }

        func senders(where isWanted: (PeerMessage) -> Bool) -> [Int] {
            heard.withLock { $0.filter { isWanted($0.message) }.map(\.from) }
        }
    }

    private func isRequest(_ message: PeerMessage) -> Bool {
        if case .command(.request) = message { true } else { false }
    }

    /// Ten nodes, a request, and the nodes in the order in which its client tells them.
    private func begin(
        delay: UInt64 = 50
    ) throws -> (Cluster, Tap, RequestMessage, order: [Int]) {
        let setup = Setup.of(10, 7)
        let cluster = try Cluster(setup, delay: delay)
        let tap = Tap()
        cluster.change = { from, to, bytes in
            tap.note(from, to, bytes)
            return bytes
        }
        var scenario = try LedgerScenario(setup)
        let request = scenario.request()
        try cluster.run(500)
        let ledger = try #require(cluster.hosts[0]?.state.ledger)
        let order = Passing.order(of: .request(request), in: ledger, count: 10)
        return (cluster, tap, request, order)
    }

    private func decisions(_ cluster: Cluster) -> [UInt64] {
        cluster.commits.filter { commit in
            commit.events.contains { if case .outcomeDecided = $0 { true } else { false } }
        }.map(\.at)
    }

    @Test("The order of a request begins at a place that its id gives, and has each node once")
    func orders() throws {
        var scenario = try LedgerScenario(Setup.of(10, 7))
        var firsts: Set<Int> = []
        for _ in 0..<100 {
            let order = Passing.order(
                of: .request(scenario.request()), in: scenario.state.ledger, count: 10)
            #expect(order.sorted() == Array(0..<10))
            #expect(zip(order, order.dropFirst()).allSatisfy { ($0 + 1) % 10 == $1 })
            firsts.insert(order[0])
        }
        #expect(firsts.count == 10)
    }

    @Test("Of f + 1 that a client tells, the first passes the request on, and no other")
    func onePasses() throws {
        let (cluster, tap, request, order) = try begin()
        let start = cluster.now
        cluster.submit(.request(request), to: Array(order.prefix(4)))
        try cluster.run(1_500)
        #expect(tap.senders(where: isRequest) == Array(repeating: order[0], count: 9))
        let times = decisions(cluster)
        #expect(times.count == 10)
        // Client, passing on, vote, proposal, prevote, precommit.
        #expect(times.allSatisfy { $0 <= start + 6 * 50 + 60 })
    }

    @Test("Where the first says nothing, the votes of the others tell of the request in time")
    func firstIsSilent() throws {
        let (cluster, tap, request, order) = try begin()
        cluster.change = { from, to, bytes in
            tap.note(from, to, bytes)
            return from == order[0] ? nil : bytes
        }
        let start = cluster.now
        cluster.submit(.request(request), to: Array(order.prefix(4)))
        try cluster.run(3_000)
        #expect(decisions(cluster).contains { $0 <= start + 1_000 })
    }

    @Test("One that a client tells alone, far down in rank, passes the request on at once")
    func toldAlone() throws {
        let (cluster, tap, request, order) = try begin()
        let start = cluster.now
        cluster.submit(.request(request), to: [order[6]])
        try cluster.run(60)
        #expect(tap.senders(where: isRequest) == Array(repeating: order[6], count: 9))
        try cluster.run(1_500)
        #expect(decisions(cluster).allSatisfy { $0 <= start + 6 * 50 + 60 })
    }

    @Test("Nodes that get on ask nothing; one that is cut off asks a few at a time, then others")
    func asks() throws {
        let (cluster, tap, request, order) = try begin()
        func statuses() -> [(from: Int, to: Int, message: PeerMessage)] {
            tap.heard.withLock { heard in
                heard.filter { if case .status = $0.message { true } else { false } }
            }
        }
        tap.heard.withLock { $0 = [] }
        cluster.submit(.request(request), to: [order[0]])
        try cluster.run(350)
        #expect(decisions(cluster).count == 10)
        // Those of nodes that had begun nothing yet.
        #expect(statuses().count <= 3 * 10)
        tap.heard.withLock { $0 = [] }
        cluster.isCut = { from, to in from == 4 || to == 4 }
        try cluster.run(4_000)
        let asked = statuses().filter { $0.from == 4 }.map(\.to)
        #expect(asked.count <= 3 * (4_000 / 1_000 + 1))
        #expect(Set(asked).count == 9, "\(asked)")
        for start in stride(from: 0, to: asked.count - 3, by: 3) {
            #expect(Set(asked[start..<(start + 3)]).count == 3)
        }
    }
}
