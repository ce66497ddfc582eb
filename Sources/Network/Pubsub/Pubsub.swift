// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
import NIOCore

/// Gossip on the streams of a host: moves RPCs between peers and the router `Gossipsub`.
///
/// One stream each way a peer. A peer's stream is held back while ours is not open yet, and while
/// too much that it has sent waits to be judged. All of it is confined to the host's event loop.
package final class Pubsub: @unchecked Sendable {
    /// How gossip is spoken.
    package struct Settings: Sendable {
        /// The router's own.
        package var gossip: GossipsubSettings
        /// The most bytes of gossip and messages that wait for one peer.
        package var queueBytesMax = 8 << 20
        /// Whether peers are dialled whom others name in a PRUNE.
        package var dialsNamedPeers = true

        /// The defaults.
        package init(gossip: GossipsubSettings) { self.gossip = gossip }
    }

    /// The protocols, the best first.
    package static let protocolIDs = ["/meshsub/1.1.0", "/meshsub/1.0.0", "/floodsub/1.0.0"]

    let host: PeerHost
    let settings: Settings
    private var router: Gossipsub
    private var generator = SystemRandomNumberGenerator()
    private var peers: [PeerID: PubsubPeer] = [:]
    private var inputs = Fifo<Gossipsub.Input>()
    private var isRunning = false
    private var heartbeat: RepeatedTask?
    private var isStopped = false
    /// The last message that was made into bytes: it goes to many peers in a row.
    private var encoded: (message: GossipMessage, bytes: [UInt8])?

    /// Told of each message that is to be judged, and by whom it came; answers with `judge`, at
    /// once or later.
    package var onMessage: (Gossipsub.Token, GossipMessage, PeerID) -> Void = { _, _, _ in }
    /// Told what has become of what was published.
    package var onPublished: (Gossipsub.Effect) -> Void = { _ in }

    /// Gossip that is silent until `start`.
    /// - Parameters:
    ///   - key: the host's, if messages of any topic are to be signed.
    ///   - sequence: the number before that of the first signed message, above those of earlier
    ///     runs, as the time in nanoseconds since 1970 is.
    package init(
        _ settings: Settings, host: PeerHost, key: SigningKey? = nil, sequence: UInt64 = 0
    ) {
        self.host = host
        self.settings = settings
        router = Gossipsub(
            settings.gossip, identity: host.peer, key: key, sequence: sequence)
    }

    // MARK: - The owner's side

    /// Speaks with the peers that are connected and with those that will be.
    package func start() {
        host.loop.preconditionInEventLoop()
        for id in Self.protocolIDs {
            host.register(id, inboundMax: 2) { [weak self] stream in
                self?.peer(of: stream)?.accept(stream)
            }
        }
        host.observe { [weak self] event in self?.observe(event) }
        for peer in host.connectedPeers { meet(peer) }
        let interval = TimeAmount.milliseconds(Int64(settings.gossip.heartbeatMilliseconds))
        heartbeat = host.loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) {
            [weak self] _ in self?.run(.heartbeat)
        }
    }

    /// Ends all streams of gossip and speaks no more.
    package func stop() {
        host.loop.preconditionInEventLoop()
        isStopped = true
        heartbeat?.cancel()
        for peer in peers.values { peer.end() }
        peers = [:]
    }

    /// Joins a topic.
    package func subscribe(_ topic: Topic) {
        host.traffic.noteJoined(topic)
        run(.subscribe(topic))
    }

    /// Leaves a topic.
    package func unsubscribe(_ topic: Topic) { run(.unsubscribe(topic)) }

    /// Says something in a topic; `onPublished` tells what has become of it.
    package func publish(_ data: [UInt8], in topic: Topic) {
        host.traffic.notePublished(data, in: topic)
        run(.publish(topic, data))
    }

    /// Judges a message.
    package func judge(_ token: Gossipsub.Token, _ verdict: Gossipsub.Acceptance) {
        run(.verdict(token, verdict))
    }

    /// Tells what the owner thinks of a peer (P5).
    package func setScore(_ score: FixedPoint, of peer: PeerID) {
        run(.applicationScore(score, of: peer))
    }

    /// What is thought of a peer.
    package func score(of peer: PeerID) -> FixedPoint { router.scores.score(of: peer) }

    /// The most bytes of an RPC that is taken.
    package var rpcBytesMax: Int { settings.gossip.rpcBytesMax }

    /// The bytes of gossip that wait to be handed to the stream of a peer.
    package func queuedBytes(for peer: PeerID) -> Int { peers[peer]?.queuedBytes ?? 0 }

    /// The peers in the mesh of a topic, ascending.
    package func mesh(of topic: Topic) -> [PeerID] { router.mesh(of: topic) }

    /// The peers in a topic, ascending.
    package func peers(in topic: Topic) -> [PeerID] { router.peers(in: topic) }

    // MARK: - From the host

    private func observe(_ event: HostEvent) {
        guard !isStopped else { return }
        switch event {
        case .connected(let peer, _, _): meet(peer)
        case .disconnected(let peer, _): peers.removeValue(forKey: peer).map(part)
        case .identified(let peer, let identity):
            if identity.protocols?.contains(where: Self.protocolIDs.contains) == true {
                meet(peer)
            }
            if let record = identity.signedRecord { run(.record(record, of: peer)) }
        }
    }

    private func meet(_ peer: PeerID) {
        let known = peers[peer] ?? PubsubPeer(peer, owner: self)
        peers[peer] = known
        known.open()
    }

    private func part(_ peer: PubsubPeer) {
        let wasOpen = peer.outbound != nil
        peer.end()
        if wasOpen { run(.disconnected(peer.peer)) }
    }

    private func peer(of stream: PeerStream) -> PubsubPeer? {
        guard !isStopped else { return nil }
        let peer = peers[stream.peer] ?? PubsubPeer(stream.peer, owner: self)
        peers[stream.peer] = peer
        return peer
    }

    // MARK: - From the streams

    func isCurrent(_ peer: PubsubPeer) -> Bool { !isStopped && peers[peer.peer] === peer }

    func opened(_ peer: PubsubPeer, _ stream: PeerStream) {
        let version: Gossipsub.Version =
            switch stream.protocolID {
            case Self.protocolIDs[0]: .meshsub11
            case Self.protocolIDs[1]: .meshsub10
            default: .floodsub
            }
        let connection = host.connection(to: peer.peer)
        run(
            .connected(
                peer.peer, version: version, isOutbound: connection?.role == .dialer,
                address: connection?.address?.tcp?.host))
        if let record = host.identity(of: peer.peer)?.signedRecord {
            run(.record(record, of: peer.peer))
        }
    }

    func lost(_ peer: PubsubPeer) {
        if isCurrent(peer) { run(.disconnected(peer.peer)) }
    }

    func received(_ rpc: RPC, bytes: Int, from peer: PubsubPeer) {
        guard isCurrent(peer) else { return }
        host.traffic.noteReceived(rpc, bytes: bytes)
        run(.received(rpc, from: peer.peer))
        if isPressed(by: peer) { peer.setPaused(true) }
    }

    func receivedJunk(from peer: PubsubPeer) {
        if isCurrent(peer) { run(.receivedJunk(from: peer.peer)) }
    }

    // MARK: - The router

    /// Gives the router an input; one that comes of an effect waits until all effects are done.
    private func run(_ input: Gossipsub.Input) {
        host.loop.preconditionInEventLoop()
        guard !isStopped else { return }
        inputs.append(input)
        guard !isRunning else { return }
        isRunning = true
        defer { isRunning = false }
        while let next = inputs.popFirst() {
            let now = NIODeadline.now().uptimeNanoseconds / 1_000_000
            for effect in router.step(next, at: now, using: &generator) { perform(effect) }
            switch next {
            case .verdict, .heartbeat: relieve()
            default: break
            }
        }
    }

    private func perform(_ effect: Gossipsub.Effect) {
        switch effect {
        case .send(let rpc, let peer):
            guard let receiver = peers[peer] else { return }
            let bytes = frame(rpc)
            host.traffic.noteSent(rpc, bytes: bytes.count)
            receiver.send(bytes, as: rpc.queueClass)
        case .deliver(let token, let message, let peer):
            host.traffic.noteDelivered(message)
            onMessage(token, message, peer)
        case .connect(let record): connect(record)
        case .published, .unpublished: onPublished(effect)
        }
    }

    private func frame(_ rpc: RPC) -> [UInt8] {
        guard rpc.messages.count == 1, !rpc.hasControl, rpc.subscriptions.isEmpty else {
            return PrefixedMessages.frame(rpc.bytes)
        }
        // Equal arrays that share their bytes are told so at once.
        if let encoded, encoded.message == rpc.messages[0] { return encoded.bytes }
        let bytes = PrefixedMessages.frame(rpc.bytes)
        encoded = (rpc.messages[0], bytes)
        return bytes
    }

    private func connect(_ record: PeerRecord) {
        host.know(record.addresses, of: record.peer)
        guard settings.dialsNamedPeers, host.connection(to: record.peer) == nil,
            host.connectedPeers.count < host.settings.connectionsMax
        else { return }
        for address in record.addresses.prefix(2) {
            host.dial(address.with(record.peer)) { _ in }
        }
    }

    /// Listens again to peers of whom less waits to be judged.
    ///
    /// Not at once: the router must have taken one RPC before it is asked about the next.
    private func relieve() {
        for peer in peers.values where peer.inbound?.isPaused == true {
            guard !isPressed(by: peer) else { continue }
            host.loop.execute {
                let isFree = !self.isPressed(by: peer)
                if self.isCurrent(peer), isFree { peer.setPaused(false) }
            }
        }
    }

    /// Whether a peer is to wait; asked in place, since the router would be copied whole.
    private func isPressed(by peer: PubsubPeer) -> Bool {
        func ask(_ router: inout Gossipsub) -> Bool { router.isPressed(by: peer.peer) }
        return ask(&router)
    }
}
