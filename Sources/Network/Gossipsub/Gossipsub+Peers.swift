// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Gossipsub {
    // MARK: - Coming and going

    mutating func connect(_ peer: PeerID, _ state: Peer, _ address: Multiaddr.Part?) {
        guard peer != identity else { return }
        if peers.contains(peer) { disconnect(peer) }
        guard peers.count < settings.limits.peers else { return }
        peers[peer] = state
        scores.connect(peer, address: address)
        let joined = topics.map { RPC.Subscription(joins: true, topic: $0) }
        if !joined.isEmpty { addControl(to: peer) { $0.subscriptions = joined } }
    }

    mutating func disconnect(_ peer: PeerID) {
        guard let state = peers[peer] else { return }
        for topic in state.topics { forget(peer, in: topic) }
        peers[peer] = nil
        control[peer] = nil
        scores.disconnect(peer, at: now)
    }

    /// A peer is in a topic no more.
    private mutating func forget(_ peer: PeerID, in topic: Topic) {
        removeFromMesh(peer, topic)
        fanouts.update(topic) { $0.peers.sortedRemove(peer) }
    }

    mutating func note(_ subscription: RPC.Subscription, of peer: PeerID) {
        let topic = subscription.topic
        if subscription.joins {
            let countMax = settings.limits.topicsPerPeer
            peers.update(peer) { state in
                if state.topics.count < countMax { state.topics.sortedInsert(topic) }
            }
        } else if peers.update(peer, { $0.topics.sortedRemove(topic) }) == true {
            forget(peer, in: topic)
        }
    }

    // MARK: - Topics of this node

    mutating func join(_ topic: Topic, using generator: inout some RandomNumberGenerator) {
        guard !meshes.contains(topic) else { return }
        announce(RPC.Subscription(joins: true, topic: topic))
        let known = fanouts[topic]?.peers ?? []
        fanouts[topic] = nil
        meshes[topic] = []
        for peer in known where isGraftable(peer, topic) { graft(peer, topic) }
        let others = graftable(topic)
        for peer in pick(settings.degree - mesh(of: topic).count, of: others, using: &generator) {
            graft(peer, topic)
        }
    }

    mutating func leave(_ topic: Topic, using generator: inout some RandomNumberGenerator) {
        guard let mesh = meshes[topic] else { return }
        announce(RPC.Subscription(joins: false, topic: topic))
        for peer in mesh { prune(peer, topic, exchanges: true, leaves: true, using: &generator) }
        meshes[topic] = nil
    }

    private mutating func announce(_ subscription: RPC.Subscription) {
        for peer in peers.keys {
            addControl(to: peer) { $0.subscriptions.append(subscription) }
        }
    }

    // MARK: - The mesh

    /// Adds a peer to the mesh of a topic and tells it.
    mutating func graft(_ peer: PeerID, _ topic: Topic) {
        addToMesh(peer, topic)
        addControl(to: peer) { $0.grafts.append(topic) }
    }

    mutating func addToMesh(_ peer: PeerID, _ topic: Topic) {
        if meshes.update(topic, { $0.sortedInsert(peer) }) == true {
            scores.graft(peer, topic, at: now)
        }
    }

    /// - Returns: whether the peer was there.
    @discardableResult
    mutating func removeFromMesh(_ peer: PeerID, _ topic: Topic) -> Bool {
        let wasThere = meshes.update(topic, { $0.sortedRemove(peer) }) == true
        if wasThere { scores.prune(peer, topic) }
        return wasThere
    }

    /// Removes a peer from the mesh of a topic, if it is there, and tells it in any case.
    mutating func prune(
        _ peer: PeerID, _ topic: Topic, exchanges: Bool, leaves: Bool = false,
        using generator: inout some RandomNumberGenerator
    ) {
        removeFromMesh(peer, topic)
        let seconds = leaves ? settings.leaveBackoffSeconds : settings.pruneBackoffSeconds
        addBackoff(peer, topic, seconds: seconds)
        guard peers[peer]?.version == .meshsub11 else {
            return addControl(to: peer) { $0.prunes.append(RPC.Prune(topic: topic)) }
        }
        var hints: [RPC.PeerHint] = []
        if exchanges && settings.exchangesPeers && score(peer) >= 0 {
            let named = members(topic).filter { $0 != peer && score($0) >= 0 }
            for other in pick(settings.exchangedPeers, of: named, using: &generator) {
                hints.append(RPC.PeerHint(peer: other.bytes, record: peers[other]?.record))
            }
        }
        let prune = RPC.Prune(topic: topic, peers: hints, backoffSeconds: seconds)
        addControl(to: peer) { $0.prunes.append(prune) }
    }

    mutating func addBackoff(_ peer: PeerID, _ topic: Topic, seconds: UInt64) {
        let most = min(seconds, settings.backoffSecondsMax)
        backoffs.add(peer, topic, until: now + most * 1000)
    }

    // MARK: - Choosing

    func score(_ peer: PeerID) -> FixedPoint { scores.score(of: peer) }

    func isDirect(_ peer: PeerID) -> Bool { settings.directPeers.contains(peer) }

    /// Peers in a topic that speak gossipsub and not only floodsub, ascending.
    func members(_ topic: Topic) -> [PeerID] {
        peers.rows.filter { $0.1.version > .floodsub && $0.1.topics.sortedContains(topic) }
            .map(\.0)
    }

    /// Whether a peer may be taken into the mesh of a topic by this node.
    func isGraftable(_ peer: PeerID, _ topic: Topic) -> Bool {
        guard let state = peers[peer], state.version > .floodsub,
            state.topics.sortedContains(topic), !isDirect(peer),
            !mesh(of: topic).sortedContains(peer)
        else { return false }
        if let end = backoffs.end(peer, topic), now < end + settings.backoffSlackMilliseconds {
            return false
        }
        return score(peer) >= 0
    }

    func graftable(_ topic: Topic) -> [PeerID] {
        peers.keys.filter { isGraftable($0, topic) }
    }

    /// So many of some peers, by chance.
    func pick(
        _ count: Int, of peers: [PeerID], using generator: inout some RandomNumberGenerator
    ) -> [PeerID] {
        guard count > 0, !peers.isEmpty else { return [] }
        return Array(peers.shuffled(using: &generator).prefix(count))
    }

    mutating func addControl(to peer: PeerID, _ body: (inout RPC) -> Void) {
        var rpc = control[peer] ?? RPC()
        body(&rpc)
        control[peer] = rpc
    }
}
