// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Gossipsub {
    mutating func heartbeat(using generator: inout some RandomNumberGenerator) {
        heartbeats += 1
        scores.advance(to: now)
        expirePending()
        seen.expire(at: now)
        backoffs.expire(at: now - min(now, settings.backoffSlackMilliseconds))
        peers.updateAll { _, state in
            state.haveMessages = 0
            state.askedIDs = 0
        }
        for (peer, count) in promises.takeBroken(at: now).rows {
            scores.penalise(peer, by: count)
        }
        for topic in meshes.keys {
            maintainMesh(topic, using: &generator)
            gossip(topic, except: mesh(of: topic), using: &generator)
        }
        maintainFanouts(using: &generator)
        cache.shift()
    }

    // MARK: - Meshes

    private mutating func maintainMesh(
        _ topic: Topic, using generator: inout some RandomNumberGenerator
    ) {
        for peer in mesh(of: topic) where score(peer) < 0 {
            prune(peer, topic, exchanges: false, using: &generator)
        }
        if mesh(of: topic).count < settings.degreeLow {
            let missing = settings.degree - mesh(of: topic).count
            for peer in pick(missing, of: graftable(topic), using: &generator) {
                graft(peer, topic)
            }
        }
        if mesh(of: topic).count > settings.degreeHigh {
            for peer in surplus(of: topic, using: &generator) {
                prune(peer, topic, exchanges: true, using: &generator)
            }
        }
        if mesh(of: topic).count >= settings.degreeLow {
            let missing = settings.degreeOut - mesh(of: topic).filter { isOutbound($0) }.count
            if missing > 0 {
                let others = graftable(topic).filter { isOutbound($0) }
                for peer in pick(missing, of: others, using: &generator) { graft(peer, topic) }
            }
        }
        if heartbeats.isMultiple(of: settings.opportunisticGraftHeartbeats) {
            graftOpportunistically(topic, using: &generator)
        }
    }

    private func isOutbound(_ peer: PeerID) -> Bool { peers[peer]?.isOutbound == true }

    /// Who goes from a mesh that is too large: all but the best, some by chance, and enough of
    /// those that this node has dialled.
    private func surplus(
        of topic: Topic, using generator: inout some RandomNumberGenerator
    ) -> [PeerID] {
        // Shuffled first, so that chance decides between equals.
        let scored = mesh(of: topic).shuffled(using: &generator).map { ($0, score($0)) }
        // Ties keep their order: Array.sort is not documented to be stable.
        var ranked = scored.enumerated().sorted { left, right in
            if left.element.1 != right.element.1 { return left.element.1 > right.element.1 }
            return left.offset < right.offset
        }.map(\.element.0)
        let best = Array(ranked.prefix(settings.degreeScore))
        ranked = best + ranked.dropFirst(best.count).shuffled(using: &generator)
        var kept = Array(ranked.prefix(settings.degree))
        var others = Array(ranked.dropFirst(settings.degree))
        var missing = settings.degreeOut - kept.filter { isOutbound($0) }.count
        while missing > 0, let incoming = others.firstIndex(where: { isOutbound($0) }),
            let outgoing = kept.lastIndex(where: { !isOutbound($0) })
        {
            swap(&kept[outgoing], &others[incoming])
            missing -= 1
        }
        return others
    }

    private mutating func graftOpportunistically(
        _ topic: Topic, using generator: inout some RandomNumberGenerator
    ) {
        let ranked = mesh(of: topic).map { score($0) }.sorted()
        guard ranked.count > 1 else { return }
        let median = ranked[ranked.count / 2]
        guard median < settings.score.opportunisticGraftThreshold else { return }
        let better = graftable(topic).filter { score($0) > median }
        let count = settings.opportunisticGraftPeers
        for peer in pick(count, of: better, using: &generator) { graft(peer, topic) }
    }

    // MARK: - Fanouts and gossip

    private mutating func maintainFanouts(using generator: inout some RandomNumberGenerator) {
        let fanoutMilliseconds = settings.fanoutMilliseconds
        let now = now
        fanouts.removeAll { _, fanout in now - fanout.lastPublished > fanoutMilliseconds }
        for topic in fanouts.keys {
            fillFanout(topic, using: &generator)
            gossip(topic, except: fanouts[topic]?.peers ?? [], using: &generator)
        }
    }

    /// Tells some peers outside of the mesh which messages there are.
    private mutating func gossip(
        _ topic: Topic, except mesh: [PeerID], using generator: inout some RandomNumberGenerator
    ) {
        let ids = cache.gossip(topic)
        guard !ids.isEmpty else { return }
        let others = members(topic).filter {
            !mesh.sortedContains($0) && !isDirect($0)
                && score($0) >= settings.score.gossipThreshold
        }
        let share = (FixedPoint(others.count) * settings.gossipFactor).whole
        let count = max(settings.degreeLazy, share)
        for peer in pick(count, of: others, using: &generator) {
            // Where there are too many, each peer hears of others.
            let named = Array(
                ids.shuffled(using: &generator).prefix(settings.haveIDsMax))
            addControl(to: peer) { $0.haves.append(RPC.Have(topic: topic, ids: named)) }
        }
    }
}
