// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import NIOCore

/// A peer of the network: it listens and dials, keeps the connections, and opens and accepts
/// streams by their protocols.
///
/// All of it is confined to one event loop, on which every method is called except `start` and
/// `stop`. Bounds are those of its settings:
/// - `connectionOfPeer.count <= connectionsMax`; connections without a name `<= handshakesMax`;
/// - one connection a peer.
package final class PeerHost: @unchecked Sendable {
    /// Decides about an inbound stream of a protocol; nil refuses it.
    package typealias Acceptor = (PeerStream) -> (any StreamHandler)?

    struct ProtocolEntry {
        let id: String
        let inboundMax: Int
        let accept: Acceptor
    }

    /// Where all of this happens.
    package let loop: any EventLoop
    /// What the host was told.
    package let settings: HostSettings
    /// Who the host is.
    package let peer: PeerID

    let keys: HandshakeKeys
    var servers: [any Channel] = []
    var connections: [UInt64: Connection] = [:]
    var connectionOfPeer: [PeerID: Connection] = [:]
    var entries: [ProtocolEntry] = []
    var known: [PeerID: KnownPeer] = [:]
    var identities: [PeerID: IdentifyMessage] = [:]
    var pushIsDue = false
    var recordCount: UInt64 = 0
    private(set) var isStopped = false
    private var observers: [(HostEvent) -> Void] = []
    private var nextNumber: UInt64 = 1
    private var ticker: RepeatedTask?

    /// What it has sent and received.
    package internal(set) var traffic = Traffic()

    /// Where the host listens, with the ports that it got and without its name.
    package internal(set) var listenAddresses: [Multiaddr] = []

    /// A host that does nothing until `start`.
    package init(settings: HostSettings, loop: any EventLoop) {
        self.settings = settings
        self.loop = loop
        keys = HandshakeKeys(identity: settings.identity)
        peer = PeerID(settings.identity.publicKey)
        registerIdentify()
        registerPing()
    }

    // MARK: Start and stop

    /// Listens at all addresses, and fails if one of them cannot be had. From any thread.
    package func start() -> EventLoopFuture<Void> {
        loop.flatSubmit {
            let bound = self.settings.listen.map { self.listen(at: $0) }
            return EventLoopFuture.andAllComplete(bound, on: self.loop).flatMap {
                self.ticker = self.loop.scheduleRepeatedTask(
                    initialDelay: HostSettings.tick, delay: HostSettings.tick
                ) { _ in self.tick() }
                return EventLoopFuture.andAllSucceed(bound, on: self.loop)
            }
        }
    }

    /// Ends all connections and listens no more. From any thread.
    package func stop() -> EventLoopFuture<Void> {
        loop.flatSubmit {
            self.isStopped = true
            self.ticker?.cancel()
            let closed = self.servers.map { $0.close() }
            self.servers = []
            for connection in self.connections.values.sorted(by: { $0.number < $1.number }) {
                connection.close(.byUs)
            }
            self.observers = []
            return EventLoopFuture.andAllComplete(closed, on: self.loop)
        }
    }

    // MARK: Owners

    /// Tells `observer` of every event from now on.
    package func observe(_ observer: @escaping (HostEvent) -> Void) {
        loop.preconditionInEventLoop()
        observers.append(observer)
    }

    /// Accepts streams of a protocol, at most `inboundMax` of one peer at a time.
    package func register(
        _ protocolID: String, inboundMax: Int, accept: @escaping Acceptor
    ) {
        entries.removeAll { $0.id == protocolID }
        entries.append(ProtocolEntry(id: protocolID, inboundMax: inboundMax, accept: accept))
        pushIsDue = true
    }

    /// Opens a stream to a connected peer with the first of the protocols that it speaks.
    ///
    /// `completion` sets the handler of the stream before it returns.
    package func open(
        _ protocols: [String], to peer: PeerID,
        completion: @escaping (Result<PeerStream, HostError>) -> Void
    ) {
        loop.preconditionInEventLoop()
        guard let connection = connectionOfPeer[peer] else {
            return completion(.failure(.notConnected))
        }
        connection.open(protocols, completion: completion)
    }

    /// The peers that are connected, in order.
    package var connectedPeers: [PeerID] { connectionOfPeer.keys.sorted() }

    /// Who dialled the connection to a peer, and where the peer is; nil where there is none.
    package func connection(to peer: PeerID) -> (role: Role, address: Multiaddr?)? {
        connectionOfPeer[peer].map { ($0.role, $0.address) }
    }

    /// The streams that are open to a peer, both ways.
    package func streamCount(to peer: PeerID) -> Int {
        connectionOfPeer[peer]?.streamCount ?? 0
    }

    /// Bytes that the connection to a peer has carried.
    func carriedBytes(of peer: PeerID) -> (sent: UInt64, received: UInt64) {
        connectionOfPeer[peer].map { ($0.sentBytes, $0.receivedBytes) } ?? (0, 0)
    }

    /// The connections that are open, named and not.
    package var socketCount: Int { connections.count }

    /// What a connected peer has said of itself.
    package func identity(of peer: PeerID) -> IdentifyMessage? { identities[peer] }

    /// Ends the connection to a peer.
    package func disconnect(_ peer: PeerID) { connectionOfPeer[peer]?.close(.byUs) }

    // MARK: For connections

    var protocols: [String] { entries.map(\.id) }

    func handler(for stream: PeerStream, count: Int) -> (any StreamHandler)? {
        guard let entry = entries.first(where: { $0.id == stream.protocolID }),
            count <= entry.inboundMax
        else { return nil }
        return entry.accept(stream)
    }

    func tell(_ event: HostEvent) {
        for observer in observers { observer(event) }
    }

    func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    private func tick() {
        let now = NIODeadline.now()
        for connection in connections.values.sorted(by: { $0.number < $1.number }) {
            connection.tick(now)
        }
        dialKnown(now)
        if pushIsDue {
            pushIsDue = false
            pushIdentify()
        }
    }
}
