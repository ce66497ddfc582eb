// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Gossipsub {
    // MARK: - Arriving

    mutating func receive(
        _ rpc: RPC, from peer: PeerID, using generator: inout some RandomNumberGenerator
    ) {
        guard let state = peers[peer] else { return }
        // Also of those who are not heard, or they would be missing once they are again.
        for subscription in rpc.subscriptions { note(subscription, of: peer) }
        for message in rpc.messages {
            guard isHeard(peer) else { return }
            arrive(message, from: peer)
        }
        guard isHeard(peer), state.version > .floodsub else { return }
        if !rpc.haves.isEmpty { answer(haves: rpc.haves, of: peer, using: &generator) }
        if !rpc.wants.isEmpty { answer(wants: rpc.wants, of: peer) }
        if !rpc.grafts.isEmpty { answer(grafts: rpc.grafts, of: peer, using: &generator) }
        if !rpc.prunes.isEmpty { obey(rpc.prunes, of: peer, using: &generator) }
    }

    private func isHeard(_ peer: PeerID) -> Bool {
        isDirect(peer) || score(peer) >= settings.score.graylistThreshold
    }

    private mutating func arrive(_ message: GossipMessage, from peer: PeerID) {
        let topic = message.topic
        guard meshes.contains(topic) else { return }
        let rules = settings.topic(topic)
        guard message.data.count <= rules.messageBytesMax else {
            return scores.debitInvalid(peer, topic)
        }
        let id = message.id(by: rules.policy)
        if let entry = seen[id] { return arriveAgain(id, entry, from: peer) }
        // Before the id is noted: whoever guesses it must not keep the true message out.
        switch message.check(by: rules.policy) {
        case .improper: return scores.debitInvalid(peer, topic)
        case .unknownKey: return
        case .proper: break
        }
        promises.fulfil(id)
        // An old message of this node that comes back after a start.
        guard message.author != identity.bytes else { return }
        guard let token = pending.add(message, id, from: peer, at: now) else { return }
        let entry = SeenMessages.Entry(topic: topic, state: .pending, senders: [peer])
        seen.insert(id, entry, at: now)
        effects.append(.deliver(token, message, from: peer))
    }

    private mutating func arriveAgain(
        _ id: MessageID, _ entry: SeenMessages.Entry, from peer: PeerID
    ) {
        guard seen.note(peer, of: id) else { return }
        switch entry.state {
        case .pending, .ignored: break
        case .rejected: scores.debitInvalid(peer, entry.topic)
        case .accepted(let time):
            let window = scores.topicSettings[entry.topic]?.meshDeliveriesWindowMilliseconds
            if now - time <= window ?? 0 { scores.creditMesh(peer, entry.topic) }
        }
    }

    // MARK: - Judging

    mutating func judge(_ token: Token, _ verdict: Acceptance) {
        guard let judged = pending.remove(token) else { return }
        let topic = judged.message.topic
        switch verdict {
        case .ignore: seen.resolve(judged.id, .ignored)
        case .reject:
            let senders = seen.resolve(judged.id, .rejected)?.senders ?? [judged.sender]
            for sender in senders { scores.debitInvalid(sender, topic) }
        case .accept: accept(judged, for: nil)
        case .acceptFor(let peers): accept(judged, for: peers)
        }
    }

    private mutating func accept(_ judged: PendingMessages.Entry, for peers: Set<PeerID>?) {
        let topic = judged.message.topic
        let senders = seen.resolve(judged.id, .accepted(now))?.senders ?? [judged.sender]
        if let first = senders.first { scores.creditFirst(first, topic) }
        for sender in senders.dropFirst() { scores.creditMesh(sender, topic) }
        cache.put(judged.message, judged.id)
        forward(judged.message, except: senders, for: peers)
    }

    /// Drops the messages that nobody has judged.
    mutating func expirePending() {
        while let judged = pending.removeExpired(at: now) { seen.resolve(judged.id, .ignored) }
    }

    private mutating func forward(
        _ message: GossipMessage, except senders: [PeerID], for chosen: Set<PeerID>?
    ) {
        if chosen?.isEmpty == true { return }
        let mesh = mesh(of: message.topic)
        let author = message.author.flatMap { peerID($0) }
        for (peer, state) in peers.rows {
            guard state.topics.sortedContains(message.topic), !senders.contains(peer),
                author != peer, chosen?.contains(peer) ?? true
            else { continue }
            let isFlooded = state.version == .floodsub && isPublishedTo(peer)
            guard isDirect(peer) || isFlooded || mesh.sortedContains(peer) else { continue }
            send(message, to: peer)
        }
    }

    private mutating func send(_ message: GossipMessage, to peer: PeerID) {
        var rpc = RPC()
        rpc.messages = [message]
        effects.append(.send(rpc, to: peer))
    }

    private func isPublishedTo(_ peer: PeerID) -> Bool {
        isDirect(peer) || score(peer) >= settings.score.publishThreshold
    }

    // MARK: - Publishing

    mutating func publish(
        _ data: [UInt8], in topic: Topic, using generator: inout some RandomNumberGenerator
    ) {
        let rules = settings.topic(topic)
        guard data.count <= rules.messageBytesMax else {
            let refusal = PublishRefusal.tooLarge(bytes: data.count, limit: rules.messageBytesMax)
            return effects.append(.unpublished(topic, refusal))
        }
        let message: GossipMessage
        switch rules.policy {
        case .unsigned: message = GossipMessage(topic: topic, data: data)
        case .signed:
            guard let key else { return effects.append(.unpublished(topic, .noKey)) }
            sequence += 1
            message = GossipMessage(topic: topic, data: data, sequence: sequence, signedWith: key)
        }
        let id = message.id(by: rules.policy)
        guard !seen.contains(id) else {
            return effects.append(.unpublished(topic, .alreadySeen(id)))
        }
        let entry = SeenMessages.Entry(topic: topic, state: .accepted(now), senders: [])
        seen.insert(id, entry, at: now)
        cache.put(message, id)
        let recipients = recipients(topic, floods: rules.floodsPublished, using: &generator)
        for peer in recipients { send(message, to: peer) }
        effects.append(.published(id, peerCount: recipients.count))
    }

    /// Who is sent a message of this node, ascending.
    private mutating func recipients(
        _ topic: Topic, floods: Bool, using generator: inout some RandomNumberGenerator
    ) -> [PeerID] {
        let inTopic = peers.rows.filter { $0.1.topics.sortedContains(topic) }
        if floods { return inTopic.map(\.0).filter { isPublishedTo($0) } }
        let chosen = meshes[topic] ?? fanout(topic, using: &generator)
        return inTopic.filter { peer, state in
            let isFlooded = state.version == .floodsub && isPublishedTo(peer)
            return isDirect(peer) || isFlooded || chosen.sortedContains(peer)
        }.map(\.0)
    }

    /// The peers to whom messages go of a topic that this node is not in.
    private mutating func fanout(
        _ topic: Topic, using generator: inout some RandomNumberGenerator
    ) -> [PeerID] {
        if fanouts[topic] == nil {
            guard fanouts.count < settings.limits.fanouts else { return [] }
            fanouts[topic] = Fanout(lastPublished: now)
        }
        fillFanout(topic, using: &generator)
        fanouts.update(topic) { $0.lastPublished = now }
        return fanouts[topic]?.peers ?? []
    }

    /// Fills a fanout up, as it is filled at each heartbeat.
    mutating func fillFanout(
        _ topic: Topic, using generator: inout some RandomNumberGenerator
    ) {
        guard let fanout = fanouts[topic] else { return }
        let kept = fanout.peers.filter { isPublishedTo($0) }
        let others = members(topic).filter {
            !kept.sortedContains($0) && !isDirect($0) && isPublishedTo($0)
        }
        let new = pick(settings.degree - kept.count, of: others, using: &generator)
        fanouts.update(topic) { $0.peers = (kept + new).sorted() }
    }
}
