// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// The suites run one after the other: each has a node that wants its time.
@Suite("The API", .serialized)
struct APISuite {}

extension APILimits {
    /// The bounds of a node, with time for a slow machine.
    static var patient: APILimits {
        var limits = APILimits()
        limits.headMilliseconds = 120_000
        limits.bodyMilliseconds = 120_000
        limits.answerMilliseconds = 60_000
        limits.scrapeMilliseconds = 60_000
        return limits
    }
}

/// A ledger of one validator that runs, and answers over HTTP.
final class RunningNode: Sendable {
    let network: LocalNetwork
    let process: NodeProcess
    let server: APIServer
    let http: HTTP
    private let folder: TemporaryFolder

    private static let samples = Vectors.repository.appendingPathComponent("Tools/samples").path

    init(
        limits: APILimits = .patient, requestsPerSecond: UInt32 = 0, quota: UInt32 = 1000,
        validators: Int = 1, nodes: [String] = []
    ) async throws {
        folder = try TemporaryFolder()
        var configuration = try Configuration.load(path: "\(Self.samples)/recount.toml")
        configuration.validators = Array(configuration.validators.prefix(validators))
        configuration.parameters.threshold = UInt32(validators)
        configuration.keeping.checkpointSeconds = 0
        configuration.submitters[0].quota = quota
        let port = TestPorts.reserve(validators + 1)
        network = try LocalNetwork.initialise(
            configuration: configuration, at: folder.path + "/net",
            protection: .keyFile(path: nil), startTime: try SystemClock().checked(),
            portsFrom: port)
        let feed = NodeFeed(limits: limits)
        let process = try await NodeProcess(
            network.nodes[0], transportKey: network.nodes[0].openTransportKey(.keyFile(path: nil)),
            onChange: { feed.changed() },
            tell: { if case .node(let told) = $0 { feed.told(told) } })
        self.process = process
        let node = try #require(process.node)
        var around = APISurroundings(parties: { process.parties })
        around.network = { await process.networkReading() }
        around.party = { process.party(of: $0) }
        around.nodes = nodes
        server = try await APIServer(
            node, feed: feed, listen: HostPort(host: "127.0.0.1", port: 0),
            requestsPerSecond: requestsPerSecond, limits: limits, around: around)
        http = HTTP(server.address)
    }

    func stop() async {
        await server.stop()
        #expect(await process.stop() == nil)
    }

    /// A node for as long as `body` runs.
    static func with(
        limits: APILimits = .patient, requestsPerSecond: UInt32 = 0, quota: UInt32 = 1000,
        validators: Int = 1, nodes: [String] = [], _ body: (RunningNode) async throws -> Void
    ) async throws {
        let node = try await RunningNode(
            limits: limits, requestsPerSecond: requestsPerSecond, quota: quota,
            validators: validators, nodes: nodes)
        do { try await body(node) } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    // MARK: Requests

    /// The sample requests, signed, with what they are expected to come to.
    func requests() throws -> [RequestMessage] {
        let submitter = try #require(network.submitters.first)
        let reader = RequestReader(
            ledger: network.ledger, circuits: try circuits(), signers: [submitter.named])
        return try String(contentsOfFile: "\(Self.samples)/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").map { try reader.read(line: Array($0.utf8)).message }
    }

    private func circuits() throws -> [Circuit] {
        try NodeClient(home: network.nodes[0].path).state().state.circuits.map(\.circuit)
    }

    /// The first sample request as a line of JSON with its signature, after a change.
    func line(_ change: (inout [String: Any]) -> Void = { _ in }) throws -> [UInt8] {
        let message = try requests()[0]
        let text = try String(contentsOfFile: "\(Self.samples)/requests.jsonl", encoding: .utf8)
        let first = Data(text.split(separator: "\n")[0].utf8)
        var fields = try #require(
            try JSONSerialization.jsonObject(with: first) as? [String: Any])
        fields["submitter"] = message.submitter.hex
        fields["signature"] = message.signature.hex
        change(&fields)
        return [UInt8](try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys))
    }

    /// The identity of a request.
    func id(_ message: RequestMessage) -> String { message.id(in: network.ledger).hex }

    /// Hands requests in and waits until they are decided, and the node has said what it runs, for
    /// which it makes a batch after its first.
    func decide(_ messages: [RequestMessage]) async throws {
        for message in messages {
            let reply = try await http.post("/requests", Message.request(message).encoded)
            try #require(reply.status == 202, "\(reply.text)")
        }
        for message in messages {
            let reply = try await http.get("/requests/\(id(message))?wait=60")
            try #require(reply.status == 200, "\(reply.text)")
            try #require(try reply.object()["outcome"] as? String != "open", "\(reply.text)")
        }
        let end = ContinuousClock.now + .seconds(testPatienceSeconds)
        while process.node?.facts.isBusy == true, .now < end {
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
