// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Network
internal import Node
internal import Telemetry

/// Makes the answer to a scrape, from what the node knows when it is asked.
///
/// Bound: one answer is made at a time, and those who ask while it is young get the same, so that
/// no number of scrapes costs more than five a second.
actor Scraper {
    private static let youngMilliseconds: Int64 = 200

    private let desk: NodeDesk
    private let around: APISurroundings
    private let connections: Connections
    private var last: (text: String, at: ContinuousClock.Instant)?
    private var making: Task<String, Never>?

    init(_ desk: NodeDesk, _ around: APISurroundings, _ connections: Connections) {
        self.desk = desk
        self.around = around
        self.connections = connections
    }

    /// All metrics, in Prometheus' text format.
    func text() async -> String {
        if let last, last.at.duration(to: .now) < .milliseconds(Self.youngMilliseconds) {
            return last.text
        }
        if let making { return await making.value }
        let task = Task { [desk, around, connections] in
            await Self.make(desk, around, connections)
        }
        making = task
        let text = await task.value
        making = nil
        last = (text, .now)
        return text
    }

    private static func make(
        _ desk: NodeDesk, _ around: APISurroundings, _ connections: Connections
    ) async -> String {
        async let network = around.network()
        let reading = await reading(desk)
        var samples = NodeSamples.ofNode(desk.node, answers: reading != nil)
        samples += NodeSamples.ofFacts(desk.node.facts, now: SystemClock().now())
        if let reading {
            var reached = Set(around.parties())
            reached.insert(desk.node.home.key.publicKey)
            samples += NodeSamples.ofReading(reading, reached: reached)
        }
        samples += NodeSamples.ofQueues(desk.node.queues + (reading?.queues ?? []))
        if let network = await network {
            samples += NodeSamples.ofNetwork(network, names(reading, network, around.party))
        }
        samples += NodeSamples.ofConnections(connections) + ProcessReading.samples
        return around.metrics.text(samples + around.samples())
    }

    /// What the node's thread knows; nil where it does not answer in time.
    private static func reading(_ desk: NodeDesk) async -> NodeReading? {
        guard !desk.node.ended.isOver else { return nil }
        do { return try await desk.reading() } catch { return nil }
    }

    /// What the parties of peers are called.
    private static func names(
        _ reading: NodeReading?, _ network: NetworkReading,
        _ party: (PeerID) -> PublicKey?
    ) -> [PeerID: String] {
        var names: [PublicKey: String] = [:]
        for member in reading?.members ?? [] { names[member.key] = member.name }
        if let bridge = reading?.bridge { names[bridge] = "bridge" }
        var result: [PeerID: String] = [:]
        for row in network.peers {
            if let key = party(row.peer) { result[row.peer] = names[key] ?? key.hex }
        }
        return result
    }
}

extension Routes {
    /// `GET /metrics`.
    static func addMetrics(to router: inout Router, _ scraper: Scraper) {
        router.get("metrics") { request in
            _ = try Query(request, known: [])
            let text = await scraper.text()
            return .bytes(Array(text.utf8), "text/plain; version=0.0.4; charset=utf-8")
        }
    }
}
