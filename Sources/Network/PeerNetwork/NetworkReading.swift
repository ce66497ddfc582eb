// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// How a network is at one time, for whoever watches it.
package struct NetworkReading: Sendable {
    /// A topic that the node is in.
    package struct OfTopic: Sendable {
        /// The topic.
        package var topic: Topic
        /// The peers that are in it.
        package var peers: Int
        /// The peers of its mesh.
        package var mesh: Int
    }

    /// A peer that is connected.
    package struct OfPeer: Sendable {
        /// The peer.
        package var peer: PeerID
        /// What gossip thinks of it.
        package var score: FixedPoint
        /// Bytes of gossip that wait to be sent to it.
        package var gossipBytes: Int
        /// Bytes of other messages that wait to be sent to it.
        package var messageBytes: Int
        /// Bytes that its connection has carried to it.
        package var sentBytes: UInt64
        /// Bytes that its connection has brought.
        package var receivedBytes: UInt64
    }

    /// What was sent and received since the start.
    package var traffic: Traffic
    /// The topics, in order.
    package var topics: [OfTopic]
    /// The peers, in order.
    package var peers: [OfPeer]
    /// Bytes of gossip that may wait for one peer.
    package var gossipBytesMax: Int
    /// Bytes of other messages that may wait for one peer, by one protocol.
    package var messageBytesMax: Int
}

extension PeerNetwork {
    /// How it is now.
    package func reading() async throws -> NetworkReading {
        try await host.loop.submit { self.readingOnLoop }.get()
    }

    private var readingOnLoop: NetworkReading {
        NetworkReading(
            traffic: host.traffic,
            topics: host.traffic.topics.keys.sorted().map { topic in
                NetworkReading.OfTopic(
                    topic: topic, peers: pubsub.peers(in: topic).count,
                    mesh: pubsub.mesh(of: topic).count)
            },
            peers: host.connectedPeers.map { peer in
                let carried = host.carriedBytes(of: peer)
                return NetworkReading.OfPeer(
                    peer: peer, score: pubsub.score(of: peer),
                    gossipBytes: pubsub.queuedBytes(for: peer),
                    messageBytes: direct.queuedBytes(for: peer), sentBytes: carried.sent,
                    receivedBytes: carried.received)
            },
            gossipBytesMax: pubsub.settings.queueBytesMax,
            messageBytesMax: settings.protocols.map(\.queueBytesMax).max() ?? 0)
    }
}
