// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What a network is told when it is made.
package struct PeerNetworkSettings: Sendable {
    /// How peers are found beside those that are named.
    package enum Discovery: Equatable, Sendable {
        /// By multicast on these interfaces; on all that reach beyond the machine if none is named.
        case multicast(interfaces: [String])
        /// Not at all.
        case off
    }

    /// The host: who it is, where it listens, how many connections it has.
    package var host: HostSettings
    /// How it gossips.
    package var gossip = Pubsub.Settings(gossip: GossipsubSettings())
    /// The topics that it is in from the start.
    package var topics: [Topic] = []
    /// The protocols of messages to one peer.
    package var protocols: [DirectProtocol] = []
    /// The peers to which connections are kept up: addresses that end with the peer's name.
    package var peers: [Multiaddr] = []
    /// How others are found.
    package var discovery = Discovery.off
    /// The most bytes of messages to be published that are on their way to the loop.
    package var publishBytesMax = 16 << 20

    /// Settings of a network with this host and no topics.
    package init(host: HostSettings) { self.host = host }
}

/// A protocol of messages to one peer, each after its length as a varint.
package struct DirectProtocol: Equatable, Sendable {
    /// Its name, as in the negotiation of streams.
    package let id: String
    /// The most bytes of a message.
    package let messageBytesMax: Int
    /// From here on no more messages to a peer are taken, in bytes that wait for it.
    package let queueBytesMax: Int
    /// From here on nothing more is read from a peer, in bytes of its messages that the owner has
    /// not released.
    package let inboundBytesMax: Int

    /// A protocol; its queues hold four of the largest messages.
    package init(_ id: String, messageBytesMax: Int) {
        self.init(
            id, messageBytesMax: messageBytesMax, queueBytesMax: messageBytesMax * 4,
            inboundBytesMax: messageBytesMax * 4)
    }

    /// A protocol.
    package init(_ id: String, messageBytesMax: Int, queueBytesMax: Int, inboundBytesMax: Int) {
        self.id = id
        self.messageBytesMax = messageBytesMax
        self.queueBytesMax = queueBytesMax
        self.inboundBytesMax = inboundBytesMax
    }
}
