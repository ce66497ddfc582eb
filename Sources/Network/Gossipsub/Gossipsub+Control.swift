// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Gossipsub {
    // MARK: - GRAFT and PRUNE

    mutating func answer(
        grafts: [Topic], of peer: PeerID, using generator: inout some RandomNumberGenerator
    ) {
        var refused: [Topic] = []
        var exchanges = true
        for topic in grafts {
            // A GRAFT of an unknown topic has no answer, which would be work for nothing.
            guard let mesh = meshes[topic] else {
                exchanges = false
                continue
            }
            guard !mesh.sortedContains(peer), peers[peer]?.topics.sortedContains(topic) == true
            else { continue }
            switch refusal(ofGraft: topic, by: peer, mesh) {
            case nil: addToMesh(peer, topic)
            case .full: refused.append(topic)
            case .backoff(let penalties):
                scores.penalise(peer, by: penalties)
                refused.append(topic)
                exchanges = false
            case .score, .direct:
                refused.append(topic)
                exchanges = false
            }
        }
        for topic in refused { prune(peer, topic, exchanges: exchanges, using: &generator) }
    }

    private enum GraftRefusal {
        case direct
        case backoff(penalties: Int)
        case score
        case full
    }

    private func refusal(
        ofGraft topic: Topic, by peer: PeerID, _ mesh: [PeerID]
    ) -> GraftRefusal? {
        if isDirect(peer) { return .direct }
        if let end = backoffs.end(peer, topic), now + settings.backoffRoundingMilliseconds < end {
            let begin = end - min(end, settings.pruneBackoffSeconds * 1000)
            let isFlood = now < begin + settings.graftFloodMilliseconds
            return .backoff(penalties: isFlood ? 2 : 1)
        }
        if score(peer) < 0 { return .score }
        let isOutbound = peers[peer]?.isOutbound == true
        if mesh.count >= settings.degreeHigh && !isOutbound { return .full }
        return nil
    }

    mutating func obey(
        _ prunes: [RPC.Prune], of peer: PeerID, using generator: inout some RandomNumberGenerator
    ) {
        let isTrusted = score(peer) >= settings.score.acceptPeersThreshold
        var budget = settings.exchangedPeers
        for prune in prunes where meshes.contains(prune.topic) {
            let wasInMesh = removeFromMesh(peer, prune.topic)
            let told = prune.backoffSeconds ?? 0
            let seconds = told > 0 ? told : settings.pruneBackoffSeconds
            addBackoff(peer, prune.topic, seconds: seconds)
            // Once for each time in the mesh: the backoff bounds how often a peer can name others.
            guard isTrusted, wasInMesh, budget > 0 else { continue }
            let hints = prune.peers.shuffled(using: &generator).prefix(budget)
            budget -= hints.count
            for hint in hints { follow(hint, of: peer) }
        }
    }

    /// Connects to a peer that another names, if the record is signed by whom it names.
    private mutating func follow(_ hint: RPC.PeerHint, of peer: PeerID) {
        guard let bytes = hint.record, let named = peerID(hint.peer), named != identity,
            !peers.contains(named)
        else { return }
        do {
            let record = try PeerRecord.open(bytes[...])
            guard record.peer == named, !record.addresses.isEmpty else {
                return scores.penalise(peer)
            }
            effects.append(.connect(record))
        } catch .signature {
            scores.penalise(peer)
        } catch {
            // A key or an address that is not spoken here is no fault.
        }
    }

    func peerID(_ bytes: [UInt8]) -> PeerID? {
        do { return try PeerID(bytes: bytes) } catch { return nil }
    }

    // MARK: - IHAVE and IWANT

    mutating func answer(
        haves: [RPC.Have], of peer: PeerID, using generator: inout some RandomNumberGenerator
    ) {
        guard score(peer) >= settings.score.gossipThreshold, let state = peers[peer]
        else { return }
        peers.update(peer) { $0.haveMessages += 1 }
        let room = settings.haveIDsMax - state.askedIDs
        guard state.haveMessages < settings.haveMessagesMax, room > 0 else { return }
        var wanted: Set<MessageID> = []
        var ids: [MessageID] = []
        for have in haves where meshes.contains(have.topic) {
            for id in have.ids.prefix(settings.haveIDsMax) where !seen.contains(id) {
                if wanted.insert(id).inserted { ids.append(id) }
            }
        }
        guard !ids.isEmpty else { return }
        ids.shuffle(using: &generator)
        let asked = Array(ids.prefix(room))
        peers.update(peer) { $0.askedIDs += asked.count }
        // The first of shuffled ids is one by chance.
        promises.add(asked[0], by: peer, expires: now + settings.promiseMilliseconds)
        addControl(to: peer) { $0.wants.append(asked) }
    }

    mutating func answer(wants: [[MessageID]], of peer: PeerID) {
        guard score(peer) >= settings.score.gossipThreshold else { return }
        var answered: Set<MessageID> = []
        for id in wants.joined() where answered.insert(id).inserted {
            guard
                let message = cache.serve(id, to: peer, timesMax: settings.retransmissions)
            else { continue }
            var rpc = RPC()
            rpc.messages = [message]
            effects.append(.send(rpc, to: peer))
        }
    }
}
