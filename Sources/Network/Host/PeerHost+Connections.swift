// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore
import NIOPosix

extension PeerHost {
    // MARK: Listening

    func listen(at address: Multiaddr) -> EventLoopFuture<Void> {
        guard let (host, port) = address.tcp, let text = host.hostText else {
            return loop.makeFailedFuture(HostError.address(address))
        }
        return ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel) }
            }
            .bind(host: text, port: Int(port))
            .map { channel in
                self.servers.append(channel)
                if let bound = channel.localAddress?.multiaddr {
                    self.listenAddresses += Self.reachable(bound)
                }
                if self.isStopped { channel.close(promise: nil) }
            }
            .flatMapErrorThrowing { throw HostError.socket("\($0)") }
    }

    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 64 << 10, high: 256 << 10)

    /// The addresses that others can use for one that may stand for all of the machine.
    private static func reachable(_ address: Multiaddr) -> [Multiaddr] {
        guard let (host, port) = address.tcp, host.isUnspecified else { return [address] }
        let devices: [NIONetworkDevice]
        do { devices = try System.enumerateDevices() } catch { return [address] }
        let isVersion6 = host == .ip6(0)
        let hosts = devices.compactMap { $0.address?.multiaddr?.tcp?.host }.filter {
            if case .ip6(let value) = $0 { return isVersion6 && value >> 118 != 0x3FA }
            return !isVersion6
        }
        let others = hosts.filter { host in
            switch host {
            case .ip4(let value): value >> 24 != 127
            case .ip6(let value): value != 1
            default: false
            }
        }
        let chosen = others.isEmpty ? hosts : others
        return chosen.prefix(HostSettings.addressesPerPeerMax).map { .tcp($0, port) }
    }

    private func accept(_ channel: any Channel) throws {
        let address = channel.remoteAddress?.multiaddr
        let host = address?.tcp?.host
        let fromThere = connections.values.count {
            $0.role == .listener && $0.address?.tcp?.host == host
        }
        guard !isStopped, fromThere < settings.connectionsPerAddressMax else {
            throw CloseReason.tooManyConnections
        }
        makeRoomForHandshake(from: host)
        try add(channel, role: .listener, address: address, dial: nil)
    }

    /// Ends the oldest of the unfinished handshakes that others have begun, where there are too
    /// many: of those from the same address, or of the address with the most.
    ///
    /// The oldest, because honest peers finish soon: whoever would keep them out must begin as many
    /// as there may be within the time of one handshake, and not within that of its time-out.
    private func makeRoomForHandshake(from host: Multiaddr.Part?) {
        let open = connections.values.filter { $0.role == .listener && !$0.isOpen }
        let groups = Dictionary(grouping: open) { $0.address?.tcp?.host }
        var group = groups[host] ?? []
        if group.count < settings.handshakesPerAddressMax {
            guard open.count >= settings.handshakesMax else { return }
            group = groups.values.max { $0.count < $1.count } ?? []
        }
        group.min { $0.number < $1.number }?.close(.tooManyConnections)
    }

    /// The connections whose handshakes are not finished.
    package var handshakeCount: Int { connections.values.count { !$0.isOpen } }

    func add(
        _ channel: any Channel, role: Role, address: Multiaddr?, dial: Dial?
    ) throws {
        let connection = Connection(
            number: takeNumber(), role: role, channel: channel, address: address, dial: dial,
            host: self)
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(connection))
        connections[connection.number] = connection
    }

    // MARK: Admission

    /// Decides whether a connection whose handshakes are done is kept; closes it, or others, if
    /// there would be too many.
    func admit(_ new: Connection, _ peer: PeerID) -> Bool {
        if let old = connectionOfPeer[peer] {
            new.dial?.finish(.success(peer))
            guard isBetter(new, than: old, for: peer) else {
                new.close(.duplicate)
                return false
            }
            old.close(.duplicate)
        }
        guard makeRoom(for: peer) else {
            new.close(.tooManyConnections)
            return false
        }
        invariant(connectionOfPeer[peer] == nil, "two connections to one peer")
        connectionOfPeer[peer] = new
        new.isAnnounced = true
        known[peer]?.heard = .now()
        new.dial?.finish(.success(peer))
        tell(.connected(peer, new.role, new.address))
        identify(peer)
        return !new.isClosed
    }

    /// Where two peers dial each other at once, both keep the connection that the lower name
    /// dialled. Otherwise the peer would not have dialled again if the old one still worked.
    private func isBetter(_ new: Connection, than old: Connection, for peer: PeerID) -> Bool {
        guard new.role != old.role, new.opened - old.opened < settings.handshakeTimeout else {
            return true
        }
        return (new.role == .dialer) == (self.peer < peer)
    }

    /// Peers that are kept have their places; others take those that are left.
    private func makeRoom(for peer: PeerID) -> Bool {
        let missing = missingKeptCount
        guard known[peer]?.isKept == true else {
            return connectionOfPeer.count + missing < settings.connectionsMax
        }
        guard connectionOfPeer.count >= settings.connectionsMax else { return true }
        let others = connectionOfPeer.filter { known[$0.key]?.isKept != true }
        guard let last = others.values.max(by: { $0.number < $1.number }) else { return false }
        last.close(.tooManyConnections)
        return true
    }

    /// The peers that are kept and not connected.
    var missingKeptCount: Int {
        known.count { $0.value.isKept && connectionOfPeer[$0.key] == nil }
    }

    func forget(_ connection: Connection, _ reason: CloseReason) {
        connections[connection.number] = nil
        guard let peer = connection.peer, connectionOfPeer[peer] === connection else { return }
        connectionOfPeer[peer] = nil
        identities[peer] = nil
        let lasted = NIODeadline.now() - connection.opened
        if var entry = known[peer] {
            if lasted > settings.handshakeTimeout { entry.failureCount = 0 }
            delay(&entry)
            known[peer] = entry
        }
        tell(.disconnected(peer, reason))
    }
}
