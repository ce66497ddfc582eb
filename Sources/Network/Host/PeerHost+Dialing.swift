// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

extension PeerHost {
    /// Remembers where a peer says that it may be, behind what is known already.
    package func know(_ addresses: [Multiaddr], of peer: PeerID) {
        loop.preconditionInEventLoop()
        guard !addresses.isEmpty else { return }
        let first = known[peer]?.addresses ?? []
        remember(peer, at: first + addresses)
    }

    /// Remembers addresses, the first of which count most, and forgets the last of too many.
    private func remember(_ peer: PeerID, at addresses: [Multiaddr]) {
        guard peer != self.peer else { return }
        if known[peer] == nil { makeRoomForKnown() }
        guard known[peer] != nil || known.count < settings.knownPeersMax else { return }
        var entry = known[peer] ?? KnownPeer()
        var places: [Multiaddr] = []
        for address in addresses + entry.addresses {
            guard places.count < HostSettings.addressesPerPeerMax,
                let place = address.withoutPeer, place.tcp != nil, !places.contains(place)
            else { continue }
            places.append(place)
        }
        entry.addresses = places
        entry.heard = .now()
        known[peer] = entry
    }

    /// Remembers where a peer may be, and keeps a connection to it up from now on.
    package func keep(_ peer: PeerID, at addresses: [Multiaddr]) {
        loop.preconditionInEventLoop()
        remember(peer, at: addresses)
        known[peer]?.isKept = true
        dialKnown(.now())
    }

    /// Remembers where a peer may be, and dials it while there is room for one more, until it was
    /// not to be had `HostSettings.wantedDialsMax` times.
    package func want(_ peer: PeerID, at addresses: [Multiaddr]) {
        loop.preconditionInEventLoop()
        remember(peer, at: addresses)
        if known[peer]?.isWanted == false { known[peer]?.failureCount = 0 }
        known[peer]?.isWanted = true
        dialKnown(.now())
    }

    /// Keeps the connection to a peer up no longer; one that is there stays.
    package func release(_ peer: PeerID) { known[peer]?.isKept = false }

    /// Where a peer may be.
    package func addresses(of peer: PeerID) -> [Multiaddr] { known[peer]?.addresses ?? [] }

    /// Dials an address once, and tells who is there when the handshakes are done.
    package func dial(
        _ address: Multiaddr, completion: @escaping (Result<PeerID, HostError>) -> Void
    ) {
        loop.preconditionInEventLoop()
        guard !isStopped else { return completion(.failure(.stopped)) }
        guard let (host, port) = address.tcp, let text = host.hostText else {
            return completion(.failure(.address(address)))
        }
        let open = connections.values.count { $0.role == .dialer && !$0.isOpen }
        guard open < settings.handshakesMax else { return completion(.failure(.busy)) }
        let dial = Dial(peer: address.peer, completion: completion)
        let place = address.withoutPeer
        ClientBootstrap(group: loop)
            .connectTimeout(settings.handshakeTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard !self.isStopped else { throw HostError.stopped }
                    try self.add(channel, role: .dialer, address: place, dial: dial)
                }
            }
            .connect(host: text, port: Int(port))
            .whenFailure { dial.finish(.failure(.socket("\($0)"))) }
    }

    /// Dials the peers that are to be connected and are due.
    func dialKnown(_ now: NIODeadline) {
        guard !isStopped else { return }
        let due = known.filter { peer, entry in
            (entry.isKept || entry.isWanted) && !entry.isDialled && !entry.addresses.isEmpty
                && entry.nextDial <= now && connectionOfPeer[peer] == nil
        }
        guard !due.isEmpty else { return }
        let dialled = known.count { $0.value.isDialled }
        var room = HostSettings.dialsMax - dialled
        // What is dialled may all succeed.
        var places =
            settings.connectionsMax - connectionOfPeer.count - missingKeptCount - dialled
        for (peer, entry) in due.sorted(by: { $0.key < $1.key }) where room > 0 {
            guard entry.isKept || places > 0 else { continue }
            if !entry.isKept { places -= 1 }
            room -= 1
            dialKnown(peer)
        }
    }

    private func dialKnown(_ peer: PeerID) {
        guard let entry = known[peer] else { return }
        known[peer]?.isDialled = true
        let address = entry.addresses[entry.failureCount % entry.addresses.count]
        dial(address.with(peer)) { result in
            guard var entry = self.known[peer] else { return }
            entry.isDialled = false
            if case .failure = result { self.delay(&entry) }
            if entry.failureCount >= HostSettings.wantedDialsMax { entry.isWanted = false }
            self.known[peer] = entry
        }
    }

    /// Counts a failure, and waits twice as long as after the last, give or take a half.
    func delay(_ entry: inout KnownPeer) {
        let doublings = min(entry.failureCount / max(entry.addresses.count, 1), 16)
        let wait = min(
            settings.redialMin.nanoseconds << doublings, settings.redialMax.nanoseconds)
        entry.failureCount += 1
        entry.nextDial = .now() + .nanoseconds(wait / 2 + Int64.random(in: 0...max(wait, 0)))
    }

    /// Forgets the peer that was heard of longest ago, if there are as many as may be.
    private func makeRoomForKnown() {
        guard known.count >= settings.knownPeersMax else { return }
        let idle = known.filter { !$0.value.isKept && connectionOfPeer[$0.key] == nil }
        guard let oldest = idle.min(by: { ($0.value.heard, $0.key) < ($1.value.heard, $1.key) })
        else { return }
        known[oldest.key] = nil
    }
}
