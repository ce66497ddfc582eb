// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Synchronization

/// A node's part in a network of peers: topics in which everybody hears what one says, messages to
/// one peer, and who is there.
///
/// It knows peers and bytes and nothing of what they mean. Usable from any thread; nothing blocks;
/// what is not taken is refused at once. All of its state is confined to one event loop, on which
/// the owner is told of events: it hands them on and returns soon.
///
/// What the owner has been given and has not judged or released holds up whoever sent it, once it
/// is too much, and nobody else.
package final class PeerNetwork: Sendable {
    /// What an owner is told.
    package enum Event: Sendable {
        /// A peer is there: who of us dialled, and where it is.
        case connected(PeerID, Role, Multiaddr?)
        /// A peer is gone, with all that waited to be sent to it.
        case disconnected(PeerID, CloseReason)
        /// A peer has said what it is.
        case identified(PeerID, IdentifyMessage)
        /// A message of a topic, brought by a peer; to be judged.
        case gossip(Gossipsub.Token, Topic, [UInt8], from: PeerID)
        /// A message from a peer to this one; to be released.
        case message(MessageToken, protocolID: String, [UInt8], from: PeerID)
        /// Messages to a peer that were taken and have not been, or may not have been, delivered.
        case lost(PeerID, protocolID: String, HostError)
        /// What was to be said in a topic went nowhere.
        case unpublished(Topic, Gossipsub.PublishRefusal)
    }

    /// What stands for a message that is to be released.
    package struct MessageToken: Hashable, Sendable {
        let rawValue: UInt64
    }

    /// What has become of a message to a peer.
    package enum Answer: Sendable, Equatable {
        /// It waits to be sent.
        case taken
        /// As much waits for the peer as may.
        case full
        /// The peer is not there, or the protocol is not one of this network.
        case notConnected
        /// It is above the bound of its protocol.
        case tooLong
    }

    /// Who this node is.
    package let peer: PeerID
    /// Where everything happens. For tests and for those that share the loop.
    package let host: PeerHost
    /// The gossip; on the loop alone.
    package let pubsub: Pubsub

    let settings: PeerNetworkSettings
    let direct: DirectMessages
    private let discovery: DiscoveryService?
    private let group: MultiThreadedEventLoopGroup
    /// The bytes of what is on its way to the loop to be published; nil once it has ended.
    private let publishing = Mutex<Int?>(0)
    private let onEvent: @Sendable (Event) -> Void

    /// A network that does nothing until `start`.
    /// - Parameter onEvent: told of events, on the event loop.
    package init(
        _ settings: PeerNetworkSettings, onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.settings = settings
        self.onEvent = onEvent
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let host = PeerHost(settings: settings.host, loop: group.next())
        self.host = host
        peer = host.peer
        pubsub = Pubsub(
            settings.gossip, host: host, key: settings.host.identity,
            sequence: settings.host.recordSequence)
        direct = DirectMessages(settings.protocols, host: host)
        switch settings.discovery {
        case .off: discovery = nil
        case .multicast(let interfaces):
            discovery = DiscoveryService(
                peer: host.peer, interfaces: interfaces, loop: host.loop,
                listens: { host.listenAddresses },
                found: { peer, addresses in host.want(peer, at: addresses) })
        }
    }

    // MARK: Start and stop

    /// Listens, joins the topics, and dials the peers that are named.
    /// - Throws: `HostError` where an address cannot be had or names no peer;
    ///   `DiscoveryService.StartError`.
    package func start() async throws {
        for address in settings.peers where address.peer == nil || address.tcp == nil {
            throw HostError.address(address)
        }
        try await host.loop.submit { self.prepare() }.get()
        try await host.start().get()
        try await discovery?.start().get()
        try await host.loop.submit {
            for address in self.settings.peers {
                if let peer = address.peer { self.host.keep(peer, at: [address]) }
            }
        }.get()
    }

    /// Ends everything. No event comes afterwards.
    package func stop() async throws {
        publishing.withLock { $0 = nil }
        try await discovery?.stop().get()
        try await host.loop.submit { self.pubsub.stop() }.get()
        try await host.stop().get()
        try await group.shutdownGracefully()
    }

    private func prepare() {
        direct.onMessage = { [onEvent] token, line, message in
            let token = MessageToken(rawValue: token)
            onEvent(.message(token, protocolID: line.id, message, from: line.peer))
        }
        direct.onLost = { [onEvent] line, error in
            onEvent(.lost(line.peer, protocolID: line.id, error))
        }
        pubsub.onMessage = { [onEvent] token, message, peer in
            onEvent(.gossip(token, message.topic, message.data, from: peer))
        }
        pubsub.onPublished = { [onEvent] effect in
            if case .unpublished(let topic, let refusal) = effect {
                onEvent(.unpublished(topic, refusal))
            }
        }
        host.observe { [weak self] event in self?.observe(event) }
        direct.start()
        pubsub.start()
        for topic in settings.topics { pubsub.subscribe(topic) }
    }

    private func observe(_ event: HostEvent) {
        switch event {
        case .connected(let peer, let role, let address):
            direct.connect(peer)
            onEvent(.connected(peer, role, address))
        case .disconnected(let peer, let reason):
            direct.disconnect(peer)
            onEvent(.disconnected(peer, reason))
        case .identified(let peer, let identity): onEvent(.identified(peer, identity))
        }
    }

    /// Runs `body` on the loop, unless everything has ended.
    private func run(_ body: @escaping @Sendable () -> Void) {
        publishing.withLock { bytes in
            if bytes != nil { host.loop.execute(body) }
        }
    }

    // MARK: Topics

    /// Says something in a topic; false, and it is not said, where too much is on its way already.
    package func publish(_ data: [UInt8], in topic: Topic) -> Bool {
        let size = data.count + DirectQueues.bytesAround
        let isTaken = publishing.withLock { bytes in
            guard let before = bytes, before + size <= settings.publishBytesMax else {
                return false
            }
            bytes = before + size
            return true
        }
        guard isTaken else { return false }
        run {
            self.publishing.withLock { $0 = $0.map { $0 - size } }
            self.pubsub.publish(data, in: topic)
        }
        return true
    }

    /// Judges a message of a topic: only what is accepted goes to others.
    package func judge(_ token: Gossipsub.Token, _ verdict: Gossipsub.Acceptance) {
        run { self.pubsub.judge(token, verdict) }
    }

    /// Joins a topic.
    package func subscribe(_ topic: Topic) {
        run { self.pubsub.subscribe(topic) }
    }

    /// Leaves a topic.
    package func unsubscribe(_ topic: Topic) {
        run { self.pubsub.unsubscribe(topic) }
    }

    /// Tells what the owner thinks of a peer; it counts with what gossip thinks.
    package func setScore(_ score: FixedPoint, of peer: PeerID) {
        run { self.pubsub.setScore(score, of: peer) }
    }

    // MARK: Peers

    /// Sends a message to one peer, behind those that wait for it.
    package func send(_ message: [UInt8], to peer: PeerID, by protocolID: String) -> Answer {
        switch direct.send(message, to: peer, by: protocolID) {
        case .taken: return .taken
        case .first:
            run { self.direct.pump(DirectMessages.Line(peer: peer, id: protocolID)) }
            return .taken
        case .full: return .full
        case .notConnected: return .notConnected
        case .tooLong: return .tooLong
        }
    }

    /// Gives a message back that the owner has done with, so that its sender is read from again.
    package func release(_ token: MessageToken) {
        run { self.direct.release(token.rawValue) }
    }

    /// The peers that are connected, in order.
    package var connectedPeers: [PeerID] { direct.peers }

    /// Keeps a connection to a peer up from now on.
    package func keep(_ peer: PeerID, at addresses: [Multiaddr]) {
        run { self.host.keep(peer, at: addresses) }
    }

    /// Keeps the connection to a peer up no longer; one that is there stays.
    package func release(_ peer: PeerID) { run { self.host.release(peer) } }

    /// Ends the connection to a peer.
    package func disconnect(_ peer: PeerID) { run { self.host.disconnect(peer) } }

    /// What it has sent and received since it was started.
    package func traffic() async throws -> Traffic {
        try await host.loop.submit { self.host.traffic }.get()
    }

    /// Where the node listens, with the ports that it got and without its name.
    package func listenAddresses() async throws -> [Multiaddr] {
        try await host.loop.submit { self.host.listenAddresses }.get()
    }
}
