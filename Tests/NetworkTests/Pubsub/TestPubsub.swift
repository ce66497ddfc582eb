// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import Synchronization

/// Gossip of a host in tests, with what has come.
final class TestPubsub: Sendable {
    let host: TestHost
    let pubsub: Pubsub
    let settings: Pubsub.Settings
    private let heard = Mutex<[[UInt8]]>([])
    private let judge: @Sendable ([UInt8]) -> Gossipsub.Acceptance?

    /// - Parameter judge: the verdict of a message; nil where none is given.
    init(
        _ host: TestHost, policy: SignaturePolicy = .unsigned,
        configure: (inout Pubsub.Settings) -> Void = { _ in },
        judge: @escaping @Sendable ([UInt8]) -> Gossipsub.Acceptance? = { _ in .accept }
    ) {
        var gossip = GossipsubSettings()
        gossip.heartbeatMilliseconds = 200
        var topic = TopicSettings()
        topic.policy = policy
        topic.score = TopicScoreSettings()
        gossip.topics[Bench.topic] = topic
        var settings = Pubsub.Settings(gossip: gossip)
        configure(&settings)
        self.host = host
        self.judge = judge
        self.settings = settings
        let key = policy == .signed ? host.host.settings.identity : nil
        pubsub = Pubsub(settings, host: host.host, key: key, sequence: 1000)
    }

    func start() async throws {
        try await host.run { _ in
            self.pubsub.onMessage = { token, message, _ in
                self.heard.withLock { $0.append(message.data) }
                if let verdict = self.judge(message.data) { self.pubsub.judge(token, verdict) }
            }
            self.pubsub.start()
            self.pubsub.subscribe(Bench.topic)
        }
    }

    /// What has come, in order.
    var messages: [[UInt8]] { heard.withLock { $0 } }

    func publish(_ data: [UInt8]) async throws {
        try await host.run { _ in self.pubsub.publish(data, in: Bench.topic) }
    }

    func mesh() async throws -> [PeerID] {
        try await host.run { _ in self.pubsub.mesh(of: Bench.topic) }
    }

    func peersInTopic() async throws -> [PeerID] {
        try await host.run { _ in self.pubsub.peers(in: Bench.topic) }
    }

    func score(of peer: PeerID) async throws -> FixedPoint {
        try await host.run { _ in self.pubsub.score(of: peer) }
    }

    func stop() async throws {
        try await host.run { _ in self.pubsub.stop() }
    }
}
